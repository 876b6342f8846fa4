// SPDX-License-Identifier: MIT

package tcp_test

import (
	"context"
	"fmt"

	"github.com/sprymq/spry"
)

// All sockets have the transport, unless their options name others.
func Example() {
	ctx := context.Background()
	pull, push := spry.NewPull(nil), spry.NewPush(nil)
	defer pull.Close()
	defer push.Close()

	at, err := pull.Listen(ctx, "tcp://127.0.0.1:0") // a free port
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := push.Dial(ctx, at.URL()); err != nil {
		fmt.Println(err)
		return
	}
	if err := push.Send(ctx, []byte("a job")); err != nil {
		fmt.Println(err)
		return
	}
	job, err := pull.Recv(ctx)
	fmt.Println(string(job), err)
	// Output: a job <nil>
}
