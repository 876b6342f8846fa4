// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A received message stays what it is until it is released, whatever else is received, and its clones and copies
// are independent of it.
func TestReceivedMessagesStay(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		const all = 300
		body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i*37%20_000+1) }
		for i := range all {
			testkit.Check(t, push.Send(ctx, body(i)))
		}
		var kept []*spry.Message
		for range all {
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			kept = append(kept, m)
		}
		for i, m := range kept {
			if !bytes.Equal(m.Bytes(), body(i)) {
				t.Fatalf("message %d is not what was sent any more", i)
			}
			clone, own := m.Clone(), m.Detach()
			_, _ = clone.Write([]byte("more"))
			own[0]++
			if !bytes.Equal(m.Bytes(), body(i)) || clone.Len() != m.Len()+4 {
				t.Fatalf("message %d was changed by its clone or copy", i)
			}
			m.Release()
			m.Release()
			if m.Len() != 0 || m.Header() != nil || !bytes.HasPrefix(clone.Bytes(), body(i)) {
				t.Fatalf("message %d after Release: %d bytes; its clone: %d", i, m.Len(), clone.Len())
			}
			if _, _ = m.Write([]byte("again")); string(m.Bytes()) != "again" {
				t.Fatalf("a released message is not reusable: %q", m.Bytes())
			}
		}
		for i, m := range kept { // what was written to released ones did not meet
			if string(m.Bytes()) != "again" {
				t.Fatalf("message %d was changed by another", i)
			}
		}
		testkit.Shut(t, push, pull)
	})
}

// A message can be passed on: what was received, whole or as a clone, is sent again.
func TestReceivedMessagesAreSentOn(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		a, b := spry.NewPair(&spry.PairOptions{Options: l.options}), spry.NewPair(&spry.PairOptions{Options: l.options})
		l.join(t, a, b)
		for _, body := range bodies() {
			testkit.Check(t, a.Send(ctx, body))
			m, err := b.RecvMsg(ctx)
			testkit.Check(t, err)
			testkit.Check(t, b.SendMsg(ctx, m.Clone()))
			testkit.Check(t, b.SendMsg(ctx, m))
			for range 2 {
				got, err := a.Recv(ctx)
				testkit.Check(t, err)
				if !bytes.Equal(got, body) {
					t.Errorf("%d bytes that were sent on came as %d others", len(body), len(got))
				}
			}
		}
		testkit.Shut(t, a, b)
	})
}

// The release of a wrapped body runs exactly once, whatever becomes of the message.
func TestReleaseRunsOnce(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		for _, size := range []int{1, 100_000} {
			var wrapped, released atomic.Int32
			wrap := func() *spry.Message {
				wrapped.Add(1)
				var runs atomic.Int32
				return spry.WrapMessage(make([]byte, size), func() {
					if runs.Add(1) > 1 {
						t.Error("a release ran twice")
					}
					released.Add(1)
				})
			}

			// Sent to two subscribers, to nobody, and to a closed socket.
			pub := spry.NewPub(&spry.PubOptions{Options: l.options})
			testkit.Check(t, pub.SendMsg(ctx, wrap()))
			subs := []*spry.Sub{spry.NewSub(&spry.SubOptions{Options: l.options}), spry.NewSub(&spry.SubOptions{Options: l.options})}
			testkit.Check(t, subs[0].Subscribe("")) // the other one filters it
			for _, s := range subs {
				l.join(t, s, pub)
			}
			testkit.Check(t, pub.WaitPipes(ctx, 2))
			testkit.Check(t, pub.WaitSubscribers(ctx, "", 1))
			testkit.Check(t, pub.SendMsg(ctx, wrap()))
			m, err := subs[0].RecvMsg(ctx)
			testkit.Check(t, err)
			m.Clone().Release()
			m.Release()
			testkit.Shut(t, pub, subs[0], subs[1])
			m = wrap()
			if err := pub.SendMsg(ctx, m); !errors.Is(err, spry.ErrClosed) || m.Len() != size {
				t.Errorf("SendMsg on a closed socket: %v, and the message has %d bytes", err, m.Len())
			}
			m.Release()
			m.Release()

			// Queued and received when the sockets close.
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			l.join(t, push, pull)
			for range 10 {
				testkit.Check(t, push.SendMsg(ctx, wrap()))
			}
			testkit.Shut(t, push, pull)

			// A request, kept until its reply.
			req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
			l.join(t, req, rep)
			call, err := req.Start(wrap())
			testkit.Check(t, err)
			r, err := rep.Recv(ctx)
			testkit.Check(t, err)
			testkit.Check(t, r.ReplyMsg(ctx, wrap()))
			m, err = call.Wait(ctx)
			testkit.Check(t, err)
			m.Release()
			cancelled, err := req.Start(wrap())
			testkit.Check(t, err)
			cancelled.Cancel()
			testkit.Shut(t, req, rep)

			testkit.Eventually(t, "every release has run", func() bool { return released.Load() == wrapped.Load() })
		}
	})
}

