// SPDX-License-Identifier: MIT

package gate

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
	"github.com/sprymq/spry/gateway"
)

// Example is a file with every key, and what it means.
//
//go:embed example.toml
var Example string

// Options of [Run].
type Options struct {
	File  string           // of the settings
	Log   io.Writer        // of requests, if the file wants that
	Every time.Duration    // between two reports of the figures; 0 for none but the last
	Ask   <-chan os.Signal // asks for one now
	Say   sayFunc
	Print sayFunc // of figures that were asked for
}

// Check reads a file, and returns lines that say what it serves. It opens nothing.
func Check(file string) ([]string, error) {
	c, err := read(file)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, l := range c.listeners {
		list = append(list, l.url(nil))
	}
	return append(list, c.serves()...), nil
}

// serves says what the routes are.
func (c *config) serves() (list []string) {
	for _, r := range c.routes {
		list = append(list, r.String())
	}
	if c.health != "" {
		list = append(list, "GET "+c.health+": 200 while requests are taken")
	}
	return list
}

// Run serves until ctx ends, which is no error.
func Run(ctx context.Context, o Options) error {
	c, err := read(o.File)
	if err != nil {
		return err
	}
	s := &site{config: c, o: &o}
	defer s.close(ctx)
	for _, r := range c.routes {
		if c.logFailures {
			r.options.Logger = s.logger()
		}
		opened, err := r.open()
		if err != nil {
			return fmt.Errorf("%s: %w", r.path, err)
		}
		s.services = append(s.services, opened)
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	return s.serve(ctx)
}

// A site is all that a file says, at work.
type site struct {
	*config
	o         *Options
	services  []*service
	listening []net.Listener
	working   sync.WaitGroup
	ended     bool
}

// listen opens the addresses of the server and of the sockets. Those that are dialed connect in the background.
func (s *site) listen(ctx context.Context) error {
	report := func(err error) {
		if err == nil {
			s.o.Say("new certificates are in use")
		} else {
			s.o.Say("the certificates in use stay: %v", err)
		}
	}
	for _, l := range s.listeners {
		on, err := l.open(ctx, report)
		if err != nil {
			set := endpoint.Set{}
			return fmt.Errorf("%s:%d: %s", s.name, l.line, set.Explain("tcp://"+l.address, true, err))
		}
		s.listening = append(s.listening, on)
	}
	for _, opened := range s.services {
		if err := opened.start(ctx, s.o.Say, &s.working); err != nil {
			return err
		}
	}
	for i, l := range s.listeners {
		s.o.Say("listening at %s", l.url(s.listening[i].Addr()))
	}
	for _, line := range s.serves() {
		s.o.Say("%s", line)
	}
	return nil
}

// handler is that of all paths.
func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	for _, opened := range s.services {
		mux.Handle(opened.on(), opened.handler)
	}
	if s.health != "" {
		mux.HandleFunc(exactly(s.health, false), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			_, _ = io.WriteString(w, "ok\n") // the client may have gone
		})
	}
	if s.accessLog {
		return logAccess(mux, s.logger(), &s.proxies)
	}
	return mux
}

func (s *site) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s.o.Log, nil)) }

// server is that of all addresses.
func (s *site) server(ctx context.Context) *http.Server {
	server := gateway.NewServer(s.handler())
	if s.maxHeader > 0 {
		server.MaxHeaderBytes = int(s.maxHeader)
	}
	if s.maxStreams > 0 {
		server.HTTP2.MaxConcurrentStreams = s.maxStreams
	}
	if s.headerTimeout > 0 {
		server.ReadHeaderTimeout = s.headerTimeout
	}
	if s.idleTimeout > 0 {
		server.IdleTimeout = s.idleTimeout
	}
	server.ErrorLog = log.New(&serverLog{s}, "", 0)
	for _, opened := range s.services {
		// When the listeners are closed: a client whose stream ends comes back, and must not be refused for good by this server.
		server.RegisterOnShutdown(func() {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.linger)
			defer cancel()
			opened.endStreams(ending)
		})
	}
	return server
}

// A serverLog takes what the server reports: faults of handlers, and failures of connections, which may be many.
type serverLog struct{ *site }

func (l *serverLog) Write(p []byte) (int, error) {
	if l.logFailures || bytes.Contains(p, []byte(": panic serving ")) {
		l.logger().Warn(string(bytes.TrimSpace(p)))
	}
	return len(p), nil
}

// serve serves until ctx ends or a listener fails.
func (s *site) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := s.server(ctx)
	failed := make(chan error, len(s.listening))
	for _, on := range s.listening {
		s.working.Go(func() {
			if err := server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
				cancel()
			}
		})
	}
	s.report(ctx)
	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), s.stopTimeout)
	defer done()
	if server.Shutdown(stopping) != nil {
		s.o.Say("requests that were not done in %s are cut", s.stopTimeout)
		_ = server.Close()
	}
	s.close(ctx)
	s.figures(s.o.Say)
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// close ends the sockets, all at one time: each sends its queued messages for as long as linger.
func (s *site) close(ctx context.Context) {
	if s.ended {
		return
	}
	s.ended = true
	for _, on := range s.listening {
		_ = on.Close()
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.linger)
	defer cancel()
	for _, opened := range s.services {
		s.working.Go(func() { opened.close(ending) })
	}
	s.working.Wait()
}

// report prints the figures, at intervals and on request, until ctx ends.
func (s *site) report(ctx context.Context) {
	wait.Each(ctx, s.o.Every, s.o.Ask, func() { s.figures(s.o.Print) })
}

func (s *site) figures(say sayFunc) {
	for _, opened := range s.services {
		if text := opened.figures(); text != "" {
			say("%s", text)
		}
	}
}
