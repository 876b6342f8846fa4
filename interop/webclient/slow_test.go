// SPDX-License-Identifier: MIT

package webclient_test

import (
	"context"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
)

// TestBackground has a page in the background, where browsers call timers late. It keeps its connections, and loses nothing.
func TestBackground(t *testing.T) {
	if !kit.Long {
		t.Skip("a browser takes a while: SPRY_LONG=1 runs it")
	}
	for name, product := range kit.Browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, product)
			urls := urlsFor(t, 2)
			pub := listen(t, spry.NewPub(&spry.PubOptions{Options: options()}), urls[0])
			replyAll(t, urls[1:])
			const messages = 40
			r := b.play(t, "background", messages, urls...)
			want(t, r, "ready")
			b.bring(t, "hide", "hidden")
			for i := range messages {
				testkit.Check(t, pub.Send(kit.Watched(t), body(i)))
				time.Sleep(200 * time.Millisecond) // it takes some time, by which timers are late
			}
			want(t, r, "40 received, 40 of them hidden")
			b.bring(t, "show", "visible")
			want(t, r, "0 gaps, connections: 1 1")
		})
	}
}

// TestSlow has a program whose one thread is busy for seconds, while messages flood in. What a Sub misses it says and counts, and neither it
// nor a Push with messages to send connects again.
func TestSlow(t *testing.T) {
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := urlsFor(t, 2)
			const messages = 5000
			pub := listen(t, spry.NewPub(&spry.PubOptions{Options: options(), Overflow: spry.Block}), urls[0])
			pull := listen(t, spry.NewPull(&spry.PullOptions{Options: options()}), urls[1])
			r := play(t, "slow sub", messages, urls...)
			want(t, r, "ready")
			for i := range messages {
				testkit.Check(t, pub.Send(kit.Watched(t), body(i)))
			}
			expect(t, pull, 100)
			want(t, r, "missed some: true, adds up: true, connections: 1 1")
		})
	}
}

// TestHeldBack is TestSlow with a Pull, which ends its connection until the program has read.
func TestHeldBack(t *testing.T) {
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := urlsFor(t, 1)
			push := listen(t, spry.NewPush(&spry.PushOptions{Options: options()}), urls[0])
			r := play(t, "slow pull", 0, urls...)
			want(t, r, "ready")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go func() {
				for push.Send(ctx, body(50)) == nil {
				}
			}()
			want(t, r, "connections: 2, adds up: true")
		})
	}
}

func want(t *testing.T, r run, line string) {
	t.Helper()
	if got := r.line(t); got != line {
		t.Fatalf("it prints %q, want %q", got, line)
	}
}
