// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire/sp"
)

// An endpoint that stops ends its handshakes, also those that no context of its own ends.
func TestStopEndsHandshakes(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s, e := testSocket(Options{Dialects: dialectSP}, &recorder{traits: Traits{Hello: lookupHello(sp.Pair0)}})
		defer s.Close()
		closed := make(chan struct{})
		silent := &fakeConn{
			onRead: func([]byte) (int, error) { <-closed; return 0, net.ErrClosed },
			closed: sync.OnceFunc(func() { close(closed) }),
		}
		established := make(chan error, 1)
		go func() {
			_, err := e.establish(t.Context(), streamLink(silent))
			established <- err
		}()
		synctest.Wait()
		e.stop(ErrClosed)
		synctest.Wait()
		select {
		case err := <-established:
			if !errors.Is(err, ErrClosed) {
				t.Errorf("the handshake ended with %v", err)
			}
		default:
			t.Error("the handshake goes on")
			_ = silent.Close()
		}
	})
}

// While its socket closes, a dialer goes on making connections for as long as there are messages to deliver, and no longer.
func TestDialersRetire(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork()
		o := Options{Dialects: dialectSP, Network: network}
		mine := &recorder{traits: Traits{Hello: lookupHello(sp.Pair0)}}
		mine.pending.Store(1)
		s, _ := testSocket(o, mine)
		defer s.Close()
		peer, _ := testSocket(o, &recorder{traits: Traits{Hello: lookupHello(sp.Pair0)}})
		defer peer.Close()
		if _, err := peer.Listen(t.Context(), "inproc://peer", EndpointConfig{}); err != nil {
			t.Fatal(err)
		}
		e, err := s.Dial(t.Context(), "inproc://peer", EndpointConfig{}, true)
		if err != nil {
			t.Fatal(err)
		}
		e.quiesce()
		e.Pipes()[0].Close(ErrClosed)
		if err := e.Wait(t.Context()); err != nil {
			t.Fatalf("a message waits, and the dialer gives up: %v", err)
		}
		mine.pending.Store(0)
		e.Pipes()[0].Close(ErrClosed)
		<-e.scope.Done()
		if n := len(mine.attached); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
	})
}

// A Dial, Listen or Attach that fails leaves nothing in its socket, so that a program may try for ever.
func TestFailedEndpointsLeaveNothing(t *testing.T) {
	s, _ := testSocket(Options{Dialects: dialectSP}, &recorder{traits: Traits{Hello: lookupHello(sp.Pair0)}})
	defer s.Close()
	before := s.scope.Children()
	ctx := t.Context()
	for name, try := range map[string]func() error{
		"Dial":        func() error { _, err := s.Dial(ctx, "nosuch://x", EndpointConfig{}, true); return err },
		"Dial inproc": func() error { _, err := s.Dial(ctx, "inproc://", EndpointConfig{}, false); return err },
		"Dial backoff": func() error {
			_, err := s.Dial(ctx, "inproc://x", EndpointConfig{Backoff: &Backoff{Min: -1}}, false)
			return err
		},
		"Listen": func() error { _, err := s.Listen(ctx, "nosuch://x", EndpointConfig{}); return err },
		"Attach": func() error {
			_, err := s.Attach(ctx, streamLink(&fakeConn{onRead: func([]byte) (int, error) { return 0, net.ErrClosed }}), true, EndpointConfig{})
			return err
		},
	} {
		if err := try(); err == nil || s.scope.Children() != before {
			t.Errorf("%s: %v, and %d scopes are left", name, err, s.scope.Children()-before)
		}
	}
}

// Peers that an endpoint has refused are counted once, also by those that end it twice, and when it has ended.
func TestRefusedPeersAreCountedOnce(t *testing.T) {
	leak.Check(t)
	s, e := testSocket(Options{Dialects: dialectSP}, &recorder{traits: Traits{Hello: lookupHello(sp.Pair0)}})
	defer s.Close()
	e.countRejected(reasons.BadHeader)
	e.stop(ErrClosed)
	e.countRejected(reasons.BadHeader)
	e.stop(ErrClosed)
	st := s.Stats()
	if st.Rejected[reasons.BadHeader] != 2 || st.Past.Rejected[reasons.BadHeader] != 2 {
		t.Errorf("refused are %v, of which past %v, want 2", st.Rejected, st.Past.Rejected)
	}
}
