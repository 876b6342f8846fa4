// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A bodied is a socket, or a part of one, whose bodies are yielded without messages.
type bodied interface {
	Bodies(ctx context.Context) iter.Seq2[[]byte, error]
}

// A loop over Bodies has every body in order. What it has not reached when it is left, when its body panics and when its
// context ends is the next message of the socket, as if there had been no loop.
func TestBodiesGivesBack(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		for _, s := range lines(ctx, t, l) {
			from, ok := s.receiver.(bodied)
			if !ok { // its messages are requests
				testkit.Shut(t, s.from, s.to)
				continue
			}
			const messages = 20
			for i := range messages {
				testkit.Check(t, s.send(ctx, []byte{byte(i)}))
			}
			testkit.Eventually(t, s.name+": all are there", func() bool { return s.to.Stats().Recv.Queued == messages })
			next := 0
			expect := func(body []byte) {
				if !bytes.Equal(body, []byte{byte(next)}) {
					t.Errorf("%s: number %d came as %q", s.name, next, body)
				}
				next++
			}
			for body, err := range from.Bodies(ctx) {
				testkit.Check(t, err)
				if expect(body); next == 4 {
					break
				}
			}
			func() {
				defer func() { _ = recover() }()
				for body := range from.Bodies(ctx) {
					expect(body)
					panic("in the loop's body")
				}
			}()
			within, cancel := context.WithCancel(ctx)
			defer cancel()
			var failure error
			for body, err := range from.Bodies(within) {
				if failure = err; err != nil {
					if got := s.to.Stats().Recv.Queued; got != messages-7 {
						t.Errorf("%s: %d are queued when the loop hears of its end", s.name, got)
					}
					continue
				}
				if expect(body); next == 7 {
					cancel()
				}
			}
			if !errors.Is(failure, context.Canceled) {
				t.Errorf("%s: the loop ended with %v", s.name, failure)
			}
			if st := s.to.Stats().Recv; st.Delivered != 7 || st.Queued != messages-7 {
				t.Errorf("%s: %+v", s.name, st)
			}
			m, err := s.receiver.RecvMsg(ctx)
			testkit.Check(t, err)
			expect(m.Bytes())
			m.Release()
			for body, err := range from.Bodies(ctx) {
				testkit.Check(t, err)
				if expect(body); next == messages {
					break
				}
			}
			testkit.Shut(t, s.from, s.to)
		}
	})
}

// A loop ends without an error when its socket is closed. What it holds then and leaves is counted as dropped.
func TestBodiesEndWithTheSocket(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	for range 10 {
		testkit.Check(t, push.Send(ctx, []byte("x")))
	}
	testkit.Eventually(t, "all are there", func() bool { return pull.Stats().Recv.Queued == 10 })
	for _, err := range pull.Bodies(ctx) {
		testkit.Check(t, err)
		testkit.Check(t, pull.Close())
		break
	}
	if st := pull.Stats().Recv; st.Delivered != 1 || st.Dropped[spry.ReasonClosed] != 9 {
		t.Errorf("%+v", st)
	}
	for body, err := range pull.Bodies(ctx) {
		t.Errorf("a closed socket yields %q, %v", body, err)
	}
	testkit.Shut(t, push)
}

// Drain waits until a loop has had everything.
func TestDrainWaitsForBodies(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		const messages = 200
		for range messages {
			testkit.Check(t, push.Send(ctx, []byte("x")))
		}
		testkit.Eventually(t, "all are there", func() bool { return pull.Stats().Recv.Queued == messages })
		drained := make(chan error, 1)
		seen := 0
		for _, err := range pull.Bodies(ctx) {
			testkit.Check(t, err)
			if seen++; seen == 1 {
				go func() {
					_, err := pull.Drain(ctx)
					drained <- err
				}()
			}
			if len(drained) > 0 {
				t.Fatalf("Drain returned after %d messages", seen)
			}
		}
		testkit.Check(t, <-drained)
		if st := pull.Stats().Recv; seen != messages || st.Delivered != messages {
			t.Errorf("%d bodies came, and the figures are %+v", seen, st)
		}
		testkit.Shut(t, push)
	})
}

