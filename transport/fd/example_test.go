// SPDX-License-Identifier: MIT

//go:build unix

package fd_test

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/fd"
)

// A service listens on each socket that systemd passed. Here it has one by another way, as a parent process would make it.
func Example() {
	ctx := context.Background()
	bound, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	number, err := passed(bound)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = unix.Close(number) }()

	o := spry.Options{Transports: []transport.Transport{fd.Transport{}}}
	pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(nil)
	defer pull.Close()
	defer push.Close()
	for _, url := range append(fd.Passed(), fmt.Sprint("fd://", number)) {
		at, err := pull.Listen(ctx, url)
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := push.Dial(ctx, at.URL()); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := push.Send(ctx, []byte("a job")); err != nil {
		fmt.Println(err)
		return
	}
	job, err := pull.Recv(ctx)
	fmt.Println(string(job), err)
	// Output: a job <nil>
}
