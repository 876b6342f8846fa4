// SPDX-License-Identifier: MIT

package sp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// A handshake exchanges headers. It keeps what has arrived of the peer's, so that Step consumes what it sees.
type handshake struct {
	config   wire.Config
	received [HeaderLen]byte
	have     int
	sent     bool
	reply    [HeaderLen]byte
}

// Step implements [wire.Handshake].
//
// The dialing end writes its header at once. The listening end writes its own as soon as it knows what to
// write: after 00 53 50 if it speaks one protocol, for some peers send no more before they are answered;
// after the peer's protocol number if it has alternatives to choose from. Both judge every byte when it
// comes, in order, so that the outcome does not depend on how the header was cut.
//
// With an error, out may still have the local header: a peer that gets it can say by itself what did not fit.
func (h *handshake) Step(in []byte) (n int, out []byte, s *wire.Session, err error) {
	n = copy(h.received[h.have:], in)
	h.have += n
	header := h.received[:h.have]

	local := h.config.Hello
	if !h.config.Listening {
		out = h.answer(out, local)
	}
	if err := checkMagic(header); err != nil {
		return n, out, nil, err
	}
	adaptive := h.config.Listening && len(local.Alternatives) > 0
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
	settled, ok := settle(local, peer, adaptive)
	out = h.answer(out, settled)
	if !ok {
		return n, out, nil, mismatch(local, peer, adaptive)
	}
	if err := checkReserved(header); err != nil {
		return n, out, nil, err
	}
	if len(header) < HeaderLen {
		return n, out, nil, nil
	}
	return n, out, newSession(h.config, settled, peer), nil
}

// answer returns the local header, the first time that it is called, and else out.
func (h *handshake) answer(out []byte, local transport.Hello) []byte {
	if h.sent {
		return out
	}
	h.sent = true
	return AppendHeader(h.reply[:0], local.Protocol)
}

// settle returns which of the local protocols talks to peer, or local itself and false.
func settle(local transport.Hello, peer uint16, adaptive bool) (transport.Hello, bool) {
	alternatives := local.Alternatives
	local.Alternatives = nil
	if local.Peer == peer {
		return local, true
	}
	if adaptive {
		for _, a := range alternatives {
			if a.Peer == peer {
				a.Alternatives = nil
				return a, true
			}
		}
	}
	return local, false
}

// mismatch says why nothing local talks to peer.
func mismatch(local transport.Hello, peer uint16, adaptive bool) error {
	expected := local.PeerName
	if adaptive {
		for _, a := range local.Alternatives {
			expected += " or " + a.PeerName
		}
	}
	p, known := Lookup(peer)
	if !known {
		return wire.Errorf(wire.ReasonProtocol,
			"peer speaks protocol 0x%04x, which does not exist, and this %s socket talks to %s: check the address",
			peer, local.Name, expected)
	}
	return wire.Errorf(wire.ReasonRole,
		"peer is a %s socket (0x%02x) and this %s socket (0x%02x) talks to %s: connect it to that, or open a %s socket here",
		p.Name, p.Number, local.Name, local.Protocol, expected, p.PeerName)
}

// newSession makes the session of two ends that know each other.
func newSession(c wire.Config, local transport.Hello, peer uint16) *wire.Session {
	return &wire.Session{
		Dialect: Dialect.Name(),
		Local:   local,
		Peer:    peer,
		Framing: Framing(c.Framing),
		Decoder: newDecoder(c, local.Protocol),
	}
}
