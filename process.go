// SPDX-License-Identifier: MIT

package spry

import (
	"crypto/rand"
	"iter"
	"strings"
	"sync"

	"github.com/sprymq/spry/internal/engine"
)

// Sockets yields the open sockets of the process, those of package zmq included, in the order in which they were made. Those with
// Options.Unlisted are left out. A socket that a loop has may be closed meanwhile. It is for statistics: see package observe.
func Sockets() iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		for _, core := range engine.Sockets() {
			if !yield(&Socket{core}) {
				return
			}
		}
	}
}

var instance = sync.OnceValue(func() string { return strings.ToLower(rand.Text()) })

// Instance returns a random id of the process. It tells the statistics of one run of a program from those of the next.
func Instance() string { return instance() }

// ID returns the number of the socket in the process, from 1.
func (s *Socket) ID() uint64 { return s.core.ID() }

// Name returns Options.Name, or "" if the socket was not given one: Stats then has a default.
func (s *Socket) Name() string { return s.core.Options().Name }

// Protocol returns the protocol of the socket.
func (s *Socket) Protocol() Protocol { return Protocol(s.core.Pattern().Traits().Hello.Protocol) }
