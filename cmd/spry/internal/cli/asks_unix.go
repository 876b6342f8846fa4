// SPDX-License-Identifier: MIT

//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// asks receives a value when the user asks for counters, with SIGUSR1, until stop.
func asks() (_ <-chan os.Signal, stop func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	return asked, func() { signal.Stop(asked) }
}

// reloads receives a value when the user asks to read a file again, with SIGHUP, until stop.
func reloads() (_ <-chan os.Signal, stop func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	return asked, func() { signal.Stop(asked) }
}
