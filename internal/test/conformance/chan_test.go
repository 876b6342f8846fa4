// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A channelled is a socket, or a part of one, whose messages come by channel too.
type channelled interface {
	spry.Receiver
	Chan(context.Context) <-chan *spry.Message
}

// A line is a sending socket and what receives its messages.
type line struct {
	name     string
	from, to testkit.Socket
	send     func(ctx context.Context, body []byte) error
	receiver channelled
}

// lines are one for each kind of socket that has channels.
func lines(ctx context.Context, t *testing.T, l link) (all []line) {
	t.Helper()
	o := l.options
	add := func(name string, from, to testkit.Attacher, send func(context.Context, []byte) error, receiver channelled) {
		l.join(t, from, to)
		all = append(all, line{name, from, to, send, receiver})
	}
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	add("Pull", push, pull, push.Send, pull)
	pub, sub := spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
	testkit.Check(t, sub.Subscribe(""))
	add("Sub", pub, sub, pub.Send, sub)
	testkit.Check(t, pub.WaitSubscribers(ctx, "", 1))
	pub, sub = spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
	part := sub.Open("")
	add("Subscription", pub, sub, pub.Send, part)
	testkit.Check(t, pub.WaitSubscribers(ctx, "", 1))
	pair, other := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
	add("Pair", pair, other, pair.Send, other)
	req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	add("Rep", req, rep, func(_ context.Context, body []byte) error {
		_, err := req.Start(spry.WrapMessage(body, nil))
		return err
	}, rep)
	if strings.HasPrefix(l.scheme, "zmtp+") { // which has no such sockets
		return all
	}
	bus, neighbour := spry.NewBus(&spry.BusOptions{Options: o}), spry.NewBus(&spry.BusOptions{Options: o})
	add("Bus", bus, neighbour, bus.Send, neighbour)
	spoke, hub := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPairPoly(&spry.PairOptions{Options: o})
	add("PairPoly", spoke, hub, spoke.Send, hub)
	one, raw := spry.NewBus(&spry.BusOptions{Options: o}), mustRaw(t, spry.ProtocolBus, o)
	add("Raw", one, raw, one.Send, raw)
	return all
}

func mustRaw(t *testing.T, p spry.Protocol, o spry.Options) *spry.Raw {
	t.Helper()
	raw, err := spry.NewRaw(p, &o)
	testkit.Check(t, err)
	return raw
}

// A channel has every message in order. What it has received when its context ends, and nobody has taken, is the next message
// of the socket, as if there had been no channel.
func TestChanGivesBack(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		for _, s := range lines(ctx, t, l) {
			const messages, taken = 10, 4
			for i := range messages {
				testkit.Check(t, s.send(ctx, []byte{byte(i)}))
			}
			testkit.Eventually(t, s.name+": all are there", func() bool { return s.to.Stats().Recv.Queued == messages })
			within, cancel := context.WithCancel(ctx)
			c := s.receiver.Chan(within)
			var header []byte
			for i := range taken {
				m := <-c
				if !bytes.Equal(m.Bytes(), []byte{byte(i)}) {
					t.Errorf("%s: number %d came as %q", s.name, i, m.Bytes())
				}
				header = m.Header()
				if (s.name == "Rep") != (m.Request() != nil) {
					t.Errorf("%s: a message's request is %v", s.name, m.Request())
				}
			}
			testkit.Eventually(t, s.name+": the next is received", func() bool { return s.to.Stats().Recv.Delivered == taken+1 })
			cancel()
			testkit.Eventually(t, s.name+": it goes back", func() bool { return s.to.Stats().Recv.Delivered == taken })
			if m, open := <-c; open {
				t.Errorf("%s: the channel has %q after its end", s.name, m.Bytes())
			}
			for i := taken; i < messages; i++ {
				m, err := s.receiver.RecvMsg(ctx)
				testkit.Check(t, err)
				if !bytes.Equal(m.Bytes(), []byte{byte(i)}) {
					t.Errorf("%s: number %d came as %q", s.name, i, m.Bytes())
				}
				if s.name == "Raw" && !bytes.Equal(m.Header(), header) {
					t.Errorf("Raw: message %d has the header %x, want %x", i, m.Header(), header)
				}
				if r := m.Request(); s.name == "Rep" && (r == nil || r.Message() != m) {
					t.Errorf("Rep: message %d leads to the request %v", i, r)
				}
			}
			testkit.Shut(t, s.from, s.to)
			if st := s.to.Stats().Recv; st.Arrived != messages || st.Delivered != messages {
				t.Errorf("%s: %d of %d are delivered, and dropped: %v", s.name, st.Delivered, st.Arrived, st.Dropped)
			}
		}
	})
}

