// SPDX-License-Identifier: MIT

package tools_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// servers are the tools of one test that listen, each of which meets one of Spry's sockets after the other.
type servers struct {
	t      *testing.T // which ends them
	bySize map[int]*server
}

// A server is a listening tool.
type server struct {
	process  *peer.Process
	a        kit.Address
	received int // messages, in the meetings so far
}

// meet is the function meet with a tool that listens already, if an earlier meeting has left one that is the same.
func (ss servers) meet(t *testing.T, tl tool, x exchange, transport string, size int, spry end) {
	t.Helper()
	theirs, ours := x.bodies(tl, size)
	same := -1 // those that only receive
	if x.toSpry {
		same = size
	}
	s := ss.bySize[same]
	if s == nil {
		s = &server{a: kit.NewAddress(t, transport, false)}
		s.process = tl.start(ss.t, x, s.a, kit.BodyFile(ss.t, theirs), size == 0)
		peer.WaitListening(t, s.a.URL)
	}
	delete(ss.bySize, same) // unless all goes well
	s.process.For(t)
	defer s.process.For(ss.t)
	got := spry(t, x.role(s.a), s.a, ours)()
	if x.toSpry {
		kit.Same(t, "Spry received", got, theirs)
	}
	s.received++
	kit.Same(t, tl.name+" received", s.process.WaitBodies(s.received)[s.received-1], ours)
	if !t.Failed() {
		ss.bySize[same] = s
	}
}
