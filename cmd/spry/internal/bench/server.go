// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// ServerOptions are the options of a [Server].
type ServerOptions struct {
	Listen  string // where to wait for requests
	Data    string // where to listen during a run; by default at a free port, or beside Listen
	TLS     endpoint.TLS
	Network *spry.Network // of inproc names
	Say     func(form string, args ...any)
}

// A Server does its side of the work that clients ask for, one run at a time: two would measure each other.
type Server struct {
	options ServerOptions
	control *spry.Rep
	runs    sync.WaitGroup

	mu      sync.Mutex
	current *serving // nil between runs
	last    uint64
}

// Listen makes a server that takes connections. [Server.Serve] answers them.
func Listen(ctx context.Context, o ServerOptions) (*Server, error) {
	if o.Data == "" {
		var err error
		if o.Data, err = dataAddress(o.Listen); err != nil {
			return nil, err
		}
	}
	s := &Server{options: o, control: spry.NewRep(&spry.RepOptions{Options: spry.Options{MaxMessageSize: maxControl, Network: o.Network, Transports: endpoint.Transports()}})}
	set := endpoint.Set{Listen: []string{o.Listen}, TLS: o.TLS}
	if err := set.Open(ctx, s.control, o.Say); err != nil {
		s.control.Close()
		return nil, err
	}
	return s, nil
}

// Serve answers requests until ctx ends, which is no error. It closes the server.
func (s *Server) Serve(ctx context.Context) error {
	const workers = 8 // one may wait for the end of a run; others refuse further runs meanwhile
	serving, cancel := context.WithCancel(ctx)
	err := s.control.Serve(serving, workers, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		body, err := json.Marshal(s.answer(serving, ctx, r))
		if err == nil {
			err = r.Reply(ctx, body)
		}
		if err != nil && serving.Err() == nil {
			s.options.Say("no answer to %s: %v", peerName(r.Pipe()), err)
		}
	}))

	cancel()
	s.runs.Wait()
	s.control.Close()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// answer executes a request. A run continues after the answer: it ends with ctx at the latest.
func (s *Server) answer(ctx, answering context.Context, r *spry.Request) reply {
	q, err := decodeRequest(r.Bytes())
	var a reply
	switch {
	case err != nil:
	case q.Start != nil:
		a, err = s.start(ctx, *q.Start, r.Pipe())
	default:
		a, err = s.finish(answering, q.Finish, r.Pipe())
	}
	if err != nil {
		a = reply{Error: err.Error()}
	}
	a.Version = version
	return a
}

// start begins a run. It first ends the run of a client that has disconnected.
func (s *Server) start(ctx context.Context, w Work, client *spry.Pipe) (reply, error) {
	if err := w.Check(); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.current; old != nil {
		select {
		case <-old.client.Done():
			<-old.done
		case <-old.done:
		default:
			return reply{}, fmt.Errorf("the server is busy with a run of %s: try again when it is over", peerName(old.client))
		}
	}
	s.last++
	run := newServing(ctx, s.last, w, client)
	s.current = run
	url, err := run.open(ctx, s.options)
	if err != nil {
		run.end(outcome{err: err})
		return reply{}, err
	}
	s.options.Say("%s for %s: begun", &w, peerName(client))
	s.runs.Go(func() {
		result := run.serve()
		if result.err != nil {
			s.options.Say("%s for %s: %v", &w, peerName(client), result.err)
		} else {
			s.options.Say("%s for %s: done", &w, peerName(client))
		}
		run.end(result)
	})
	return reply{Run: run.number, URL: url}, nil
}

// finish ends a run of this client and returns its counters.
func (s *Server) finish(ctx context.Context, number uint64, client *spry.Pipe) (reply, error) {
	s.mu.Lock()
	run := s.current
	s.mu.Unlock()
	if run == nil || run.number != number || run.client != client {
		return reply{}, errors.New("there is no such run")
	}
	run.finish()
	select {
	case <-run.done:
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
	return reply{Messages: run.outcome.messages, Seconds: run.outcome.seconds}, run.outcome.err
}

// peerName identifies clients. Those over ipc have no address.
func peerName(p *spry.Pipe) string {
	name, id := endpoint.Peer(p)
	if name == "" || name == "@" {
		return fmt.Sprintf("connection %d", id)
	}
	return name
}
