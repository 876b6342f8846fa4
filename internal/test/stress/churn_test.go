// SPDX-License-Identifier: MIT

package stress_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// churnRoom is how much larger the heap may be after any number of connections, in bytes.
const churnRoom = 1 << 20

// T01: connect, shake hands, send one message, disconnect, again and again: nothing is left at either end, and both agree on what
// was sent.
func TestConnectionsLeaveNothing(t *testing.T) {
	for _, scheme := range []string{"tcp", "ipc", "inproc", "tls+tcp", "zmtp+tcp", "zmtp+ipc", "zmtp+tls+tcp", "ws", "wss", "zmtp+ws", "zmtp+wss"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			o := spry.Options{}
			if strings.HasSuffix(scheme, "ws") || strings.HasSuffix(scheme, "wss") {
				o.Transports = []transport.Transport{ws.Transport{}}
			}
			n := testkit.Figure(500, 10_000)
			if strings.HasPrefix(scheme, "zmtp") || o.Transports != nil { // the same connections, and another handshake
				n = testkit.Figure(200, 10_000)
			}
			pull := spry.NewPull(&spry.PullOptions{Options: o})
			defer pull.Close()
			e := testkit.ListenOn(t, pull, scheme)
			const warm = 50
			sent := uint64(0)
			once := func() {
				push := spry.NewPush(&spry.PushOptions{Options: o})
				_, err := push.DialWith(ctx, testkit.DialerTo(e))
				testkit.Check(t, err)
				testkit.Check(t, push.Send(ctx, []byte("one")))
				if body, err := pull.Recv(ctx); err != nil || string(body) != "one" {
					t.Fatalf("received %q, %v", body, err)
				}
				testkit.Check(t, push.Close())
				st := push.Stats()
				if why := testkit.Unbalanced(st); why != "" || st.Send.Sent != 1 || st.Send.Offered != 1 {
					t.Fatalf("the figures of a sender of one message: %s, %+v", why, st.Send)
				}
				sent += st.Send.Sent
			}
			for range warm {
				once()
			}
			before, goroutines := settledHeap(t, func() bool { return true }), runtime.NumGoroutine()
			for range n {
				once()
			}
			testkit.Eventually(t, "the connections and their goroutines have ended", func() bool {
				return runtime.NumGoroutine() <= goroutines && len(slices.Collect(pull.Pipes())) == 0
			})
			var after uint64
			grown := func() int64 { return int64(after) - int64(before) }
			after = settledHeap(t, func() bool { after = testkit.Heap(); return grown() <= churnRoom })
			st := pull.Stats()
			if why := testkit.Unbalanced(st); why != "" || st.Recv.Delivered != sent || st.Recv.Delivered != uint64(n+warm) || len(st.Rejected) > 0 {
				t.Errorf("after %d connections: %s, sent %d, delivered %d, rejected %v", n+warm, why, sent, st.Recv.Delivered, st.Rejected)
			}
			t.Logf("T01 %s: %d connections, %d goroutines before and %d after, heap %+d KiB", scheme, n, goroutines, runtime.NumGoroutine(), grown()>>10)
		})
	}
}

// settledHeap waits until ok holds of the heap, which what ended last may still be on, and returns its size.
func settledHeap(t testing.TB, ok func() bool) uint64 {
	t.Helper()
	testkit.Eventually(t, "the heap is as small as before", ok)
	return testkit.Heap()
}
