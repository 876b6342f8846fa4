// SPDX-License-Identifier: MIT

// Command oneport is a service with one port: for pages, a REST interface, and two sockets by path over WebSocket. One of the
// sockets is there without WebSocket, too, for programs of the Scalability Protocols and of ZeroMQ. With a certificate, the same
// port has all of that over TLS.
//
//	oneport -url tcp://127.0.0.1:5570
//	oneport -url tcp://:443 -cert server.pem
package main

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/port"
	"github.com/sprymq/spry/web"
)

//go:embed static
var static embed.FS

func main() {
	url := flag.String("url", "tcp://127.0.0.1:5570", "the `address` of the port")
	cert := flag.String("cert", "", "a `file` with a certificate and its key; none means no TLS")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *url, *cert); err != nil && !errors.Is(err, net.ErrClosed) {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, url, cert string) error {
	var config port.Config
	if cert != "" {
		config.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { // read anew: it may change
			c, err := tls.LoadX509KeyPair(cert, cert)
			return &c, err
		}}
	}
	p, err := port.Listen(ctx, url, &config)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { p.Close() })
	jobs, feed := spry.NewPull(nil), spry.NewPub(nil)
	if _, err := jobs.ListenOn(p.Claim(port.Sockets), nil); err != nil { // SP and ZMTP, over TCP
		return err
	}
	server := &http.Server{Handler: handler(jobs, feed), Protocols: new(http.Protocols), ReadHeaderTimeout: 5 * time.Second}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(p.Claim(port.HTTP))
	log.Print("everything is at ", p.URL())
	err = p.Serve()
	return errors.Join(err, jobs.Close(), feed.Close(), server.Close())
}

// handler has the paths of the service.
func handler(jobs *spry.Pull, feed *spry.Pub) http.Handler {
	var done atomic.Int64
	do := func(job []byte) {
		done.Add(1)
		fmt.Printf("done: %s\n", job)
		feed.Send(context.Background(), append([]byte("done: "), job...))
	}
	go func() {
		for job, err := range jobs.Bodies(context.Background()) {
			if err == nil {
				do(job)
			}
		}
	}()
	pages, _ := fs.Sub(static, "static")
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(pages))
	mux.HandleFunc("GET /api/jobs", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, done.Load(), "done") })
	mux.HandleFunc("POST /api/jobs", func(_ http.ResponseWriter, r *http.Request) { do([]byte(r.FormValue("job"))) })
	mux.Handle("/jobs", web.Handler(jobs, nil))
	mux.Handle("/feed", web.Handler(feed, nil))
	return mux
}
