// SPDX-License-Identifier: MIT

package invariant

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/stats"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

func hello(protocol uint16) transport.Hello {
	p, _ := sp.Lookup(protocol)
	return p.Hello()
}

var options = engine.Options{Dialects: []wire.Dialect{sp.Dialect}}

// Every lock that a socket and its pattern are made of is found.
func TestLocksAreFound(t *testing.T) {
	for name, bind := range map[string]func(*engine.Socket, engine.Options) engine.Pattern{
		"Push": func(*engine.Socket, engine.Options) engine.Pattern {
			return pattern.NewPush(hello(sp.Push), false, false)
		},
		"Pull": func(_ *engine.Socket, o engine.Options) engine.Pattern {
			return pattern.NewPull(hello(sp.Pull), o, false)
		},
		"Req": func(s *engine.Socket, _ engine.Options) engine.Pattern {
			return pattern.NewReq(s, hello(sp.Req), 0, false, false)
		},
		"Rep": func(_ *engine.Socket, o engine.Options) engine.Pattern { return pattern.NewResponder(hello(sp.Rep), o) },
		"Sub": func(_ *engine.Socket, o engine.Options) engine.Pattern {
			return pattern.NewSub(hello(sp.Sub), o, engine.Block, false)
		},
	} {
		s := engine.NewSocket(options, bind)
		locks := map[string]bool{}
		all := locksOf(s)
		for _, l := range all {
			locks[l.name] = true
			if !l.try() {
				t.Errorf("%s: %s is held", name, l.name)
			}
		}
		want := []string{"mu", "scope.mu", "events.mu"}
		switch name {
		case "Push":
			want = append(want, "pattern.sides.out.sender.mu")
		case "Pull":
			want = append(want, "pattern.sides.in.Inbox.mu")
		case "Req":
			want = append(want, "pattern.mu")
		case "Rep":
			want = append(want, "pattern.sides.in.Inbox.mu", "pattern.sides.out.mu")
		case "Sub":
			want = append(want, "pattern.mu", "pattern.first.receiver.Inbox.mu")
		}
		for _, w := range want {
			if !locks[w] {
				t.Errorf("%s: the lock %s is not looked at, but %v", name, w, locks)
			}
		}
		_ = s.Close()
	}
}

// A holder is a pattern that a panic has left with its lock.
type holder struct {
	engine.Pattern
	inner part
}

type part struct{ mu sync.RWMutex }

func TestAHeldLockIsFound(t *testing.T) {
	h := &holder{Pattern: pattern.NewPush(hello(sp.Push), false, false)}
	s := engine.NewSocket(options, func(*engine.Socket, engine.Options) engine.Pattern { return h })
	defer s.Close()
	if said := judge(s, patience); len(said) > 0 {
		t.Errorf("nothing is wrong, and it says %q", said)
	}
	h.inner.mu.RLock()
	said := judge(s, 50*time.Millisecond)
	h.inner.mu.RUnlock()
	if !slices.ContainsFunc(said, func(why string) bool { return strings.Contains(why, "pattern.inner.mu is held") }) {
		t.Errorf("a lock is held, and it says %q", said)
	}
}

// A breaker is a pattern that promises to take messages back, and changes its mind.
type breaker struct {
	engine.Pattern
	returns bool
}

func (b *breaker) Traits() engine.Traits {
	t := b.Pattern.Traits()
	t.ReturnsUnsent = b.returns
	return t
}

func TestMessagesDroppedAgainstAPromiseAreFound(t *testing.T) {
	for _, promise := range []bool{false, true} {
		w := Begin(nil)
		b := &breaker{Pattern: pattern.NewPush(hello(sp.Push), false, false)}
		s := engine.NewSocket(options, func(*engine.Socket, engine.Options) engine.Pattern { return b })
		near, far := net.Pipe() // nobody reads
		attached := make(chan error)
		go func() {
			_, err := s.Attach(t.Context(), &transport.Stream{Conn: near}, true, engine.EndpointConfig{})
			attached <- err
		}()
		_, _ = far.Write(sp.AppendHeader(nil, sp.Pull))
		_, _ = io.ReadFull(far, make([]byte, sp.HeaderLen))
		if err := <-attached; err != nil {
			t.Fatal(err)
		}
		pipe := s.Pipes()[0]
		queued, write := pipe.TryQueue(false, nil, []byte("lost"), nil)
		if !queued {
			t.Fatal("no room")
		}
		write.Write()
		_ = far.Close()
		<-pipe.Done()
		b.returns = promise
		_ = s.Close()
		if said := w.End(); (len(said) > 0) != promise {
			t.Errorf("a message was dropped with its pipe, promised is %v, and it says %q", promise, said)
		}
	}
}

// Each watch sees the sockets that were made since it began, and which of them are open.
func TestWatchesAreSeparate(t *testing.T) {
	newSocket := func() *engine.Socket {
		return engine.NewSocket(options, func(*engine.Socket, engine.Options) engine.Pattern {
			return pattern.NewPush(hello(sp.Push), false, false)
		})
	}
	outer := Begin(nil)
	first := newSocket()
	inner := Begin(nil)
	second := newSocket()
	if open := inner.Open(); len(open) != 1 || open[0] != second {
		t.Errorf("the inner watch sees %v", open)
	}
	_ = first.Close()
	if open := outer.Open(); len(open) != 1 || open[0] != second {
		t.Errorf("the outer watch sees %v", open)
	}
	_ = second.Close()
	for _, w := range []*Watch{inner, outer} {
		if open, said := w.Open(), w.End(); len(open)+len(said) > 0 {
			t.Errorf("%v are open, and %q is wrong", open, said)
		}
	}
}

func TestFiguresThatDoNotAddUpAreFound(t *testing.T) {
	for want, st := range map[string]stats.Stats{
		"":                          {Send: stats.SendStats{Offered: 3, Sent: 2, Queued: 1}, Past: stats.PastStats{Send: stats.SendStats{Offered: 3, Sent: 2, Queued: 1}}},
		"sums of s: send is ":       {Name: "s", Send: stats.SendStats{Offered: 3, Sent: 3}},
		"sums of s: offered 3":      {Name: "s", Send: stats.SendStats{Offered: 3, Sent: 2}},
		"sums of s: unknown 1":      {Name: "s", Send: stats.SendStats{Unknown: 1}},
		"pipe 7 of s: arrived 1 !=": {Name: "s", Pipes: []stats.PipeStats{{ID: 7, Recv: stats.RecvStats{Arrived: 1, Delivered: 2}}}},
	} {
		if said := wrong(st, engine.Traits{}); !strings.HasPrefix(said, want) || (said == "") != (want == "") {
			t.Errorf("%+v: it says %q, want %q", st, said, want)
		}
	}
}
