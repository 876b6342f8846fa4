// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

func Example_loadBalancing() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dispatcher := spry.NewRep(nil)
	defer dispatcher.Close()
	queue, err := dispatcher.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)

	// A worker asks for a job when it is free, and brings the result of the last one along.
	work := func(speed time.Duration) {
		req := spry.NewReq(nil)
		defer req.Close()
		_, err := req.Dial(ctx, queue.URL())
		check(err)
		for result := 0; ; {
			job, err := spry.NewCaller[int, int](req).Call(ctx, result)
			check(err)
			if job == 0 {
				return
			}
			time.Sleep(speed) // the work
			result = job * job
		}
	}
	var workers sync.WaitGroup
	for _, speed := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 50 * time.Millisecond} {
		workers.Go(func() { work(speed) })
	}

	sum, next := 0, 0
	go dispatcher.Serve(ctx, 1, spry.HandleTyped(func(_ context.Context, result int) (int, error) {
		sum += result
		if next == 100 {
			return 0, nil // no more jobs
		}
		next++
		return next, nil
	}))
	workers.Wait()
	check(dispatcher.Shutdown(ctx)) // joins its worker, so sum can be read
	fmt.Println("the sum of 100 squares is", sum)
	// Output: the sum of 100 squares is 338350
}
