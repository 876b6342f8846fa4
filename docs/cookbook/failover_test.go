// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry"
)

func Example_failover() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	hung, healthy := spry.NewRep(nil), spry.NewRep(nil)
	defer hung.Close() // it takes requests and never replies
	defer healthy.Close()
	first, err := hung.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	second, err := healthy.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	go healthy.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		_ = r.Reply(ctx, []byte("42"))
	}))

	// After 50 ms without a reply, a request goes to the next server.
	req := spry.NewReq(&spry.ReqOptions{Retry: 50 * time.Millisecond})
	defer req.Close()
	for _, url := range []string{first.URL(), second.URL(), "tcp://127.0.0.1:9"} { // the last is not there
		_, err := req.Connect(url)
		check(err)
	}
	check(req.WaitPipes(ctx, 2))
	for range 4 {
		asking, cancel := context.WithTimeout(ctx, 20*time.Second)
		reply, err := req.Do(asking, []byte("the answer?"))
		cancel()
		check(err)
		fmt.Printf("%s\n", reply)
	}

	// With no server left, FailFast fails at once, and other calls at their deadline.
	alone := spry.NewReq(&spry.ReqOptions{FailFast: true})
	defer alone.Close()
	_, err = alone.Connect("tcp://127.0.0.1:9")
	check(err)
	_, err = alone.Do(ctx, []byte("the answer?"))
	fmt.Println("no server:", errors.Is(err, spry.ErrNoPeer))
	// Output:
	// 42
	// 42
	// 42
	// 42
	// no server: true
}
