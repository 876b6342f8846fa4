// SPDX-License-Identifier: MIT

// Command spry exchanges messages with Scalability Protocols sockets. See spry --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/sprymq/spry/cmd/spry/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}
