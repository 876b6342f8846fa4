// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// ended ends a pipe and waits until it is over.
func ended(p *Pipe) {
	p.end(ErrClosed)
	<-p.Done()
}

// WaitPipes counts the pipes that the pattern knows: a survey that follows it must reach them.
func TestWaitPipesWaitsForThePattern(t *testing.T) {
	r := &recorder{}
	s, e := testSocket(Options{}, r)
	r.during = func(*Pipe) {
		now, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.WaitPipes(now, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("a pipe counts before the pattern knows it: %v", err)
		}
	}
	near, far := net.Pipe()
	p, _ := streamPipe(t, e, near, streamSession(t, sp.Push, 0))
	if err := s.WaitPipes(t.Context(), 1); err != nil {
		t.Error(err)
	}
	ended(p)
	_ = far.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A pipe that ends before or while it is attached is detached after that, and leaves nothing behind.
func TestPipesThatEndEarlyLeaveNothing(t *testing.T) {
	for _, before := range []bool{true, false} {
		r := &recorder{}
		s, e := testSocket(Options{}, r)
		near, far := net.Pipe()
		session := streamSession(t, sp.Push, 0)
		p := e.newPipe(&transport.Stream{Conn: near}, session)
		p.carryStream(&transport.Stream{Conn: near}, buf.NewChunk(buf.MinChunk), 0, 0)
		if before {
			ended(p)
		} else {
			r.during = ended
		}
		if err := s.attach(p); err != nil {
			t.Errorf("attached after its end %v: %v", before, err)
		}
		if len(r.attached) != 1 || len(r.gone) != len(r.attached) || len(s.pipes) != 0 || s.ready != 0 || len(e.pipes) != 0 {
			t.Errorf("after its end %v: attached %d, detached %d, %d pipes of the socket and %d of the endpoint are left",
				before, len(r.attached), len(r.gone), len(s.pipes), len(e.pipes))
		}
		_ = far.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An endpoint that stops while a pipe is being attached ends it: nobody else would.
func TestPipesThatComeAfterTheStopEnd(t *testing.T) {
	r := &recorder{}
	s, e := testSocket(Options{}, r)
	r.during = func(*Pipe) { e.stop(ErrClosed) }
	near, far := net.Pipe()
	session := streamSession(t, sp.Push, 0)
	p := e.newPipe(&transport.Stream{Conn: near}, session)
	p.carryStream(&transport.Stream{Conn: near}, buf.NewChunk(buf.MinChunk), 0, 0)
	if err := s.attach(p); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	default:
		t.Error("the pipe lives on")
		ended(p)
	}
	_ = far.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
