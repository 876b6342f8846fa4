// SPDX-License-Identifier: MIT

package sp_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestRepRestarts kills and restarts a foreign server under load. Every call gets its reply, and none has to wait for
// Retry, which is a minute here: a call is sent again as soon as its pipe dies.
func TestRepRestarts(t *testing.T) {
	const (
		callers  = 8
		restarts = 4
		between  = 100 // replies between two restarts
	)
	servers := map[string]func(t *testing.T, a kit.Address) *peer.Process{
		"nngcat": func(t *testing.T, a kit.Address) *peer.Process {
			return peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--rep0", "--listen", a.URL, "--data", "yes")
		},
		"nanocat": func(t *testing.T, a kit.Address) *peer.Process {
			return peer.Start(t, peer.Find(t, "nanocat", "nanomsg-utils"), "--rep", "--bind", a.URL, "--data", "yes")
		},
	}
	for name, start := range servers {
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(name, "rep restarted under load – req", transport, "it listens"), kit.Library)
				t.Parallel()
				a := kit.NewAddress(t, transport, false)
				server := start(t, a)
				req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
				kit.Attach(t, req, a)
				var (
					answered, calls atomic.Int64
					done            = make(chan struct{})
					progress        = make(chan struct{}, 1)
					wg              sync.WaitGroup
				)
				ctx := kit.Watched(t)
				for c := range callers {
					wg.Go(func() {
						for i := 0; ; i++ {
							select {
							case <-done:
								return
							default:
							}
							calls.Add(1)
							reply, err := req.Do(ctx, fmt.Appendf(nil, "caller %d call %d", c, i))
							if err != nil || string(reply) != "yes" {
								t.Errorf("caller %d call %d: %q, %v", c, i, reply, err)
								return
							}
							if answered.Add(1)%between == 0 {
								select {
								case progress <- struct{}{}:
								default:
								}
							}
						}
					})
				}
				defer wg.Wait()
				await := func() {
					select {
					case <-progress:
					case <-ctx.Done():
						t.Fatalf("no progress after %d of %d calls", answered.Load(), calls.Load())
					}
				}
				for range restarts {
					await()
					server.Reap()
					server = start(t, a)
				}
				await()
				close(done)
				wg.Wait()
				t.Logf("%d of %d calls answered over %d restarts", answered.Load(), calls.Load(), restarts)
				if answered.Load() != calls.Load() {
					t.Errorf("%d of %d calls answered", answered.Load(), calls.Load())
				}
			})
		}
	}
}
