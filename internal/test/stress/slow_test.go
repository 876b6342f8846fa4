// SPDX-License-Identifier: MIT

package stress_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Messages go over a link that is slow and has small buffers, under a short heartbeat. No connection is given up, and
// every message arrives, in order.
func TestSlowLink(t *testing.T) {
	for n, rng := range rounds(t) {
		t.Run("round", func(t *testing.T) { slowLink(t, rng, []string{"tcp", "zmtp+tcp"}[n%2]) })
	}
}

func slowLink(t *testing.T, rng *rand.Rand, scheme string) {
	leak.Check(t)
	o := spry.Options{Heartbeat: 500 * time.Millisecond, // on a busy machine an end may not run for a while
		Backoff: quick, SendQueue: 8, RecvQueue: 1 + rng.IntN(8)}
	pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
	var sending sync.WaitGroup
	t.Cleanup(func() {
		_, _ = push.Close(), pull.Close()
		sending.Wait()
	})
	listener, dialer := anySocket(pull), anySocket(push)
	if rng.IntN(2) == 0 {
		listener, dialer = dialer, listener
	}
	e, err := listener.(interface {
		ListenWith(context.Context, *spry.ListenConfig) (*spry.Endpoint, error)
	}).ListenWith(testkit.Watchdog(t), &spry.ListenConfig{URL: "tcp://127.0.0.1:0", ReadBuffer: 4 << 10, WriteBuffer: 4 << 10})
	testkit.Check(t, err)
	piece, pause := 500+rng.IntN(3000), time.Duration(rng.IntN(5))*time.Millisecond
	r := newRelay(t, e.Addr().String(), func(p []byte) ([]byte, bool) {
		time.Sleep(pause * time.Duration(1+len(p)/piece))
		return p, false
	})
	_, err = dialer.(interface {
		DialWith(context.Context, *spry.DialConfig) (*spry.Endpoint, error)
	}).DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: scheme + "://" + r.Addr().String(), ReadBuffer: 4 << 10, WriteBuffer: 4 << 10})
	testkit.Check(t, err)
	ctx := testkit.Watchdog(t)
	messages, size := 20+rng.IntN(30), 1+rng.IntN(testkit.Figure(8_000, 30_000))
	sending.Go(func() {
		body := make([]byte, 8+size)
		for i := range messages {
			binary.BigEndian.PutUint64(body, uint64(i))
			if err := push.Send(ctx, body); err != nil {
				t.Error(err)
				return
			}
		}
	})
	if rng.IntN(2) == 0 {
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond) // the receiver is at a long job
	}
	for i := range messages {
		body, err := pull.Recv(testkit.Watchdog(t))
		testkit.Check(t, err)
		if got := binary.BigEndian.Uint64(body); got != uint64(i) || len(body) != 8+size {
			t.Fatalf("message %d of %d bytes arrived as %d of %d bytes", i, 8+size, got, len(body))
		}
	}
	sending.Wait()
	for _, s := range []anySocket{push, pull} {
		if st := s.Stats(); st.Endpoints[0].Established != 1 {
			t.Errorf("%s made %d connections, want 1: %v", st.Name, st.Endpoints[0].Established, st.Rejected)
		}
		testkit.Check(t, s.Close())
	}
}
