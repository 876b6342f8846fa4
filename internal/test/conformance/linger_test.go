// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

const (
	lingerMessages = 200
	lingerSize     = 256 << 10
)

func lingerBody(i int) []byte {
	b := bytes.Repeat([]byte{byte(i)}, lingerSize)
	binary.BigEndian.PutUint64(b, uint64(i))
	return b
}

// All that was sent before Close arrives, although there is input on the connection that nobody reads: without
// care, closing would reset the connection, and destroy what is under way.
func TestCloseDeliversEverything(t *testing.T) {
	for _, scheme := range []string{"tcp", "ipc", "tls+tcp", "inproc"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			o := spry.Options{Linger: 60 * time.Second, SendQueueBytes: -1}
			a, b := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
			defer b.Close()
			testkit.DialTo(t, a, testkit.ListenOn(t, b, scheme))
			testkit.Check(t, b.WaitPipes(ctx, 1))
			const unread = 50
			for range unread {
				testkit.Check(t, b.Send(ctx, make([]byte, 1000)))
			}
			testkit.Check(t, b.Flush(ctx))
			for i := range lingerMessages {
				testkit.Check(t, a.Send(ctx, lingerBody(i)))
			}
			closed := make(chan error, 1)
			go func() { closed <- a.Close() }()
			for i := range lingerMessages {
				got, err := b.Recv(ctx)
				if err != nil || !bytes.Equal(got, lingerBody(i)) {
					t.Fatalf("message %d: %d bytes, %v", i, len(got), err)
				}
			}
			testkit.Check(t, returned(ctx, closed))
			st := a.Stats()
			if testkit.Unbalanced(st) != "" || st.Send.Sent != lingerMessages || st.Recv.Arrived != st.Recv.Dropped["closed"] {
				t.Errorf("at rest: %s, %+v", testkit.Unbalanced(st), st)
			}
			t.Logf("Close over %s: %d of %d messages of %d KiB arrived, %d unread ones dropped", scheme, lingerMessages, lingerMessages, lingerSize>>10, st.Recv.Dropped["closed"])
		})
	}
}

// A peer stops reading. Close returns at Linger, and says how many messages the operating system never got whole.
func TestCloseCountsWhatWasNotSent(t *testing.T) {
	for _, scheme := range []string{"tcp", "ipc"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Linger: 300 * time.Millisecond, SendQueueBytes: -1}})
			e := testkit.ListenOn(t, push, scheme)
			b := testkit.BareTo(t, e)
			b.Shake(t, spry.ProtocolPull)
			testkit.Check(t, push.WaitPipes(ctx, 1))
			for i := range lingerMessages {
				testkit.Check(t, push.Send(ctx, lingerBody(i)))
			}
			begin := time.Now()
			err := push.Close()
			took := time.Since(begin)
			if !errors.Is(err, spry.ErrUnsent) {
				t.Fatalf("Close with a peer that does not read: %v", err)
			}
			var unsent int
			if _, serr := fmt.Sscanf(err.Error(), "spry: close: %d messages", &unsent); serr != nil {
				t.Fatalf("no count in %q", err)
			}
			whole := wholeFrames(t, b)
			if whole+unsent != lingerMessages {
				t.Errorf("the peer could still read %d whole messages and Close told of %d that were not sent, of %d", whole, unsent, lingerMessages)
			}
			if st := push.Stats(); testkit.Unbalanced(st) != "" || st.Send.Sent != uint64(whole) {
				t.Errorf("%s; sent %d", testkit.Unbalanced(st), st.Send.Sent)
			}
			t.Logf("Close over %s at a Linger of 300ms took %v: %d told unsent, %d whole ones were there to be read", scheme, took.Round(time.Millisecond), unsent, whole)
		})
	}
}

// wholeFrames reads what is left on a connection.
func wholeFrames(t *testing.T, b *testkit.Bare) (n int) {
	t.Helper()
	testkit.Check(t, b.SetReadDeadline(time.Now().Add(testkit.Patience)))
	for {
		want := testkit.Frame(b.Typed, lingerBody(n))
		got := make([]byte, len(want))
		k, err := io.ReadFull(b, got)
		if err != nil {
			if !bytes.Equal(got[:k], want[:k]) {
				t.Errorf("the frame that broke off is not the beginning of message %d", n)
			}
			return n
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("frame %d is not message %d", n, n)
		}
		n++
	}
}

// What waits for a receiver of the process that closes goes to another, but for what is in that one's own queue.
func TestClosingReceiverSwallowsNothing(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(nil)
	e := testkit.ListenOn(t, push, "inproc")
	const all, queue = 2000, 10
	closes := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: queue}})
	testkit.DialTo(t, closes, e)
	testkit.Check(t, push.WaitPipes(ctx, 1))
	for i := range all {
		testkit.Check(t, push.Send(ctx, fmt.Append(nil, i)))
	}
	testkit.Check(t, closes.Close())
	dropped := closes.Stats().Recv.Dropped["closed"]
	if dropped > queue {
		t.Errorf("a receiver with a queue of %d dropped %d messages when it closed", queue, dropped)
	}
	next := spry.NewPull(nil)
	testkit.DialTo(t, next, e)
	for range all - dropped {
		_, err := next.Recv(ctx)
		testkit.Check(t, err)
	}
	st := push.Stats()
	if st.Send.Returned != all-dropped || st.Pending != 0 {
		t.Errorf("%d of %d came back, %d are pending", st.Send.Returned, all-dropped, st.Pending)
	}
	testkit.Shut(t, push, next)
}
