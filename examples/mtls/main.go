// SPDX-License-Identifier: MIT

// Command mtls is a service that knows its callers by their TLS certificates. It also issues the certificates: see issue.go.
//
//	mtls issue authority server ada eve
//	mtls serve ada
//	mtls ask ada
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/sprymq/spry"
)

var (
	dir = flag.String("dir", "certificates", "`folder` of the certificates and keys")
	url = flag.String("url", "tls+tcp://127.0.0.1:5561", "`address` of the service")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	verbs := map[string]func(context.Context, ...string) error{"issue": issue, "serve": serve, "ask": ask}
	run := verbs[flag.Arg(0)]
	if run == nil {
		log.Fatal("usage: mtls [flags] issue NAME... | serve CALLER... | ask [NAME]")
	}
	if err := run(ctx, flag.Args()[1:]...); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// serve replies to these callers until ctx ends. All others are refused within the handshake, which says why.
func serve(ctx context.Context, callers ...string) error {
	authority, err := trusted()
	if err != nil {
		return err
	}
	config := &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load("server") }, // for each connection
		ClientAuth:     tls.RequireAndVerifyClientCert,
		ClientCAs:      authority,
		VerifyConnection: func(state tls.ConnectionState) error {
			if !slices.Contains(callers, nameIn(state)) {
				return errors.New(nameIn(state) + " may not call this service")
			}
			return nil
		},
	}
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Logger: slog.Default()}})
	defer rep.Close()
	if _, err := rep.ListenWith(ctx, &spry.ListenConfig{URL: *url, TLS: config}); err != nil {
		return err
	}
	return rep.Serve(ctx, 8, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		r.Reply(ctx, fmt.Append(nil, "you are ", nameIn(*r.Pipe().TLS())))
	}))
}

// nameIn is the name in the peer's certificate, which the handshake has verified.
func nameIn(state tls.ConnectionState) string { return state.VerifiedChains[0][0].Subject.CommonName }

// ask makes a request, with the certificate of this name or without one.
func ask(ctx context.Context, name ...string) error {
	authority, err := trusted()
	if err != nil {
		return err
	}
	config := &tls.Config{RootCAs: authority, ServerName: "server"}
	if len(name) > 0 {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load(name[0]) }
	}
	req := spry.NewReq(nil)
	defer req.Close()
	if _, err := req.DialWith(ctx, &spry.DialConfig{URL: *url, TLS: config}); err != nil {
		return err
	}
	reply, err := req.Do(ctx, []byte("who am I?"))
	if err == nil {
		fmt.Printf("%s\n", reply)
	}
	return err
}
