// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// A serving is the server's side of one run.
type serving struct {
	number uint64
	work   Work
	client *spry.Pipe // of the control socket; the run ends with it

	running context.Context // until the run ends
	cancel  context.CancelFunc
	going   context.Context // until the client wants the run to finish
	finish  context.CancelFunc

	socket endpoint.Socket
	side   func() outcome

	done    chan struct{}
	outcome outcome // once done is closed
}

// An outcome is the server's counters.
type outcome struct {
	messages int64
	seconds  float64
	err      error
}

func newServing(ctx context.Context, number uint64, w Work, client *spry.Pipe) *serving {
	s := &serving{number: number, work: w, client: client, done: make(chan struct{})}
	s.running, s.cancel = context.WithCancel(ctx)
	s.going, s.finish = context.WithCancel(s.running)
	return s
}

// open makes the data socket, and returns where it listens.
func (s *serving) open(ctx context.Context, o ServerOptions) (url string, err error) {
	options := s.work.options(o.Network)
	switch s.work.Kind {
	case Thr:
		pull := spry.NewPull(&spry.PullOptions{Options: options})
		s.socket, s.side = pull, func() outcome { return s.pull(pull) }
	case Fan:
		pub := spry.NewPub(&spry.PubOptions{Options: options, Overflow: spry.Block})
		s.socket, s.side = pub, func() outcome { return s.publish(pub) }
	default:
		rep := spry.NewRep(&spry.RepOptions{Options: options})
		s.socket, s.side = rep, func() outcome { return s.echo(rep) }
	}
	server, err := o.TLS.Server(nil)
	if err != nil {
		return "", err
	}
	e, err := s.socket.ListenWith(ctx, &spry.ListenConfig{URL: o.Data, TLS: server})
	if err != nil {
		return "", fmt.Errorf("for data: %w", err)
	}
	return e.URL(), nil
}

// serve does the work. It ends early when the client has disconnected.
func (s *serving) serve() outcome {
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-s.client.Done():
			s.cancel()
		case <-s.running.Done():
		}
	}()
	result := s.side()
	s.cancel()
	<-watched
	select {
	case <-s.client.Done():
		result.err = errors.New("the client is gone")
	default:
	}
	return result
}

// end closes the sockets of the run, then wakes its waiters.
func (s *serving) end(result outcome) {
	s.cancel()
	if s.socket != nil {
		s.socket.Close()
	}
	s.outcome = result
	close(s.done)
}

func (s *serving) pull(from *spry.Pull) outcome {
	c, err := receive(s.running, from, s.work.Mode)
	return outcome{c.messages, c.end.Sub(c.start).Seconds(), err}
}

func (s *serving) publish(to *spry.Pub) outcome {
	if err := to.WaitSubscribers(s.going, "", s.work.Subs); err != nil {
		return outcome{err: fmt.Errorf("not all of %d subscribers came: %w", s.work.Subs, err)}
	}
	sent, err := newSender(to, &s.work).flow(s.running, s.going, &s.work)
	return outcome{messages: sent, err: err}
}

// echo answers until the run is to finish.
func (s *serving) echo(rep *spry.Rep) outcome {
	for {
		r, err := rep.Recv(s.going)
		if s.going.Err() != nil {
			return outcome{}
		}
		if err != nil {
			return outcome{err: err}
		}
		// A reply that cannot be sent has lost its connection, which the requester knows.
		if err := r.Reply(s.running, r.Bytes()); err != nil && !errors.Is(err, spry.ErrPipeClosed) {
			return outcome{err: err}
		}
	}
}
