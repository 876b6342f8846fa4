// SPDX-License-Identifier: MIT

package engine_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	_ "github.com/sprymq/spry/internal/invariant" // what leak.Check sees to
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
)

func options() engine.Options {
	return engine.Options{
		Transports: []transport.Transport{tcp.Transport{}, ipc.Transport{}}, Dialects: []wire.Dialect{sp.Dialect},
		Network: network,
	}
}

var network = engine.NewNetwork()

func hello(protocol uint16) transport.Hello {
	p, _ := sp.Lookup(protocol)
	return p.Hello()
}

// A socket that lives long sees many short connections. It must not remember them, whether or not anybody asks for
// its figures, and those must be right in the end.
func TestShortConnectionsLeaveNothing(t *testing.T) {
	leak.Check(t)
	const connections = 300
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, url := range []string{"tcp://127.0.0.1:0", "ipc://" + filepath.Join(t.TempDir(), "s"), "inproc://engine-churn"} {
		var pull *pattern.Pull
		s := engine.NewSocket(options(), func(_ *engine.Socket, o engine.Options) engine.Pattern {
			pull = pattern.NewPull(hello(sp.Pull), o, false)
			return pull
		})
		e, err := s.Listen(ctx, url, engine.EndpointConfig{})
		if err != nil {
			t.Fatal(err)
		}
		most := 0
		for range connections {
			var push *pattern.Push
			c := engine.NewSocket(options(), func(*engine.Socket, engine.Options) engine.Pattern {
				push = pattern.NewPush(hello(sp.Push), false, false)
				return push
			})
			if _, err := c.Dial(ctx, e.URL(), engine.EndpointConfig{}, true); err != nil {
				t.Fatal(err)
			}
			m := msg.Of([]byte("one"))
			if err := push.Send(ctx, true, nil, &m); err != nil {
				t.Fatal(err)
			}
			if m, err := pull.Recv(ctx); err != nil || string(m.Body()) != "one" {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if z := engine.SizesOf(c); z != (engine.Sizes{}) && (z.Pipes > 0 || z.EndpointPipes > 0 || z.Handshakes > 0) {
				t.Fatalf("a closed socket still has %+v", z)
			}
			most = max(most, engine.SizesOf(s).Undone)
		}
		z := engine.SizesOf(s)
		for ; z.Pipes+z.EndpointPipes+z.Handshakes > 0; z = engine.SizesOf(s) {
			if ctx.Err() != nil {
				t.Fatalf("%s: after %d connections the socket has %+v", url, connections, z)
			}
			time.Sleep(time.Millisecond)
		}
		if most > 3*engine.MinUndone {
			t.Errorf("%s: over %d connections the socket had up to %d past pipes", url, connections, most)
		}
		if st := s.Stats(); st.Recv.Arrived != connections || st.Recv.Delivered != connections || len(st.Pipes) > 1 {
			t.Errorf("%s: after %d messages over as many connections: arrived %d, delivered %d, %d past pipes", url, connections, st.Recv.Arrived, st.Recv.Delivered, len(st.Pipes))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		t.Logf("%s: %d connections, at most %d past pipes at a time, at rest: %+v", e.URL(), connections, most, z)
	}
}

// The reader of a connection may still have messages in hand when its pipe has ended. They are dropped and counted.
func TestMessagesAfterTheEndOfTheirPipe(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var sub *pattern.Sub
	s := engine.NewSocket(options(), func(_ *engine.Socket, o engine.Options) engine.Pattern {
		sub = pattern.NewSub(hello(sp.Sub), o, engine.DropOldest, false)
		return sub
	})
	defer s.Close()
	pub := engine.NewSocket(options(), func(c *engine.Socket, _ engine.Options) engine.Pattern {
		return pattern.NewPub(c, hello(sp.Pub), engine.DropOldest, false)
	})
	defer pub.Close()
	if err := sub.First().Subscribe(""); err != nil {
		t.Fatal(err)
	}
	e, err := s.Listen(ctx, "inproc://engine-late", engine.EndpointConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Dial(ctx, e.URL(), engine.EndpointConfig{}, true); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitPipes(ctx, 1); err != nil {
		t.Fatal(err)
	}
	p := s.Pipes()[0]
	p.Close(engine.ErrClosed)
	<-p.Done()
	run := []msg.Message{msg.Of([]byte("late")), msg.Of([]byte("too"))}
	if taken := sub.Receive(p, run); taken != len(run) {
		t.Errorf("%d of %d late messages were taken", taken, len(run))
	}
	if st := p.Stats().Recv; st.Arrived != 2 || st.Dropped["pipe_closed"] != 2 {
		t.Errorf("late messages are counted as %+v", st)
	}
}
