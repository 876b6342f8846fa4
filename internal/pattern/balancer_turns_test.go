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
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func rosterOf(pipes ...*engine.Pipe) *balancer {
	b := new(balancer)
	for _, p := range pipes {
		b.roster.add(p)
	}
	return b
}

// The pipe after one that is full has its turn.
func TestBalancerTurnAfterAFullPipe(t *testing.T) {
	a, c, d := &engine.Pipe{}, &engine.Pipe{}, &engine.Pipe{}
	b := rosterOf(a, c, d)
	if p := b.nextLocked(nil, nil, nil); p != a {
		t.Fatal("the first turn is not the first pipe's")
	}
	b.leaveOut(a)
	if p := b.nextLocked(nil, nil, nil); p != c {
		t.Error("a pipe lost its turn because the one before it is full")
	}
	b.leaveOut(d)
	if p := b.nextLocked(nil, nil, nil); p != c {
		t.Error("the only open pipe has no turn")
	}
}

// A pipe that is over does not come back because it says that it has room.
func TestBalancerForgetsPipesThatAreOver(t *testing.T) {
	p := &engine.Pipe{}
	b := rosterOf(p)
	b.remove(p, nil)
	b.writable(p)
	if b.open+b.pipes.len() > 0 {
		t.Error("a pipe that is over is sent to")
	}
}

// Of two pipes with room, the one with less queued gets the message.
func TestLeastLoadedComparesQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		o.SendQueue = 100
		push, s := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), true, false) })
		for range 3 { // none of whom reads
			scripted(t, s, sp.AppendHeader(nil, sp.Pull), sp.HeaderLen)
		}
		pipes := s.Pipes()
		for i, p := range pipes {
			for range []int{9, 3, 6}[i] {
				queued, w := p.TryQueue(false, nil, []byte("load"), nil)
				if !queued {
					t.Fatal("no room")
				}
				w.Write()
			}
		}
		synctest.Wait()
		m := msg.Of([]byte("next"))
		if err := push.Send(context.Background(), false, nil, &m); err != nil {
			t.Fatal(err)
		}
		for i, p := range pipes {
			if got, want := p.Stats().Send.Offered, []uint64{9, 4, 6}[i]; got != want {
				t.Errorf("pipe %d was given %d messages, want %d", i, got, want)
			}
		}
	})
}

// Messages of several frames go to peers that have such, whoever's turn it is.
func TestFramesGoToPeersThatHaveThem(t *testing.T) {
	for _, least := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := house(sp.Dialect, zmtp.Dialect)
			o.SendQueue = 100
			push, s := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), least, false) })
			scripted(t, s, sp.AppendHeader(nil, sp.Pull), sp.HeaderLen)
			scripted(t, s, says("PULL"), ready("PUSH"))
			for range 4 {
				m := msg.OfFrames([][]byte{[]byte("a"), []byte("b")})
				if err := push.Send(context.Background(), false, nil, &m); err != nil {
					t.Fatal(err)
				}
			}
			for _, p := range s.Pipes() {
				want := uint64(0)
				if p.Session().Multipart != nil {
					want = 4
				}
				if got := p.Stats().Send.Offered; got != want {
					t.Errorf("a peer of %s was given %d messages of several frames, want %d", p.Session().Dialect, got, want)
				}
			}
		})
	}
}

// says makes a ZeroMQ peer say what it is.
func says(kind string) []byte {
	greeting := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL"), make([]byte, 48)...)
	command := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(kind))) + kind
	return append(append(greeting, 4, byte(len(command))), command...)
}

// ready is how long the greeting and the READY of a socket are that has no identity to tell.
func ready(kind string) int { return 64 + 2 + 6 + 1 + 11 + 4 + len(kind) }

// What came back and no pipe can carry holds up nothing, is pending, and is sent when a pipe comes that can carry it.
func TestStrandedMessagesWaitForTheirPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect, zmtp.Dialect)
		o.SendQueue = 100
		push, s := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
		scripted(t, s, sp.AppendHeader(nil, sp.Pull), sp.HeaderLen)
		without := s.Pipes()[0]
		b := push.balancer
		b.mu.Lock()
		b.giveBackLocked([]msg.Message{msg.OfFrames([][]byte{[]byte("a"), []byte("b")}), msg.Of([]byte("small"))})
		b.chooseLocked()
		b.mu.Unlock()
		b.writable(without)
		if got := without.Stats().Send.Offered; got != 1 || push.Pending() != 1 {
			t.Errorf("the peer without frames was given %d messages, and %d are pending, want one each", got, push.Pending())
		}
		scripted(t, s, says("PULL"), ready("PUSH"))
		if got := s.Pipes()[1].Stats().Send.Offered; got != 1 || push.Pending() != 0 {
			t.Errorf("the peer with frames was given %d messages, want 1, and %d are pending", got, push.Pending())
		}
	})
}

