// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// The load-balancing broker of ZeroMQ's guide, line by line: Reqs are clients and workers of two Routers, and the broker expects
// nothing before the empty frame of what a worker sends.
func TestLoadBalancingBroker(t *testing.T) {
	overTwoWires(t, func(t *testing.T, scheme string) {
		const clients, workers, requests = 5, 3, 20
		ctx := testkit.Watchdog(t)
		front, back := zmq.NewRouter(nil), zmq.NewRouter(nil)
		in, out := testkit.ListenOn(t, front, scheme), testkit.ListenOn(t, back, scheme)
		ending, end := context.WithCancel(ctx)
		var working, asking sync.WaitGroup
		working.Go(func() {
			defer end()
			if err := loadBalance(ending, front, back); !errors.Is(err, context.Canceled) {
				t.Errorf("the broker ended with %v", err)
			}
		})
		for range workers {
			worker := zmq.NewReq(nil)
			testkit.DialTo(t, worker, out)
			working.Go(func() {
				defer worker.Close()
				task, err := worker.Do(ending, []byte("READY"))
				for ; err == nil; task, err = worker.Do(ending, task[0], nil, []byte("OK "+string(task[2]))) {
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("a worker ended with %v", err)
				}
			})
		}
		for c := range clients {
			client := zmq.NewReq(nil)
			testkit.DialTo(t, client, in)
			asking.Go(func() {
				defer client.Close()
				for r := range requests {
					body := fmt.Sprintf("%d of client %d", r, c)
					reply, err := client.Do(ending, []byte(body))
					if err != nil || text(reply) != text(raw("OK "+body)) {
						t.Errorf("%s was answered by %s, %v", body, text(reply), err)
						return
					}
				}
			})
		}
		asking.Wait()
		end()
		working.Wait()
		testkit.Shut(t, front, back)
	})
}

// loadBalance gives the requests at front to the workers at back that are ready, until ctx ends.
func loadBalance(ctx context.Context, front, back *zmq.Router) error {
	ready := make(chan []byte, 100)
	ctx, cancel := context.WithCancelCause(ctx)
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		for {
			msg, err := back.Recv(ctx) // [worker "" "READY"] or [worker "" client "" reply]
			if err == nil {
				ready <- msg[0]
				if string(msg[2]) != "READY" {
					err = front.Send(ctx, msg[2:]...)
				}
			}
			if err != nil {
				cancel(err)
				return
			}
		}
	})
	for {
		msg, err := front.Recv(ctx) // [client "" request]
		if err != nil {
			return context.Cause(ctx)
		}
		select {
		case worker := <-ready:
			if err := back.Send(ctx, append([][]byte{worker, nil}, msg...)...); err != nil {
				cancel(err)
			}
		case <-ctx.Done():
		}
	}
}

// A worker may wait for its next task as long as it takes: its request is not sent again, and its connection lives.
func TestReqWaitsWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := zmq.Options{Network: spry.NewNetwork()}
		worker, router := zmq.NewReq(&zmq.ReqOptions{Options: options}), zmq.NewRouter(&zmq.RouterOptions{Options: options})
		_, err := router.Listen(t.Context(), "inproc://tasks")
		testkit.Check(t, err)
		_, err = worker.Dial(t.Context(), "inproc://tasks")
		testkit.Check(t, err)
		tasks := make(chan [][]byte)
		go func() {
			task, err := worker.Do(context.Background(), []byte("READY"))
			testkit.Check(t, err)
			tasks <- task
		}()
		first, err := router.Recv(t.Context())
		testkit.Check(t, err)
		time.Sleep(24 * time.Hour)
		testkit.Check(t, router.Send(t.Context(), first[0], nil, []byte("task")))
		is(t, <-tasks, "task")
		quiet(t, router)
		if st := worker.Stats().Send; st.Sent != 1 {
			t.Errorf("the request was sent %d times", st.Sent)
		}
		testkit.Check(t, worker.Close())
		testkit.Check(t, router.Close())
	})
}
