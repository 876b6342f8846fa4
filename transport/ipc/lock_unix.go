// SPDX-License-Identifier: MIT

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ipc

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lockDir takes the advisory lock of a directory, which leaves no file behind, and returns what gives it
// back. It is a best effort: a directory that cannot be opened, or that a foreign program keeps locked, is
// used without.
func lockDir(ctx context.Context, dir string) (unlock func()) {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	f, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		if sleep(ctx, 5*time.Millisecond) != nil {
			break
		}
	}
	return func() { _ = f.Close() } // which also unlocks
}
