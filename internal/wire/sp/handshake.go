// SPDX-License-Identifier: MIT

package sp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// A handshake exchanges headers. It stores the peer's bytes that have arrived, so Step always consumes its input.
type handshake struct {
	config   wire.Config
	received [HeaderLen]byte
	have     int
	sent     bool
	reply    [HeaderLen]byte
}

// Step implements [wire.Handshake].
//
// The dialing end writes its header at once. The listening end writes its own as soon as it knows which. If it has one
// protocol, that is after 00 53 50, because some peers send no more before they are answered. If it has alternatives, it is
// after the peer's protocol number. Both check the bytes in order as they arrive, so that the result does not depend on how
// the header was split.
//
// With an error, out may still have the local header, so that the peer can report the mismatch too.
func (h *handshake) Step(in []byte) (n int, out []byte, s *wire.Session, err error) {
	n = copy(h.received[h.have:], in)
	h.have += n
	header := h.received[:h.have]

	local := h.config.Hello
	if !h.config.Listening {
		out = h.answer(out, local)
	}
	if err := checkMagic(header, h.config.Listening); err != nil {
		return n, out, nil, err
	}
	adaptive := adapts(h.config)
	if len(header) >= len(magic) && !adaptive {
		out = h.answer(out, local)
	}
	if err := checkVersion(header); err != nil {
		return n, out, nil, err
	}
	if len(header) < 6 {
		return n, out, nil, nil
	}
	peer := binary.BigEndian.Uint16(header[4:6])
	settled, ok := settle(h.config, peer)
	out = h.answer(out, settled)
	if !ok {
		return n, out, nil, mismatch(h.config, peer)
	}
	if err := checkReserved(header); err != nil {
		return n, out, nil, err
	}
	if len(header) < HeaderLen {
		return n, out, nil, nil
	}
	return n, out, newStreamSession(h.config, settled, peer), nil
}

// answer returns the local header, the first time that it is called, and else out.
func (h *handshake) answer(out []byte, local transport.Hello) []byte {
	if h.sent {
		return out
	}
	h.sent = true
	return AppendHeader(h.reply[:0], local.Protocol)
}

// Suspicion implements [wire.Suspect].
func (h *handshake) Suspicion() string {
	if h.have > 0 || h.config.Listening {
		return ""
	}
	return "it may speak another dialect (a ZeroMQ peer is dialed by zmtp+tcp://), expect TLS (tls+tcp://), or be something else: check the port"
}