// Who saw a pipe alone, and was slow, has to ask when there are two.
func TestBalancerTakesItsOnlyPipeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		push, s := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
		scripted(t, s, sp.AppendHeader(nil, sp.Pull), sp.HeaderLen)
		only := push.balancer.only.Load()
		if only == nil {
			t.Fatal("with one pipe, senders ask")
		}
		scripted(t, s, sp.AppendHeader(nil, sp.Pull), sp.HeaderLen)
		if queued, _ := only.TryQueue(true, nil, []byte("x"), nil); queued {
			t.Error("a sender that saw one pipe alone does not ask, and there are two")
		}
	})
}

// What fails says what was sent, leaves nobody in line, and ends with the socket.
func TestSendersThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, s := open(t, house(zmtp.Dialect), func(*engine.Socket, engine.Options) *Push { return NewPush(zmtp.Push.Hello(), false, false) })
		frames := msg.OfFrames([][]byte{[]byte("a"), []byte("b")})
		if n, err := push.SendBatch(ended(), []*msg.Message{&frames}); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("a batch that nobody takes: %d sent, %v", n, err)
		}
		for range 3 {
			if err := push.Send(ended(), true, []byte("x"), nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Send with a context that has ended: %v", err)
			}
		}
		if !push.balancer.waiters.Empty() {
			t.Error("senders that gave up are still in line")
		}
		waiting := make(chan error, 1)
		go func() { waiting <- push.Send(context.Background(), true, []byte("x"), nil) }()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		select {
		case err := <-waiting:
			if !errors.Is(err, engine.ErrClosed) {
				t.Errorf("a Send that waits while the socket is closed: %v", err)
			}
		default:
			t.Fatal("the socket is closed, and Send still waits")
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := push.Send(ctx, true, []byte("x"), nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
	})
}

// Where there is one pipe, a Push that refuses takes nothing more either.
func TestRefusingHoldsForTheOnlyPipe(t *testing.T) {
	s := newStar(t, 1, false)
	s.push.Refuse(engine.ErrClosed)
	m := msg.Of([]byte("x"))
	if err := s.push.Send(context.Background(), false, nil, &m); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("TrySend after Refuse: %v", err)
	}
}

// Who waits for everything to be sent is told when the last message that came back is.
func TestFlushSeesTheLastReturnedMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		push, pushes := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
		var came []string
		_, hears := open(t, o, func(*engine.Socket, engine.Options) *hearer {
			return &hearer{newSides(hello(sp.Pull), receiver{}, nil), func(_ *engine.Pipe, m *msg.Message) { came = append(came, string(m.Body())) }}
		})
		visit(t, pushes, hears)
		b := push.balancer
		b.mu.Lock()
		b.returned = []msg.Message{msg.Of([]byte("last"))}
		b.chooseLocked()
		b.mu.Unlock()
		flushing := inBackground(pushes.Flush)
		synctest.Wait()
		if finished(t, flushing) {
			t.Fatal("Flush does not wait for a message that came back")
		}
		b.writable(pushes.Pipes()[0])
		synctest.Wait()
		if !finished(t, flushing) || !slices.Equal(came, []string{"last"}) {
			t.Fatalf("%q came, and Flush still waits", came)
		}
	})
}

// A Pair has one peer.
func TestPairTakesOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(sp.Dialect)
		bind := func(_ *engine.Socket, o engine.Options) *Pair { return NewPair(hello(sp.Pair0), 0, o) }
		_, s := open(t, o, bind)
		_, first := open(t, o, bind)
		_, second := open(t, o, bind)
		e := visit(t, s, first)
		if _, err := second.Dial(t.Context(), e.URL(), engine.EndpointConfig{}, true); err == nil {
			t.Error("a second peer was taken")
		}
		if n := len(s.Pipes()); n != 1 {
			t.Errorf("a Pair has %d peers", n)
		}
	})
}