// What an application sends belongs to it as soon as Send has returned.
func TestSentBytesAreCopied(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		for _, want := range bodies() {
			body := bytes.Clone(want)
			testkit.Check(t, push.Send(ctx, body))
			clear(body)
			got, err := pull.Recv(ctx)
			testkit.Check(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes were changed after Send", len(want))
			}
		}
		testkit.Shut(t, push, pull)
	})
}

// batching are the verbs for many messages at once.
type batching interface {
	testkit.Attacher
	SendBatch(context.Context, []*spry.Message) (int, error)
}

// Batches arrive whole and in order; what was sent is empty afterwards.
func TestBatchesDeliver(t *testing.T) {
	runSP(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		sub := spry.NewSub(&spry.SubOptions{Options: l.options})
		testkit.Check(t, sub.Subscribe(""))
		type receivesBatches interface {
			testkit.Attacher
			RecvBatch(context.Context, []*spry.Message) (int, error)
		}
		for from, to := range map[batching]receivesBatches{
			spry.NewPush(&spry.PushOptions{Options: l.options}): spry.NewPull(&spry.PullOptions{Options: l.options}),
			spry.NewPair(&spry.PairOptions{Options: l.options}): spry.NewPair(&spry.PairOptions{Options: l.options}),
			spry.NewPub(&spry.PubOptions{Options: l.options}):   sub,
			spry.NewBus(&spry.BusOptions{Options: l.options}):   spry.NewBus(&spry.BusOptions{Options: l.options}),
		} {
			l.join(t, to, from)
			testkit.Check(t, from.WaitPipes(ctx, 1))
			const all = 500
			var batch []*spry.Message
			for i := range all {
				batch = append(batch, spry.WrapMessage(fmt.Appendf(nil, "%d%s", i, bytes.Repeat([]byte("."), i)), nil))
			}
			n, err := from.SendBatch(ctx, batch)
			if n != all || err != nil {
				t.Fatalf("SendBatch of a %T: %d, %v", from, n, err)
			}
			for i, m := range batch {
				if m.Len() != 0 {
					t.Fatalf("message %d of a batch of a %T still has %d bytes", i, from, m.Len())
				}
			}
			if n, err := to.RecvBatch(ctx, nil); n != 0 || err != nil {
				t.Errorf("RecvBatch into nothing: %d, %v", n, err)
			}
			dst := make([]*spry.Message, 100)
			for got := 0; got < all; {
				n, err := to.RecvBatch(ctx, dst)
				testkit.Check(t, err)
				for _, m := range dst[:n] {
					if want := fmt.Sprintf("%d%s", got, bytes.Repeat([]byte("."), got)); string(m.Bytes()) != want {
						t.Fatalf("message %d of a batch of a %T is %q", got, from, m.Bytes())
					}
					got++
				}
			}
			testkit.Shut(t, from, to)
		}
	})
}

