// SPDX-License-Identifier: MIT

package sp

import (
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Session begins a session on a link of whole messages. It fails if nothing local talks to the peer.
func (dialect) Session(c wire.Config, peer transport.Hello) (*wire.Session, error) {
	adaptive := adapts(c)
	settled, ok := settle(c.Hello, peer.Protocol, adaptive)
	if !ok {
		return nil, mismatch(c.Hello, peer.Protocol, adaptive)
	}
	s, _ := newSession(c, settled, peer.Protocol)
	return s, nil
}

// Join is the sessions of two sockets of one process.
func (d dialect) Join(dialing, listening wire.Config) (forDialing, forListening *wire.Session, err error) {
	dialing.Hello.Alternatives = nil
	if forListening, err = d.Session(listening, dialing.Hello); err != nil {
		return nil, nil, err
	}
	forDialing, err = d.Session(dialing, forListening.Local)
	return forDialing, forListening, err
}

// Secures reports whether there is nothing to secure: these protocols leave that to the transport.
func (dialect) Secures(s wire.Security) bool { return s == nil }

// newSession makes a session of two ends that know each other.
func newSession(c wire.Config, settled transport.Hello, peer uint16) (*wire.Session, splitter) {
	s := &wire.Session{Dialect: Dialect.Name(), Local: settled, Peer: peer}
	split := newSplitter(settled.Protocol, c.TTL)
	if split.envelope != wire.EnvelopeNone {
		s.Splitter = &split
	}
	return s, split
}

// newStreamSession makes a session whose messages come in frames.
func newStreamSession(c wire.Config, settled transport.Hello, peer uint16) *wire.Session {
	s, split := newSession(c, settled, peer)
	s.Framing = Framing(c.Framing)
	s.Decoder = newDecoder(c, split)
	return s
}

// adapts reports whether the local end may become another protocol to suit its peer. A dialing end has
// said what it is before it hears of the peer.
func adapts(c wire.Config) bool { return c.Listening && len(c.Hello.Alternatives) > 0 }

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
