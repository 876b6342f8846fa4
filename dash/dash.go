// SPDX-License-Identifier: MIT

package dash

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/scope"
)

// A Dash collects the figures of processes, and is the handler of the page. It must be closed.
type Dash struct {
	options Options
	scope   *scope.Scope
	store   *store
	events  eventLog
	pages   chan struct{} // has a value for each page
	session session
	mux     *http.ServeMux
}

// New returns a Dash that collects from now on. o may be nil: then it shows this process.
func New(o *Options) (*Dash, error) {
	options, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Dash{options: options, scope: scope.New(), store: newStore(), pages: make(chan struct{}, options.MaxPages), session: newSession(options.Token)}
	if d.mux, err = d.routes(); err != nil {
		return nil, err
	}
	c := newCollector(d)
	_ = d.scope.Go(c.run) // a new scope is open
	return d, nil
}

// Close stops collecting, and closes the connections of all pages. Later requests get 503.
func (d *Dash) Close() error {
	d.scope.Close(spry.ErrClosed)
	return nil
}

// ListenAndServe serves the page at an address, such as "localhost:8080", until ctx ends: see Serve.
func (d *Dash) ListenAndServe(ctx context.Context, address string, c *tls.Config) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return d.Serve(ctx, l, c)
}

// Serve serves the page on a listener until ctx ends, and then returns nil. It closes the listener. With c, it serves by TLS. It refuses an
// address that others can reach unless there is a token, or c demands client certificates. Options.Public changes nothing here.
func (d *Dash) Serve(ctx context.Context, l net.Listener, c *tls.Config) error {
	if mutual := c != nil && c.ClientAuth == tls.RequireAndVerifyClientCert; !isLocal(l.Addr()) && d.options.Token == "" && !mutual {
		_ = l.Close()
		return fmt.Errorf("dash: others can reach %v: set a token, demand client certificates, or listen on localhost", l.Addr())
	}
	defer l.Close() // ServeTLS leaves it open if there is no certificate
	s := &http.Server{
		Handler: d, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, TLSConfig: c,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := scope.Watch(ctx, func() {
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if s.Shutdown(closing) != nil {
			_ = s.Close()
		}
	})
	var err error
	if c != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if !stop() {
		return nil
	}
	_ = s.Close()
	return err
}

// isLocal reports whether only this machine reaches an address.
func isLocal(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

var errClosed = errors.New("the dashboard is closed")
