// SPDX-License-Identifier: MIT

package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A way is a pair of sockets of which one can send to the other as it is.
type way struct {
	open   func(o zmq.Options) (from sender, to receiver)
	single bool // messages have one frame
	back   bool // and the other can send to it
}

func ways() map[string]way {
	return map[string]way{
		"push to pull": {open: func(o zmq.Options) (sender, receiver) {
			return zmq.NewPush(&zmq.PushOptions{Options: o}), zmq.NewPull(&zmq.PullOptions{Options: o})
		}},
		"dealer to dealer": {back: true, open: func(o zmq.Options) (sender, receiver) {
			return zmq.NewDealer(&zmq.DealerOptions{Options: o}), zmq.NewDealer(&zmq.DealerOptions{Options: o})
		}},
		"pair to pair": {back: true, open: func(o zmq.Options) (sender, receiver) { return zmq.NewPair(&o), zmq.NewPair(&o) }},
		"channel to channel": {single: true, back: true, open: func(o zmq.Options) (sender, receiver) {
			return zmq.NewChannel(&o), zmq.NewChannel(&o)
		}},
		"scatter to gather": {single: true, open: func(o zmq.Options) (sender, receiver) { return zmq.NewScatter(&o), zmq.NewGather(&o) }},
		"pub to sub": {open: func(o zmq.Options) (sender, receiver) {
			sub := zmq.NewSub(&zmq.SubOptions{Options: o})
			_ = sub.Subscribe("")
			return zmq.NewPub(&zmq.PubOptions{Options: o}), sub
		}},
		"pub to xsub": {open: func(o zmq.Options) (sender, receiver) {
			sub := zmq.NewXSub(&zmq.XSubOptions{Options: o})
			_ = sub.Subscribe("")
			return zmq.NewPub(&zmq.PubOptions{Options: o}), sub
		}},
		"xpub to sub": {open: func(o zmq.Options) (sender, receiver) {
			sub := zmq.NewSub(&zmq.SubOptions{Options: o})
			_ = sub.Subscribe("")
			return zmq.NewXPub(&zmq.XPubOptions{Options: o}), sub
		}},
		"xpub to xsub": {open: func(o zmq.Options) (sender, receiver) {
			sub := zmq.NewXSub(&zmq.XSubOptions{Options: o})
			_ = sub.Subscribe("")
			return zmq.NewXPub(&zmq.XPubOptions{Options: o}), sub
		}},
		"xsub to xpub": {open: func(o zmq.Options) (sender, receiver) {
			return zmq.NewXSub(&zmq.XSubOptions{Options: o}), zmq.NewXPub(&zmq.XPubOptions{Options: o})
		}},
	}
}

// connect joins the two ends of a way, the first of which listens.
func connect(t *testing.T, scheme string, from sender, to receiver) {
	t.Helper()
	join(t, scheme, to, from)
	testkit.Check(t, to.WaitPipes(testkit.Watchdog(t), 1))
	if p, ok := from.(interface {
		WaitSubscribers(context.Context, string, int) error
	}); ok {
		testkit.Check(t, p.WaitSubscribers(testkit.Watchdog(t), "", 1))
	}
}

// samples are messages of all the shapes at which something changes.
func samples(single bool) (all [][][]byte) {
	for _, n := range []int{0, 1, 255, 256, 8<<10 - 1, 8 << 10, 70_000, 300_000} {
		all = append(all, [][]byte{bytes.Repeat([]byte{'a' + byte(n%7)}, n)})
	}
	if single {
		return all
	}
	for _, frames := range [][]string{{"", ""}, {"a", ""}, {"", "a"}, {"a", "", "b", ""}, {"topic", string(make([]byte, 20_000)), "end"}} {
		all = append(all, raw(frames...))
	}
	many := make([][]byte, 1000)
	for i := range many {
		many[i] = bytes.Repeat([]byte{'m'}, i%5)
	}
	return append(all, many)
}

// carry sends samples by every verb and checks that they arrive by every verb, as they were and in order.
func carry(t *testing.T, from sender, to receiver, single bool) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	var all [][][]byte
	for range 3 {
		all = append(all, samples(single)...)
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := 0; i < len(all); {
			n, err := sendSome(ctx, from, all[i:], i)
			if i += n; err != nil {
				t.Errorf("send of message %d: %v", i, err)
				return
			}
		}
	})
	defer sending.Wait()
	for i := 0; i < len(all); {
		ms, err := recvSome(ctx, to, i)
		testkit.Check(t, err)
		for _, m := range ms {
			if got := framesOf(m); !slices.EqualFunc(got, all[i], bytes.Equal) {
				t.Fatalf("message %d: got %s, want %s", i, text(got), text(all[i]))
			}
			i++
		}
		spry.ReleaseMessages(ms)
	}
}

