// SPDX-License-Identifier: MIT

// Command tcponly is a program that uses sockets over tcp alone: a test of the module examines what it contains.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sprymq/spry"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pull, push := spry.NewPull(nil), spry.NewPush(nil)
	defer pull.Close()
	defer push.Close()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := push.Dial(ctx, e.URL()); err != nil {
		return err
	}
	if err := push.Send(ctx, []byte("hello")); err != nil {
		return err
	}
	m, err := pull.Recv(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n", m)
	return nil
}
