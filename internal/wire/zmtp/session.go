// SPDX-License-Identifier: MIT

package zmtp

import "github.com/sprymq/spry/internal/wire"

func newSession(h *handshake) *wire.Session {
	settled := h.config.Hello
	settled.Alternatives = nil
	r := newReceiver(h.config, h.local)
	f := framing{local: h.local, minor: h.minor, legacy: h.legacy}
	s := &wire.Session{
		Dialect: Dialect.Name(), Local: settled, Peer: asTwin(h.config.Hello, h.peer), Metadata: h.metadata,
		Controls: true, Frames: true,
		Framing: f, Decoder: newDecoder(r), Sealed: h.seal != nil,
	}
	if s.Sealed {
		s.Framing, s.Decoder = &sealedFraming{framing: f, seal: h.seal}, &sealedDecoder{receiver: r, open: h.open}
	}
	return s
}
