// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// What an accepted tcp connection allocates, and what of it an idle one keeps on the heap, beyond what those of package net do.
func TestAllocationsPerConnection(t *testing.T) {
	if testkit.Race {
		t.Log("not counted under the race detector, which allocates by itself")
		return
	}
	const connections = 400
	ctx := testkit.Watchdog(t)
	pull := spry.NewPull(nil)
	listener := testkit.ListenOn(t, pull, "tcp")
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer plain.Close()

	accepted := make([]net.Conn, 0, 2*connections)
	plainAllocs, plainKept := connectionCost(t, connections, func(kept []net.Conn) []net.Conn {
		near := dialPush(ctx, t, plain.Addr().String(), false)
		far, err := plain.Accept()
		testkit.Check(t, err)
		accepted = append(accepted, far)
		return append(kept, near)
	})
	allocs, kept := connectionCost(t, connections, func(kept []net.Conn) []net.Conn {
		kept = append(kept, dialPush(ctx, t, listener.Addr().String(), true))
		testkit.Check(t, pull.WaitPipes(ctx, len(kept)))
		return kept
	})
	t.Logf("an accepted connection makes %.1f allocations, and keeps %.0f bytes of heap; package net's %.1f and %.0f",
		allocs, kept, plainAllocs, plainKept)
	if more := allocs - plainAllocs; more > maxConnectionAllocs {
		t.Errorf("a connection makes %.1f allocations more than package net's, want at most %d", more, maxConnectionAllocs)
	}
	if more := kept - plainKept; more > maxConnectionHeap {
		t.Errorf("an idle connection keeps %.0f bytes more than package net's, want at most %d", more, maxConnectionHeap)
	}
	testkit.Check(t, pull.Close())
	for _, c := range accepted {
		_ = c.Close()
	}
}

const (
	maxConnectionAllocs = 35
	maxConnectionHeap   = 2400 // with the goroutine, and without its stack
)

// connectionCost returns the allocations and the bytes of heap that are kept for each of n connections.
func connectionCost(t *testing.T, n int, connect func(kept []net.Conn) []net.Conn) (allocs, bytes float64) {
	t.Helper()
	conns := make([]net.Conn, 0, 2*n)
	conns = connect(conns) // what is made once
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		conns = connect(conns)
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	for _, c := range conns {
		_ = c.Close()
	}
	return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
}

// dialPush connects as a Push that says nothing after its handshake.
func dialPush(ctx context.Context, t *testing.T, addr string, shake bool) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	testkit.Check(t, err)
	if shake {
		hello := [8]byte{0, 'S', 'P', 0, 0, 0x50}
		_, err = c.Write(hello[:])
		testkit.Check(t, err)
		_, err = io.ReadFull(c, hello[:])
		testkit.Check(t, err)
	}
	return c
}
