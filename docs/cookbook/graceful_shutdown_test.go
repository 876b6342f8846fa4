// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

func Example_gracefulShutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	push := spry.NewPush(nil)
	jobs, err := push.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)

	// A worker counts the jobs that it has received. Its channel says when there were some.
	type worker struct {
		pull  *spry.Pull
		done  int
		began chan struct{}
	}
	var working sync.WaitGroup
	start := func() *worker {
		w := &worker{pull: spry.NewPull(nil), began: make(chan struct{})}
		_, err := w.pull.Dial(ctx, jobs.URL())
		check(err)
		working.Go(func() {
			for _, err := range w.pull.Bodies(ctx) {
				check(err)
				if w.done++; w.done == 10 {
					close(w.began)
				}
			}
		})
		return w
	}
	restarted, other := start(), start()
	check(push.WaitPipes(ctx, 2))

	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range 2000 {
			check(push.Send(ctx, fmt.Append(nil, "job ", i)))
		}
		check(push.Shutdown(ctx)) // sends what is queued, and waits for the peers
	})
	<-restarted.began
	stopped, err := restarted.pull.Drain(ctx) // in the middle of it; a program calls this on SIGTERM
	check(err)
	sending.Wait()
	rest, err := other.pull.Drain(ctx)
	check(err)
	working.Wait()
	fmt.Println("left behind:", stopped.Left+rest.Left, "received:", restarted.done+other.done)
	// Output: left behind: 0 received: 2000
}
