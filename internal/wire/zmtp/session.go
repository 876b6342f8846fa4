// SPDX-License-Identifier: MIT

package zmtp

import (
	"math"

	"github.com/sprymq/spry/internal/wire"
)

// What a session takes where its configuration says nothing.
const (
	defaultFrames = 4096
	maxLength     = 1<<60 - 1
)

func newSession(h *handshake) *wire.Session {
	settled := h.config.Hello
	settled.Alternatives = nil
	f := framing{local: h.local, minor: h.minor, legacy: h.legacy}
	d := &decoder{local: h.local, limit: min(maxLength, math.MaxInt/2), frames: defaultFrames, open: h.open}
	if h.config.MaxMessage > 0 {
		d.limit = min(d.limit, uint64(h.config.MaxMessage))
	}
	if h.config.MaxFrames > 0 {
		d.frames = h.config.MaxFrames
	}
	s := &wire.Session{
		Dialect: Dialect.Name(), Local: settled, Peer: h.peer, Metadata: h.metadata,
		Framing: f, Decoder: d, Sealed: h.seal != nil,
	}
	if h.seal != nil {
		s.Framing = &sealedFraming{framing: f, seal: h.seal}
	}
	return s
}
