// SPDX-License-Identifier: MIT

package zmtp

import "github.com/sprymq/spry/internal/wire"

func newSession(h *handshake) *wire.Session {
	r := newReceiver(h.config, h.local)
	f := framing{local: h.local, minor: h.minor, legacy: h.legacy}
	s := &wire.Session{
		Dialect: Dialect.Name(), Local: h.config.Hello, Peer: asCounterpart(h.config.Hello, h.peer), PeerName: NameOf(h.peer),
		Metadata: h.metadata,
		Framing:  f, Multipart: f, Commander: f, Decoder: newDecoder(r), Sealed: h.seal != nil,
	}
	if s.Sealed {
		sealed := &sealedFraming{framing: f, seal: h.seal}
		s.Framing, s.Multipart, s.Commander, s.Decoder = sealed, sealed, sealed, &sealedDecoder{receiver: r, open: h.open}
	}
	return s
}
