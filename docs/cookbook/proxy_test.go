// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
)

func Example_proxy() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	front, err := spry.NewRaw(spry.ProtocolRep, nil) // clients connect to it
	check(err)
	defer front.Close()
	back, err := spry.NewRaw(spry.ProtocolReq, nil) // services connect to it
	check(err)
	defer back.Close()
	outside, err := front.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	inside, err := back.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	var requests, replies atomic.Int64
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- spry.Proxy(running, front, back, &spry.ProxyOptions{Tap: func(from *spry.Raw, _ *spry.Message) {
			if from == front {
				requests.Add(1)
			} else {
				replies.Add(1)
			}
		}})
	}()

	service := spry.NewRep(nil)
	defer service.Close()
	_, err = service.Dial(ctx, inside.URL())
	check(err)
	go service.Serve(ctx, 2, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		_ = r.Reply(ctx, append([]byte("hello, "), r.Bytes()...))
	}))
	for _, name := range []string{"ada", "bob"} {
		client := spry.NewReq(nil)
		defer client.Close()
		_, err := client.Dial(ctx, outside.URL())
		check(err)
		reply, err := client.Do(ctx, []byte(name))
		check(err)
		fmt.Printf("%s\n", reply)
	}
	stop()
	fmt.Println("ended by its context:", errors.Is(<-ended, context.Canceled))
	fmt.Println(requests.Load(), "requests,", replies.Load(), "replies")
	// Output:
	// hello, ada
	// hello, bob
	// ended by its context: true
	// 2 requests, 2 replies
}
