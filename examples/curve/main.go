// SPDX-License-Identifier: MIT

// Command curve is a service whose connections are encrypted by CURVE. It accepts the clients whose public keys are in the folder
// allowed, and knows them by the names there. The other keys are in files of spry keygen, or of CZMQ.
//
//	curve -keys FOLDER serve
//	curve -keys FOLDER ask ada
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

func main() {
	keys := flag.String("keys", "keys", "`folder` of the keys")
	url := flag.String("url", "tcp://127.0.0.1:5562", "`address` of the service")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := zmq.LoadCertificate(filepath.Join(*keys, "server"))
	if err != nil {
		log.Fatal(err)
	}
	switch {
	case flag.Arg(0) == "serve" && flag.NArg() == 1:
		err = serve(ctx, *url, server.Secret, filepath.Join(*keys, "allowed"))
	case flag.Arg(0) == "ask" && flag.NArg() == 2:
		err = ask(ctx, *url, server.Public, filepath.Join(*keys, flag.Arg(1)))
	default:
		log.Fatal("usage: curve [flags] serve | ask NAME")
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, url string, own zmq.SecretKey, allowed string) error {
	rep := zmq.NewRep(&zmq.RepOptions{Options: zmq.Options{
		Security: zmq.CurveServer{Secret: own, Check: zmq.AllowCertificates(allowed)}, // reads the folder when it has changed
		Logger:   slog.Default(),
	}})
	defer rep.Close()
	if _, err := rep.Listen(ctx, url); err != nil {
		return err
	}
	return rep.Serve(ctx, 8, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		r.Reply(ctx, fmt.Append(nil, "you are ", r.Pipe().Metadata()["User-Id"])) // the name that is allowed for the key
	}))
}

func ask(ctx context.Context, url string, server zmq.PublicKey, file string) error {
	own, err := zmq.LoadCertificate(file)
	if err != nil {
		return err
	}
	req := zmq.NewReq(&zmq.ReqOptions{Options: zmq.Options{Security: zmq.CurveClient{Secret: own.Secret, Server: server}}})
	defer req.Close()
	if _, err := req.Dial(ctx, url); err != nil {
		return err
	}
	reply, err := req.Do(ctx, []byte("who am I?"))
	if err == nil {
		fmt.Printf("%s\n", reply[0])
	}
	return err
}
