// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Flush returns when everything is handed over, and not before.
func TestFlush(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		l.options.RecvQueue, l.options.SendQueueBytes = 4, -1
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		testkit.Check(t, push.Flush(ctx)) // nothing is queued for nobody
		l.join(t, push, pull)
		sent := 0
		for stuck := false; !stuck; { // until what is between the sockets is full
			for range 64 {
				testkit.Check(t, push.Send(ctx, make([]byte, 32<<10)))
				sent++
			}
			within, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			err := push.Flush(within)
			cancel()
			stuck = errors.Is(err, context.DeadlineExceeded)
			if s := push.Stats().Send; !stuck && (err != nil || s.Queued != 0) {
				t.Fatalf("Flush: %v, and the books say %+v", err, s)
			}
		}
		flushed := make(chan error, 1)
		go func() { flushed <- push.Flush(ctx) }()
		for range sent {
			_, err := pull.Recv(ctx)
			testkit.Check(t, err)
		}
		testkit.Check(t, <-flushed)
		if s := push.Stats().Send; s.Queued != 0 || s.QueuedBytes != 0 || s.Sent != uint64(sent) {
			t.Errorf("after Flush the books say %+v", s)
		}
		testkit.Shut(t, push, pull)
	})
}

// What a dead pipe gives back while Flush or Close waits goes to another pipe, and is waited for there.
func TestFlushFollowsMessagesToAnotherPipe(t *testing.T) {
	for _, verb := range []string{"flush", "close"} {
		t.Run(verb, func(t *testing.T) {
			leak.Check(t)
			for range 50 {
				flushAcrossPipes(t, verb == "close")
			}
		})
	}
}

func flushAcrossPipes(t *testing.T, closes bool) {
	const n = 500
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Linger: -1}})
	stuck, peer := attachMute(t, push, spry.ProtocolPull, false)
	for range n {
		testkit.Check(t, push.Send(ctx, []byte("x")))
	}
	pull := spry.NewPull(nil)
	link{attached: true}.join(t, push, pull)
	flushed := make(chan error, 1)
	go func() {
		if closes {
			flushed <- push.Shutdown(ctx)
		} else {
			flushed <- push.Flush(ctx)
		}
	}()
	testkit.Check(t, peer.Close())
	testkit.Check(t, <-flushed)
	<-stuck.Done()
	if s := push.Stats().Send; s.Sent != n || s.Queued != 0 {
		t.Fatalf("all of %d messages are handed over, and the books say %+v", n, s)
	}
	testkit.Check(t, push.Close())
	testkit.Check(t, pull.Close())
}

// attachMute attaches a connection whose peer does no more than its handshake.
func attachMute(t *testing.T, s testkit.Attacher, peer spry.Protocol, listening bool) (*spry.Pipe, *testkit.Bare) {
	t.Helper()
	near, far := net.Pipe()
	return testkit.AttachBare(t, s, near, far, &spry.AttachConfig{Listening: listening}, func(b *testkit.Bare) { b.Shake(t, peer) })
}