// sendSome sends messages by the verb whose turn it is, and says how many.
func sendSome(ctx context.Context, from sender, all [][][]byte, turn int) (int, error) {
	switch turn % 3 {
	case 0:
		m := zmq.NewMessage(all[0]...)
		err := from.SendMsg(ctx, m)
		if err == nil && (m.Len() != 0 || len(framesOf(m)) != 1) {
			err = errors.New("a message that was sent is not empty")
		}
		return 1, err
	case 1:
		m := zmq.NewMessage(all[0]...)
		err := from.TrySendMsg(m)
		if errors.Is(err, spry.ErrWouldBlock) {
			err = from.SendMsg(ctx, m) // which has to be as it was
		}
		return 1, err
	}
	batch := make([]*spry.Message, min(len(all), 5))
	for i := range batch {
		batch[i] = zmq.NewMessage(all[i]...)
	}
	return from.SendBatch(ctx, batch)
}

// recvSome receives messages by the verb whose turn it is.
func recvSome(ctx context.Context, to receiver, turn int) ([]*spry.Message, error) {
	switch turn % 4 {
	case 0:
		m, err := to.RecvMsg(ctx)
		return []*spry.Message{m}, err
	case 1:
		m, err := to.TryRecvMsg()
		if errors.Is(err, spry.ErrWouldBlock) {
			m, err = to.RecvMsg(ctx)
		}
		return []*spry.Message{m}, err
	case 2:
		for m, err := range to.Messages(ctx) {
			return []*spry.Message{m}, err
		}
		return nil, errors.New("no messages, and no error")
	}
	dst := make([]*spry.Message, 4)
	n, err := to.RecvBatch(ctx, dst)
	return dst[:n], err
}

func TestFramesArriveAsTheyWereSent(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		for name, w := range ways() {
			t.Run(name, func(t *testing.T) {
				from, to := w.open(zmq.Options{Name: t.Name()})
				connect(t, scheme, from, to)
				carry(t, from, to, w.single)
				if w.back {
					carry(t, to.(sender), from.(receiver), w.single)
				}
				testkit.Shut(t, from, to)
			})
		}
	})
}

// A slow receiver holds a sender up; nothing is lost, and nothing changes its order.
func TestShortQueuesLoseNothing(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		short := zmq.Options{SendQueue: 2, RecvQueue: 2}
		for _, name := range []string{"push to pull", "dealer to dealer", "pair to pair", "channel to channel", "scatter to gather"} {
			w := ways()[name]
			from, to := w.open(short)
			connect(t, scheme, from, to)
			carry(t, from, to, w.single)
			testkit.Shut(t, from, to)
		}
	})
}

// Whoever waits is let go by its context, and by Close.
func TestWaitingEnds(t *testing.T) {
	leak.Check(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for name, w := range ways() {
		t.Run(name, func(t *testing.T) {
			from, to := w.open(zmq.Options{Name: t.Name()})
			if _, err := to.RecvMsg(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("receiving with a context that is over: %v", err)
			}
			quiet(t, to)
			received := make(chan error)
			go func() {
				_, err := to.RecvMsg(context.Background())
				received <- err
			}()
			dst := make([]*spry.Message, 1)
			go func() {
				_, err := to.RecvBatch(context.Background(), dst)
				received <- err
			}()
			sends, fansOut := make(chan error), false
			switch from.(type) {
			case *zmq.Pub, *zmq.XPub, *zmq.XSub: // which never wait for a peer
				fansOut = true
			default:
				m := message("kept")
				testkit.Wants(t, from.SendMsg(gone, m), context.Canceled)
				testkit.Wants(t, from.TrySendMsg(m), spry.ErrWouldBlock)
				is(t, framesOf(m), "kept")
				go func() { sends <- from.SendMsg(context.Background(), m) }()
			}
			testkit.Shut(t, from, to)
			for range 2 {
				testkit.Wants(t, <-received, spry.ErrClosed)
			}
			if !fansOut {
				testkit.Wants(t, <-sends, spry.ErrClosed)
			}
			testkit.Wants(t, from.SendMsg(context.Background(), message("late")), spry.ErrClosed)
			for range to.Messages(context.Background()) {
				t.Error("messages of a closed socket")
			}
		})
	}
}

// The short verbs, which take and give frames or a body.
func TestShortVerbs(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := zmq.NewPush(nil), zmq.NewPull(nil)
	join(t, "inproc", push, pull)
	for _, frames := range [][]string{nil, {"one"}, {""}, {"", "after an empty one"}, {"a", "b", "c"}} {
		testkit.Check(t, push.Send(ctx, raw(frames...)...))
		got, err := pull.Recv(ctx)
		testkit.Check(t, err)
		if frames == nil {
			frames = []string{""}
		}
		is(t, got, frames...)
		for i := range got { // copies, each with memory of its own to grow in
			got[i] = append(got[i], '!')
		}
		for i, f := range frames {
			if string(got[i]) != f+"!" {
				t.Errorf("a frame that grows changes its neighbour: %s", text(got))
			}
		}
	}
	scatter, gather := zmq.NewScatter(nil), zmq.NewGather(nil)
	join(t, "inproc", scatter, gather)
	body := []byte("body")
	testkit.Check(t, scatter.Send(ctx, body))
	copy(body, "XXXX")
	got, err := gather.Recv(ctx)
	testkit.Check(t, err)
	if string(got) != "body" {
		t.Errorf("got %q", got)
	}
	testkit.Shut(t, push, scatter, pull, gather)
}
