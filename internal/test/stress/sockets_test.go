// SPDX-License-Identifier: MIT

package stress_test

import (
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// deadAddresses are places where nobody listens, for each transport.
func deadAddresses(t *testing.T) map[string]string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	host := l.Addr().String()
	testkit.Check(t, l.Close())
	return map[string]string{
		"inproc": fmt.Sprintf("inproc://nobody-%d", testkit.Fresh()), "ipc": "ipc://" + filepath.Join(t.TempDir(), "none"),
		"tcp": "tcp://" + host, "tls+tcp": "tls+tcp://" + host, "zmtp+tcp": "zmtp+tcp://" + host,
	}
}

// T02: a socket is opened, dials where nobody is, and is closed, before its first attempt or after it: nothing is left.
func TestSocketsLeaveNothing(t *testing.T) {
	for scheme, url := range deadAddresses(t) {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			n := testkit.Figure(1000, 100_000)
			waitedFor := scheme == "inproc" // a name is no address: it may come
			tried := 0
			once := func(i int) {
				req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Backoff: spry.Backoff{Min: time.Millisecond}}})
				events := req.Events(ctx)
				e, err := req.DialWith(ctx, &spry.DialConfig{URL: url, Background: true})
				testkit.Check(t, err)
				if i%8 == 0 { // some wait for the attempt
					for ev := range events {
						if ev.Kind == spry.EventBackoff || waitedFor && ev.Kind == spry.EventDialing {
							break
						}
					}
					if e.Err() == nil && !waitedFor {
						t.Fatalf("nobody is at %s, and the endpoint says nothing of that", url)
					}
					tried++
				}
				testkit.Check(t, req.Close())
			}
			for i := range 64 {
				once(i)
			}
			before, goroutines := testkit.Heap(), runtime.NumGoroutine()
			for i := range n {
				once(i)
			}
			var grown int64
			testkit.Eventually(t, "all that the sockets had is gone", func() bool {
				grown = int64(testkit.Heap()) - int64(before)
				return runtime.NumGoroutine() <= goroutines && grown <= churnRoom
			})
			t.Logf("T02 %s: %d sockets, %d of which got to their first attempt, heap %+d KiB", scheme, n+64, tried, grown>>10)
		})
	}
}
