// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

func Example_workerPool() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	jobs := spry.NewReq(nil) // of the dispatcher
	defer jobs.Close()
	queue, err := jobs.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)

	// A worker takes a job, and is gone before it has replied.
	unlucky := spry.NewRep(nil)
	_, err = unlucky.Dial(ctx, queue.URL())
	check(err)
	call, err := jobs.Start(spry.WrapMessage([]byte("job 1"), nil))
	check(err)
	_, err = unlucky.Recv(ctx)
	check(err)
	_ = unlucky.Close()

	// Three workers do two jobs each at a time. A reply acknowledges a job.
	for range 3 {
		worker := spry.NewRep(nil)
		defer worker.Close()
		_, err := worker.Dial(ctx, queue.URL())
		check(err)
		go worker.Serve(ctx, 2, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			_ = r.Reply(ctx, fmt.Appendf(nil, "%s is done", r.Bytes())) // an error: the dispatcher is gone
		}))
	}
	done, err := call.Wait(ctx)
	check(err)
	fmt.Printf("%s, by another worker\n", done.Bytes())

	results := make([][]byte, 100)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			var err error
			results[i], err = jobs.Do(ctx, fmt.Append(nil, "job ", i))
			check(err)
		})
	}
	all.Wait()
	fmt.Printf("%d jobs more; the last: %s\n", len(results), results[99])
	// Output:
	// job 1 is done, by another worker
	// 100 jobs more; the last: job 99 is done
}