// SendBodies sends copies: the peer receives what Send would have sent, and the caller may write to the bodies at once.
func TestSendBodiesCopies(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		for _, s := range lines(ctx, t, l) {
			from, ok := s.from.(interface {
				SendBodies(ctx context.Context, bodies [][]byte) (int, error)
			})
			if !ok {
				testkit.Shut(t, s.from, s.to)
				continue
			}
			all := bodies()
			given := make([][]byte, len(all))
			for i, b := range all {
				given[i] = bytes.Clone(b)
			}
			if n, err := from.SendBodies(ctx, given); n != len(all) || err != nil {
				t.Fatalf("%s: %d, %v", s.name, n, err)
			}
			for i := range given {
				clear(given[i])
			}
			for i, want := range all {
				m, err := s.receiver.RecvMsg(ctx)
				testkit.Check(t, err)
				if !bytes.Equal(m.Bytes(), want) {
					t.Errorf("%s: body %d of %d bytes is another one", s.name, i, len(want))
				}
				m.Release()
			}
			testkit.Shut(t, s.from, s.to)
		}
	})
}

// A sender with more bodies than there is room for waits until all are queued, and they come in order.
func TestSendBodiesWaitsForRoom(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx, o := testkit.Watchdog(t), l.options
		o.SendQueue, o.RecvQueue = 10, 10
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		l.join(t, push, pull)
		const messages = 5000
		sent := make(chan error, 1)
		go func() {
			all := make([][]byte, messages)
			for i := range all {
				all[i] = []byte{byte(i), byte(i >> 8)}
			}
			n, err := push.SendBodies(ctx, all)
			if err == nil && n != messages {
				err = errors.New("not all were sent")
			}
			sent <- err
		}()
		next := 0
		for body, err := range pull.Bodies(ctx) {
			testkit.Check(t, err)
			if want := []byte{byte(next), byte(next >> 8)}; !bytes.Equal(body, want) {
				t.Fatalf("number %d came as %v", next, body)
			}
			if next++; next == messages {
				break
			}
		}
		testkit.Check(t, <-sent)
		testkit.Shut(t, push, pull)
	})
}

// Loops over Bodies beside other receivers: each message comes once, and is what was sent for as long as its receiver has it.
func TestBodiesBesideOtherReceivers(t *testing.T) {
	const messages, kept = 20_000, 100
	for _, scheme := range []string{"tcp", "inproc"} {
		t.Run(scheme, func(t *testing.T) {
			ctx, cancel := context.WithCancel(testkit.Watchdog(t))
			defer cancel()
			push, pull := spry.NewPush(nil), spry.NewPull(nil)
			testkit.DialTo(t, push, testkit.ListenOn(t, pull, scheme))
			var seen [messages]atomic.Int32
			var all atomic.Int32
			arrived := func(body []byte) {
				seen[binary.BigEndian.Uint32(body)].Add(1)
				if all.Add(1) == messages {
					cancel()
				}
			}
			var receiving sync.WaitGroup
			for range 2 {
				receiving.Go(func() {
					for ctx.Err() == nil {
						n := 0
						for body, err := range pull.Bodies(ctx) {
							if err != nil {
								break
							}
							arrived(body)
							if n++; n == 1000 {
								break
							}
						}
					}
				})
			}
			receiving.Go(func() {
				var held []*spry.Message
				var numbers [][]byte
				for m := range pull.Messages(ctx) {
					if m == nil {
						break
					}
					arrived(m.Bytes())
					held, numbers = append(held, m), append(numbers, bytes.Clone(m.Bytes()))
					if len(held) == kept {
						for i, m := range held {
							if !bytes.Equal(m.Bytes(), numbers[i]) {
								t.Errorf("a message that its receiver keeps became another")
							}
							m.Release()
						}
						held, numbers = held[:0], numbers[:0]
					}
				}
			})
			bodies := make([][]byte, 50)
			for i := 0; i < messages; i += len(bodies) {
				for k := range bodies {
					bodies[k] = binary.BigEndian.AppendUint32(nil, uint32(i+k))
				}
				_, err := push.SendBodies(context.Background(), bodies)
				testkit.Check(t, err)
			}
			receiving.Wait()
			for i := range seen {
				if n := seen[i].Load(); n != 1 {
					t.Fatalf("message %d came %d times", i, n)
				}
			}
			testkit.Shut(t, push, pull)
		})
	}
}