// A batch for which there is not enough room is sent in part; the rest is unchanged.
func TestBatchesEndWithTheirContext(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		l.options.SendQueue, l.options.RecvQueue = 4, 4
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		const all, size = 1000, 64 << 10
		var batch []*spry.Message
		for range all {
			batch = append(batch, spry.WrapMessage(make([]byte, size), nil))
		}
		ctx, cancel := context.WithTimeout(testkit.Watchdog(t), 100*time.Millisecond)
		defer cancel()
		n, err := push.SendBatch(ctx, batch)
		if !errors.Is(err, context.DeadlineExceeded) || n >= all {
			t.Fatalf("SendBatch: %d, %v; want a part and the context's end", n, err)
		}
		for i, m := range batch {
			if sent := i < n; sent != (m.Len() == 0) {
				t.Fatalf("%d were sent, and message %d has %d bytes", n, i, m.Len())
			}
		}
		for range n {
			_, err := pull.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
		}
		if _, err := pull.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("more came than was sent: %v", err)
		}
		testkit.Shut(t, push, pull)
	})
}

// A message of several frames has no place in a pipe of the Scalability Protocols, and stays with its sender. ZeroMQ peers
// take it, and a sender that has both kinds goes past the former.
func TestMultipart(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	m := spry.NewMessage(0)
	_, _ = m.Write([]byte("one"))
	m.AppendFrame([]byte("two"))
	push, pub, pair, req := spry.NewPush(nil), spry.NewPub(nil), spry.NewPair(nil), spry.NewReq(nil)
	pull, sub, other, rep := spry.NewPull(nil), spry.NewSub(nil), spry.NewPair(nil), spry.NewRep(nil)
	testkit.Check(t, sub.Subscribe("one"))
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	testkit.DialTo(t, pub, testkit.ListenOn(t, sub, "inproc"))
	testkit.DialTo(t, pair, testkit.ListenOn(t, other, "tcp"))
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "tcp"))
	for _, s := range []spry.Sender{push, pub, pair} {
		if err := s.SendMsg(ctx, m); !errors.Is(err, spry.ErrMultipart) {
			t.Errorf("SendMsg of a %T: %v, want ErrMultipart", s, err)
		}
	}
	if n, err := push.SendBatch(ctx, []*spry.Message{m}); n != 0 || !errors.Is(err, spry.ErrMultipart) {
		t.Errorf("SendBatch: %d, %v, want ErrMultipart", n, err)
	}
	if _, err := req.DoMsg(ctx, m); !errors.Is(err, spry.ErrMultipart) {
		t.Errorf("DoMsg: %v, want ErrMultipart", err)
	}
	if string(m.Bytes()) != "onetwo" {
		t.Errorf("a refused message is %q", m.Bytes())
	}

	zeromq := spry.NewPull(nil)
	_, err := push.Dial(ctx, "zmtp+"+testkit.ListenOn(t, zeromq, "tcp").URL())
	testkit.Check(t, err)
	for range 3 {
		testkit.Check(t, push.SendMsg(ctx, m.Clone()))
	}
	n, err := push.SendBatch(ctx, []*spry.Message{m.Clone(), m.Clone()})
	if testkit.Check(t, err); n != 2 {
		t.Errorf("%d of 2 were sent", n)
	}
	for range 5 {
		got, err := zeromq.RecvMsg(ctx)
		testkit.Check(t, err)
		var frames []string
		for _, f := range got.Frames() {
			frames = append(frames, string(f))
		}
		if !slices.Equal(frames, []string{"one", "two"}) {
			t.Errorf("received %q", frames)
		}
	}
	testkit.Shut(t, push, pub, pair, req, pull, sub, other, rep, zeromq)
}

// A loop whose context has ended takes nothing more, even if there is something.
func TestMessagesEndsWithItsContext(t *testing.T) {
	ctx, o := testkit.Watchdog(t), testkit.Private()
	pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
	defer pull.Close()
	defer push.Close()
	testkit.ListenAt(t, pull, "inproc://loop")
	_, err := push.Dial(ctx, "inproc://loop")
	testkit.Check(t, err)
	for range 10 {
		testkit.Check(t, push.Send(ctx, nil))
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	got := 0
	for _, err := range pull.Messages(within) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the loop ended with %v", err)
			}
			break
		}
		got++
		cancel()
	}
	if got != 1 {
		t.Errorf("the loop took %d messages, want 1", got)
	}
}
