// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"syscall"
	"testing"
)

func TestFiguresAtASignal(t *testing.T) {
	t.Parallel()
	proxy := start(t, nil, "proxy", "--kind", "reqrep", "--front", here, "--back", here)
	proxy.await(proxy.stderr, `(?s)listening at \S+.*listening at (\S+)`)
	if err := proxy.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	proxy.await(proxy.stderr, `(?s)front: 0 in, 0 out, 0 peers.*back: 0 in, 0 out, 0 peers()`)
	proxy.interrupt()
	proxy.expect(0, "")
}
