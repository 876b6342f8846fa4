// SPDX-License-Identifier: MIT

package gateway_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
)

// A cutter passes connections on, and cuts each of them after a random number of bytes of the answer, up to a number of cuts.
type cutter struct {
	at, to string
	left   atomic.Int64
}

func newCutter(t *testing.T, to string, cuts int) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	x := &cutter{at: l.Addr().String(), to: to}
	x.left.Store(int64(cuts))
	var working sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	keep := func(c net.Conn) net.Conn {
		mu.Lock()
		defer mu.Unlock()
		open[c] = true
		return c
	}
	working.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			keep(c)
			working.Go(func() { x.pass(c, keep) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		working.Wait()
	})
	return x
}

// remain is how many cuts are to come.
func (x *cutter) remain() int { return int(x.left.Load()) }

func (x *cutter) pass(near net.Conn, keep func(net.Conn) net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", x.to)
	if err != nil {
		return
	}
	keep(far)
	defer far.Close()
	var sending sync.WaitGroup
	sending.Go(func() { _, _ = io.Copy(far, near); _ = far.(*net.TCPConn).CloseWrite() })
	defer sending.Wait()
	defer near.Close()
	if x.remain() <= 0 {
		_, _ = io.Copy(near, far)
		return
	}
	// Every third time within the headers or the first events, which come at once; otherwise later.
	after := int64(rand.IntN(600))
	if rand.IntN(3) > 0 {
		after = int64(rand.IntN(10_000))
	}
	if _, err := io.CopyN(near, far, after); err != nil {
		return
	}
	x.left.Add(-1)
	if rand.IntN(2) == 0 {
		_ = near.(*net.TCPConn).SetLinger(0) // by a reset
	}
}