// Closing a socket closes its channels, whether they wait for a message or for somebody to take one. What nobody took is
// counted.
func TestChanEndsWithItsSocket(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	testkit.Check(t, push.Send(ctx, []byte("untaken")))
	holding := pull.Chan(ctx)
	testkit.Eventually(t, "the channel holds the message", func() bool { return pull.Stats().Recv.Delivered == 1 })
	waiting := pull.Chan(nil) //nolint:staticcheck // nil counts as context.Background
	testkit.Shut(t, push, pull)
	for name, c := range map[string]<-chan *spry.Message{"holds": holding, "waits": waiting, "is made too late": pull.Chan(ctx)} {
		if m, open := <-c; open {
			t.Errorf("a channel that %s gives %q after Close", name, m.Bytes())
		}
	}
	if st := pull.Stats().Recv; st.Delivered != 0 || st.Dropped["closed"] != 1 {
		t.Errorf("%d delivered, dropped: %v; want 0 and 1 closed", st.Delivered, st.Dropped)
	}
}

// Drain waits until the message that a channel holds is taken.
func TestDrainWaitsForChan(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		const messages = 5
		for i := range messages {
			testkit.Check(t, push.Send(ctx, []byte{byte(i)}))
		}
		testkit.Check(t, push.Flush(ctx))
		testkit.Eventually(t, "all are there", func() bool { return pull.Stats().Recv.Queued == messages })
		c := pull.Chan(ctx)
		type drained struct {
			r   spry.DrainReport
			err error
		}
		done := make(chan drained, 1)
		go func() {
			r, err := pull.Drain(ctx)
			done <- drained{r, err}
		}()
		var got []byte
		for m := range c {
			got = append(got, m.Bytes()...)
		}
		d := <-done
		if d.err != nil || d.r.Left != 0 || !slices.Equal(got, []byte{0, 1, 2, 3, 4}) {
			t.Errorf("Drain: %+v, %v; the channel gave %v", d.r, d.err, got)
		}
		testkit.Shut(t, push, pull)
	})
}

// Several channels and receivers share a socket's messages: each message comes once.
func TestChansShare(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	const messages = 3000
	sent := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < messages && err == nil; i++ {
			err = push.Send(ctx, fmt.Append(nil, i))
		}
		sent <- err
	}()
	seen := make(map[string]bool)
	take := func(m *spry.Message) {
		if seen[string(m.Bytes())] {
			t.Errorf("%s came twice", m.Bytes())
		}
		seen[string(m.Bytes())] = true
	}
	a, b := pull.Chan(ctx), pull.Chan(ctx)
	for len(seen) < messages {
		within, cancel := context.WithCancel(ctx)
		c := pull.Chan(within) // comes and goes, and loses nothing
		select {
		case m := <-a:
			take(m)
		case m := <-b:
			take(m)
		case m := <-c:
			take(m)
		case <-time.After(testkit.Patience):
			t.Fatalf("only %d of %d came", len(seen), messages)
		}
		cancel()
		for m := range c {
			take(m)
		}
	}
	testkit.Check(t, <-sent)
	testkit.Shut(t, push, pull)
}
