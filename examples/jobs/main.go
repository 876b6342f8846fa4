// SPDX-License-Identifier: MIT

// Command jobs is a job queue: a dispatcher hands jobs to any number of workers, which may come, go and be restarted meanwhile.
//
//	jobs -dispatch 100
//	jobs
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/sprymq/spry"
)

func main() {
	url := flag.String("url", "tcp://127.0.0.1:5555", "`address` of the queue")
	dispatching := flag.Int("dispatch", 0, "dispatch this `number` of jobs; otherwise, work")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *dispatching > 0 {
		dispatch(ctx, *url, *dispatching)
	} else {
		work(ctx, *url)
	}
}

// dispatch sends each job as a request. A job whose worker is gone goes to another; Do returns when one has done it.
func dispatch(ctx context.Context, url string, n int) {
	req := spry.NewReq(nil)
	if _, err := req.Listen(ctx, url); err != nil {
		log.Fatal(err)
	}
	var jobs sync.WaitGroup
	for first := range 8 { // jobs at once
		jobs.Go(func() {
			for job := first; job < n; job += 8 {
				result, err := req.Do(ctx, fmt.Append(nil, "job ", job))
				fmt.Printf("job %d: %s %v\n", job, result, err)
			}
		})
	}
	jobs.Wait()
}

// work does jobs until ctx ends. Then it finishes those that it has received, and the dispatcher sends it no more.
func work(ctx context.Context, url string) {
	rep := spry.NewRep(nil)
	if _, err := rep.Connect(url); err != nil {
		log.Fatal(err)
	}
	context.AfterFunc(ctx, func() { rep.Drain(context.Background()) })
	rep.Serve(context.Background(), 2, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		time.Sleep(20 * time.Millisecond) // the work
		fmt.Println(string(r.Bytes()), r.Reply(ctx, []byte("done")))
	}))
	rep.Close() // waits for Drain
}
