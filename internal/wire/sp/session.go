// SPDX-License-Identifier: MIT

package sp

import (
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Session begins a session on a link of whole messages. It fails if nothing local talks to the peer.
func (dialect) Session(c wire.Config, peer transport.Hello) (*wire.Session, error) {
	settled, ok := settle(c, peer.Protocol)
	if !ok {
		return nil, mismatch(c, peer.Protocol)
	}
	s, _ := newSession(c, settled, peer.Protocol)
	return s, nil
}

// Join is the sessions of two sockets of one process.
func (d dialect) Join(dialing, listening wire.Config) (forDialing, forListening *wire.Session, err error) {
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
	known, _ := Lookup(peer)
	s := &wire.Session{Dialect: Dialect.Name(), Local: settled, Peer: peer, PeerName: known.Name}
	split := newSplitter(settled.Protocol, c.TTL)
	if split.envelope != wire.EnvelopeNone {
		s.Splitter = &split
	}
	return s, split
}

// newStreamSession makes a session with framing, or returns the previous one, if that is equal.
func newStreamSession(c wire.Config, settled transport.Hello, peer uint16) *wire.Session {
	if p := c.Previous; p != nil && p.Stateless && p.Dialect == Dialect.Name() && p.Local == settled && p.Peer == peer && p.Framing == Framing(c.Framing) {
		return p
	}
	s, split := newSession(c, settled, peer)
	s.Stateless = true
	s.Framing = Framing(c.Framing)
	s.Decoder = newDecoder(c, split)
	return s
}

// adapts reports whether the local end may become another protocol to suit its peer. A dialing end cannot: it has sent its
// protocol before it receives the peer's.
func adapts(c wire.Config) bool { return c.Listening && len(c.Alternatives) > 0 }

// settle returns which of the local protocols talks to peer, or local itself and false.
func settle(c wire.Config, peer uint16) (transport.Hello, bool) {
	if c.Hello.Peer == peer {
		return c.Hello, true
	}
	if adapts(c) {
		for _, a := range c.Alternatives {
			if a.Peer == peer {
				return a, true
			}
		}
	}
	return c.Hello, false
}

// mismatch says why nothing local talks to peer.
func mismatch(c wire.Config, peer uint16) error {
	local := c.Hello
	expected := local.PeerName
	if adapts(c) {
		for _, a := range c.Alternatives {
			expected += " or " + a.PeerName
		}
	}
	p, known := Lookup(peer)
	if !known {
		return wire.Errorf(reasons.UnknownProtocol,
			"peer speaks protocol 0x%04x, which does not exist, and this %s socket talks to %s: check the address",
			peer, local.Name, expected)
	}
	return wire.Errorf(reasons.RoleMismatch,
		"peer is a %s socket (0x%02x) and this %s socket (0x%02x) talks to %s: connect it to that, or open a %s socket here",
		p.Name, p.Number, local.Name, local.Protocol, expected, p.PeerName)
}
