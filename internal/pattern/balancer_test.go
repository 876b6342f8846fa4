// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A star is a Push in the middle of Pulls within the process, whose queues hold a few messages each.
type star struct {
	options engine.Options
	push    *Push
	pulls   []*Pull
	dialers []*engine.Endpoint // the Pulls'
}

func hello(protocol uint16) transport.Hello {
	p, _ := sp.Lookup(protocol)
	return p.Hello()
}

func newStar(t *testing.T, peers int, leastLoaded bool) *star {
	t.Helper()
	s := &star{options: engine.Options{
		Network: engine.NewNetwork(), Dialects: []wire.Dialect{sp.Dialect}, SendQueue: 5, RecvQueue: 5, Linger: -1,
	}}
	middle := engine.NewSocket(s.options, func(*engine.Socket, engine.Options) engine.Pattern {
		s.push = NewPush(hello(sp.Push), leastLoaded, false)
		return s.push
	})
	t.Cleanup(func() { _ = middle.Close() })
	if _, err := middle.Listen(t.Context(), "inproc://star", engine.EndpointConfig{}); err != nil {
		t.Fatal(err)
	}
	for range peers {
		s.join(t)
	}
	return s
}

// join adds a Pull.
func (s *star) join(t *testing.T) {
	t.Helper()
	end := engine.NewSocket(s.options, func(_ *engine.Socket, o engine.Options) engine.Pattern {
		s.pulls = append(s.pulls, NewPull(hello(sp.Pull), o, false))
		return s.pulls[len(s.pulls)-1]
	})
	t.Cleanup(func() { _ = end.Close() })
	e, err := end.Dial(t.Context(), "inproc://star", engine.EndpointConfig{}, true)
	if err != nil {
		t.Fatal(err)
	}
	s.dialers = append(s.dialers, e)
}

// try sends a message of one byte without waiting, and reports whether it was taken.
func (s *star) try(t *testing.T, b byte) bool {
	t.Helper()
	m := msg.Of([]byte{b})
	err := s.push.Send(context.Background(), false, nil, &m)
	if err != nil && !errors.Is(err, engine.ErrWouldBlock) {
		t.Fatal(err)
	}
	if (err != nil) != (m.Len() == 1) {
		t.Fatal("a message that was sent is not empty, or one that was not is")
	}
	return err == nil
}

// got empties the queue of a Pull.
func (s *star) got(t *testing.T, i int) (bytes []byte) {
	t.Helper()
	for {
		m, err := s.pulls[i].TryRecv()
		if errors.Is(err, engine.ErrWouldBlock) {
			return bytes
		}
		if err != nil {
			t.Fatal(err)
		}
		bytes = append(bytes, m.Body()...)
	}
}

func TestBalancerTakesTurns(t *testing.T) {
	s := newStar(t, 3, false)
	for b := range byte(9) {
		if !s.try(t, b) {
			t.Fatal("no room for the first messages")
		}
	}
	for i := range 3 {
		if got := s.got(t, i); len(got) != 3 || got[1]-got[0] != 3 || got[2]-got[1] != 3 {
			t.Errorf("peer %d got %v, want every third message", i, got)
		}
	}
}

// A peer without room is passed over; when nobody has room, the sender waits, and goes on in order.
func TestBalancerPassesOverFullPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStar(t, 2, false)
		sent := byte(0)
		for s.try(t, sent) {
			sent++
		}
		if sent != 20 { // both queues of both peers
			t.Errorf("%d messages fit, want 20", sent)
		}
		waiting := make(chan error)
		go func() { waiting <- s.push.Send(context.Background(), true, []byte{sent}, nil) }()
		synctest.Wait()
		first := s.got(t, 0)
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		for b := sent + 1; b < sent+5; b++ {
			if !s.try(t, b) {
				t.Errorf("no room though a peer has received everything")
			}
		}
		synctest.Wait()
		first = append(first, s.got(t, 0)...)
		second := s.got(t, 1)
		if !slices.IsSorted(first) || !slices.IsSorted(second) || len(first)+len(second) != int(sent)+5 || len(second) != 10 {
			t.Errorf("the peers got %v and %v", first, second)
		}
	})
}

func TestBalancerChoosesTheLeastLoaded(t *testing.T) {
	s := newStar(t, 2, true)
	for b := range byte(20) {
		if !s.try(t, b) {
			t.Fatalf("message %d of 20 found no room", b)
		}
	}
	s.got(t, 0) // now that peer's queue is empty and the other's full
	for b := range byte(5) {
		s.try(t, 100+b)
	}
	if got := s.got(t, 0); len(got) != 5 {
		t.Errorf("the peer that is free got %d of 5 messages", len(got))
	}
}

// Messages that a dead pipe gives back stand before what is sent later, and keep their order.
func TestBalancerSendsWhatCameBackFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStar(t, 1, false)
		for b := range byte(10) { // five are with the peer, five wait
			s.try(t, b)
		}
		if err := s.dialers[0].Close(); err != nil {
			t.Fatal(err)
		}
		if n := s.push.Pending(); n != 5 {
			t.Fatalf("%d messages came back, want 5", n)
		}
		if s.try(t, 50) {
			t.Error("a new message went before those that came back")
		}
		waiting := make(chan error)
		go func() { waiting <- s.push.Send(context.Background(), true, []byte{60}, nil) }()
		synctest.Wait()
		s.join(t)
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		for _, want := range []byte{5, 6, 7, 8, 9, 60} {
			m, err := s.pulls[1].Recv(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Body()[0]; got != want {
				t.Errorf("message %d came, want %d", got, want)
			}
		}
		if n := s.push.Pending(); n != 0 {
			t.Errorf("%d messages are pending", n)
		}
	})
}

// What came back and found no other peer is counted when the socket closes.
func TestBalancerCountsWhatIsLeft(t *testing.T) {
	released := 0
	b := &balancer{}
	b.remove(&engine.Pipe{}, []msg.Message{msg.Wrap([]byte("a"), func() { released++ }).Take(), msg.Of([]byte("b"))})
	if b.pending() != 2 {
		t.Errorf("%d messages are pending, want 2", b.pending())
	}
	if n := b.drop(); n != 2 || released != 1 || b.pending() != 0 {
		t.Errorf("dropped %d and released %d, %d are left", n, released, b.pending())
	}
}
