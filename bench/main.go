// SPDX-License-Identifier: MIT

// Command bench measures Spry and other libraries with the same work, in one run that takes them in turn. Run it from the
// root of the repository; see go run ./bench -h.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/sprymq/spry/bench/internal/peers"
	"github.com/sprymq/spry/bench/internal/run"
	"github.com/sprymq/spry/bench/internal/worker"
)

// The workers that drive libraries in C, which are compiled where they are needed.
//
//go:embed c
var cSources embed.FS

// exitUnfinished is the exit status of a run that has more to do than its -limit allowed.
const exitUnfinished = 2

func main() {
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		peer, known := peers.All()[os.Args[2]]
		if !known {
			fmt.Fprintf(os.Stderr, "no peer %s in this program\n", os.Args[2])
			os.Exit(worker.ExitFailed)
		}
		os.Exit(worker.Main(peer, os.Args[3:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run.Main(ctx, os.Args[1:], cSources, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		if errors.Is(err, run.ErrUnfinished) {
			os.Exit(exitUnfinished)
		}
		os.Exit(1)
	}
}
