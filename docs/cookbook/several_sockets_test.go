// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sprymq/spry"
)

func Example_severalSockets() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	jobs, control := spry.NewPull(nil), spry.NewRep(nil)
	defer jobs.Close()
	defer control.Close()
	jobsAt, err := jobs.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	controlAt, err := control.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)

	ended := make(chan int)
	go func() {
		within, stop := context.WithCancel(ctx) // returns messages that nobody has taken to their queues
		defer stop()
		done, work, commands, tick := 0, jobs.Chan(within), control.Chan(within), time.Tick(time.Second)
		for {
			select {
			case m := <-work:
				done++
				m.Release()
			case m := <-commands:
				r := m.Request()
				if string(r.Bytes()) == "stop" {
					_ = r.Reply(ctx, []byte("stopping"))
					ended <- done
					return
				}
				_ = r.Reply(ctx, fmt.Append(nil, done))
			case <-tick: // as other work of the program
			case <-ctx.Done():
				return
			}
		}
	}()

	push, req := spry.NewPush(nil), spry.NewReq(nil)
	defer push.Close()
	defer req.Close()
	_, err = push.Dial(ctx, jobsAt.URL())
	check(err)
	_, err = req.Dial(ctx, controlAt.URL())
	check(err)
	for range 100 {
		check(push.Send(ctx, []byte("job")))
	}
	for done := ""; done != "100"; {
		reply, err := req.Do(ctx, []byte("how many?"))
		check(err)
		done = string(reply)
	}
	reply, err := req.Do(ctx, []byte("stop"))
	check(err)
	fmt.Printf("%s after %d jobs\n", reply, <-ended)
	// Output: stopping after 100 jobs
}
