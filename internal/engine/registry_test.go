// SPDX-License-Identifier: MIT

package engine_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/testkit"
)

func listed(id uint64) bool {
	return slices.ContainsFunc(engine.Sockets(), func(s *engine.Socket) bool { return s.ID() == id })
}

// The list of sockets does not keep one that the program has forgotten.
func TestForgottenSocketsAreNotListed(t *testing.T) {
	id := spry.NewPair(nil).ID()
	testkit.Eventually(t, "the socket has left the list", func() bool {
		runtime.GC()
		return !listed(id)
	})
}

func TestClosedSocketsAreNotListed(t *testing.T) {
	s := spry.NewPair(nil)
	if !listed(s.ID()) {
		t.Error("a new socket is not listed")
	}
	testkit.Check(t, s.Close())
	if listed(s.ID()) {
		t.Error("a closed socket is listed")
	}
}
