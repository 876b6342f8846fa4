// SPDX-License-Identifier: MIT

package sp

import (
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// The numbers of the protocols. The upper twelve bits name a family and the lower four a role in it.
const (
	Pair0      uint16 = 0x10
	Pair1      uint16 = 0x11
	Pub        uint16 = 0x20
	Sub        uint16 = 0x21
	Req        uint16 = 0x30
	Rep        uint16 = 0x31
	Push       uint16 = 0x50
	Pull       uint16 = 0x51
	Surveyor   uint16 = 0x62
	Respondent uint16 = 0x63
	Bus        uint16 = 0x70
)

// A Protocol is one role of a pattern: the type of a socket on the wire.
type Protocol struct {
	Number   uint16        // sent in the handshake
	Peer     uint16        // the number of the protocol that it talks to
	Name     string        // short name, also used in WebSocket subprotocols
	PeerName string        // short name of Peer
	Envelope wire.Envelope // the routing header before each body
}

var protocols = [...]Protocol{
	{Pair0, Pair0, "pair", "pair", wire.EnvelopeNone},
	{Pair1, Pair1, "pair1", "pair1", wire.EnvelopeHops},
	{Pub, Sub, "pub", "sub", wire.EnvelopeNone},
	{Sub, Pub, "sub", "pub", wire.EnvelopeNone},
	{Req, Rep, "req", "rep", wire.EnvelopeBacktrace},
	{Rep, Req, "rep", "req", wire.EnvelopeBacktrace},
	{Push, Pull, "push", "pull", wire.EnvelopeNone},
	{Pull, Push, "pull", "push", wire.EnvelopeNone},
	{Surveyor, Respondent, "surveyor", "respondent", wire.EnvelopeBacktrace},
	{Respondent, Surveyor, "respondent", "surveyor", wire.EnvelopeBacktrace},
	{Bus, Bus, "bus", "bus", wire.EnvelopeNone},
}

// Lookup returns the protocol with this number.
func Lookup(number uint16) (Protocol, bool) {
	for _, p := range protocols {
		if p.Number == number {
			return p, true
		}
	}
	return Protocol{}, false
}

// Hello is how a socket of this protocol introduces itself.
func (p Protocol) Hello() transport.Hello {
	return transport.Hello{Protocol: p.Number, Peer: p.Peer, Name: p.Name, PeerName: p.PeerName}
}
