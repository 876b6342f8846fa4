// SPDX-License-Identifier: MIT

package spry

import (
	"fmt"

	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
)

// A Protocol is a socket's role in a pattern, by its number among the Scalability Protocols.
type Protocol uint16

// The protocols. Each is that of the socket type of its name.
const (
	ProtocolPair0      = Protocol(sp.Pair0) // Pair, with PairOptions.V0 or a peer that knows no other
	ProtocolPair1      = Protocol(sp.Pair1) // Pair and PairPoly
	ProtocolPub        = Protocol(sp.Pub)
	ProtocolSub        = Protocol(sp.Sub)
	ProtocolReq        = Protocol(sp.Req)
	ProtocolRep        = Protocol(sp.Rep)
	ProtocolPush       = Protocol(sp.Push)
	ProtocolPull       = Protocol(sp.Pull)
	ProtocolSurveyor   = Protocol(sp.Surveyor)
	ProtocolRespondent = Protocol(sp.Respondent)
	ProtocolBus        = Protocol(sp.Bus)
)

// rawProtocols describe how raw sockets handle the messages of each protocol.
var rawProtocols = map[Protocol]pattern.RawProtocol{
	ProtocolPair0:      {Route: pattern.RouteBalance, Receives: true, Single: true, Reliable: true, Ordered: true},
	ProtocolPair1:      {Route: pattern.RouteBalance, Receives: true, Single: true, Reliable: true, Ordered: true},
	ProtocolPub:        {Route: pattern.RouteFan, Topics: true},
	ProtocolSub:        {Receives: true, Topics: true},
	ProtocolReq:        {Route: pattern.RouteBalance, Receives: true},
	ProtocolRep:        {Route: pattern.RouteDirected, Receives: true, Names: true},
	ProtocolPush:       {Route: pattern.RouteBalance, Reliable: true},
	ProtocolPull:       {Receives: true, Reliable: true},
	ProtocolSurveyor:   {Route: pattern.RouteFan, Receives: true},
	ProtocolRespondent: {Route: pattern.RouteDirected, Receives: true, Names: true},
	ProtocolBus:        {Route: pattern.RouteFan, Receives: true, Names: true},
}

// String is the protocol's short name: "req". A ZeroMQ peer may have a protocol that the Scalability Protocols lack:
// "router".
func (p Protocol) String() string {
	if known, ok := sp.Lookup(uint16(p)); ok {
		return known.Name
	}
	if name := zmtp.NameOf(uint16(p)); name != "" {
		return name
	}
	return fmt.Sprintf("protocol 0x%04x", uint16(p))
}

// peer is the protocol that p connects to; zero if p does not exist.
func (p Protocol) peer() Protocol {
	known, _ := sp.Lookup(uint16(p))
	return Protocol(known.Peer)
}

func (p Protocol) hello() transport.Hello {
	known, _ := sp.Lookup(uint16(p))
	return known.Hello()
}
