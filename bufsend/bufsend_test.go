// SPDX-License-Identifier: MIT

package bufsend_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bufsend"
	"github.com/sprymq/spry/internal/testkit"
)

// joined returns a Push, with a queue of queue messages, and a Pull that it is connected to.
func joined(t *testing.T, queue int) (*spry.Push, *spry.Pull) {
	t.Helper()
	o := testkit.Private()
	o.SendQueue, o.RecvQueue, o.Linger = queue, queue, -1
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	t.Cleanup(func() {
		testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
		testkit.Check(t, pull.Close())
	})
	return push, pull
}

// A message leaves the buffer a millisecond after the first one came, or earlier with Flush. Until then it counts as queued.
func TestMessagesLeaveInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, pull := joined(t, 1000)
		to := bufsend.New(push)
		time.Sleep(2 * bufsend.Delay) // so that only the first message can start the time
		body := []byte("first")
		testkit.Check(t, to.Send(t.Context(), body))
		clear(body) // it was copied
		time.Sleep(bufsend.Delay / 2)
		testkit.Check(t, to.Send(t.Context(), []byte("second")))
		if st := push.Stats(); st.Send.Queued != 2 || st.Send.Offered != 2 || st.Send.QueuedBytes == 0 || testkit.Unbalanced(st) != "" {
			t.Errorf("two messages are in the buffer: %+v, %s", st.Send, testkit.Unbalanced(st))
		}
		if n := pull.Stats().Recv.Arrived; n != 0 {
			t.Errorf("%d messages have arrived too early", n)
		}
		time.Sleep(bufsend.Delay/2 + 1)
		synctest.Wait()
		for _, want := range []string{"first", "second"} {
			m, err := pull.TryRecvMsg()
			testkit.Check(t, err)
			if string(m.Bytes()) != want {
				t.Errorf("%q came, want %q", m.Bytes(), want)
			}
		}
		testkit.Check(t, to.Send(t.Context(), []byte("third")))
		testkit.Check(t, to.Flush(t.Context()))
		if st := push.Stats().Send; st.Offered != 3 || st.Queued != 0 || pull.Stats().Recv.Arrived != 3 {
			t.Errorf("after Flush: %+v", st)
		}
		testkit.Check(t, to.Close())
		testkit.Wants(t, to.Send(t.Context(), nil), spry.ErrClosed)
	})
}

// A full buffer is sent, and bodies of any size come whole and in order.
func TestAFullBufferIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, pull := joined(t, 10)
		to := bufsend.NewSize(push, 1<<10)
		size := func(i int) int { return i * i % 3000 }
		go func() {
			for i := range 2000 {
				testkit.Check(t, to.Send(t.Context(), bytes.Repeat([]byte{byte(i)}, size(i))))
			}
			testkit.Check(t, to.Close())
		}()
		i := 0
		for body, err := range pull.Bodies(t.Context()) {
			testkit.Check(t, err)
			if want := bytes.Repeat([]byte{byte(i)}, size(i)); !bytes.Equal(body, want) {
				t.Fatalf("message %d of %d bytes came with %d", i, len(want), len(body))
			}
			if i++; i == 2000 {
				break
			}
		}
		synctest.Wait()
	})
}

// While the socket has no room, Send waits until its ctx ends. Nothing is lost until Shutdown, whose error and figures have
// the messages that are left.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, pull := joined(t, 10)
		to := bufsend.NewSize(push, 1<<10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		accepted := 0
		var err error
		for ; err == nil; accepted++ {
			err = to.Send(ctx, make([]byte, 100))
		}
		accepted--
		testkit.Wants(t, err, context.DeadlineExceeded)
		if got, want := push.Stats().Send, uint64(accepted); got.Offered != want || got.Queued+pull.Stats().Recv.Arrived != want {
			t.Errorf("%d messages were accepted: %+v", accepted, got)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = to.Shutdown(short)
		testkit.Wants(t, err, context.DeadlineExceeded)
		var op *spry.OpError
		st := push.Stats()
		if !errors.As(err, &op) || op.Unsent == 0 || st.Send.Dropped[spry.ReasonClosed] != uint64(op.Unsent) {
			t.Errorf("%v; the figures are %+v", err, st.Send)
		}
		if st.Send.Offered != uint64(accepted) || testkit.Unbalanced(st) != "" {
			t.Errorf("%d messages were accepted: %+v, %s", accepted, st.Send, testkit.Unbalanced(st))
		}
	})
}

// An error of the socket ends the Sender.
func TestTheSocketIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push, _ := joined(t, 10)
		to := bufsend.New(push)
		testkit.Check(t, to.Send(t.Context(), []byte("x")))
		testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
		time.Sleep(2 * bufsend.Delay)
		testkit.Wants(t, to.Send(t.Context(), []byte("y")), spry.ErrClosed)
		testkit.Wants(t, to.Close(), spry.ErrClosed)
		if st := push.Stats(); st.Send.Dropped[spry.ReasonClosed] != 1 || testkit.Unbalanced(st) != "" {
			t.Errorf("%+v", st.Send)
		}
		if err := to.Send(canceled(), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Send with an ended context: %v", err)
		}
	})
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// A socket that is none of this module's.
type discard struct{}

func (discard) SendBodies(_ context.Context, bodies [][]byte) (int, error) { return len(bodies), nil }

// A message costs no memory.
func TestSendDoesNotAllocate(t *testing.T) {
	to := bufsend.New(discard{})
	body := make([]byte, 64)
	allocs := testing.AllocsPerRun(100, func() {
		for range 1000 {
			if err := to.Send(context.Background(), body); err != nil {
				t.Fatal(err)
			}
		}
	})
	testkit.Check(t, to.Close())
	if allocs > 1 {
		t.Errorf("%v allocations for 1000 messages", allocs)
	}
}
