// SPDX-License-Identifier: MIT

package zmtp

import (
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A Socket is a ZeroMQ socket type. The numbers are those of ZMTP 2.0 and libzmq.
type Socket uint8

// The socket types.
const (
	Pair    Socket = 0
	Pub     Socket = 1
	Sub     Socket = 2
	Req     Socket = 3
	Rep     Socket = 4
	Dealer  Socket = 5
	Router  Socket = 6
	Pull    Socket = 7
	Push    Socket = 8
	XPub    Socket = 9
	XSub    Socket = 10
	Server  Socket = 12
	Client  Socket = 13
	Radio   Socket = 14
	Dish    Socket = 15
	Gather  Socket = 16
	Scatter Socket = 17
	Peer    Socket = 19
	Channel Socket = 20
)

// lastInV2 is the highest socket type that ZMTP 2.0 has a number for.
const lastInV2 = XSub

type socketType struct {
	name  string
	peers []Socket
}

var socketTypes = map[Socket]socketType{
	Pair:    {"PAIR", []Socket{Pair}},
	Pub:     {"PUB", []Socket{Sub, XSub}},
	Sub:     {"SUB", []Socket{Pub, XPub}},
	Req:     {"REQ", []Socket{Rep, Router}},
	Rep:     {"REP", []Socket{Req, Dealer}},
	Dealer:  {"DEALER", []Socket{Rep, Dealer, Router}},
	Router:  {"ROUTER", []Socket{Req, Dealer, Router}},
	Pull:    {"PULL", []Socket{Push}},
	Push:    {"PUSH", []Socket{Pull}},
	XPub:    {"XPUB", []Socket{Sub, XSub}},
	XSub:    {"XSUB", []Socket{Pub, XPub}},
	Server:  {"SERVER", []Socket{Client}},
	Client:  {"CLIENT", []Socket{Server}},
	Radio:   {"RADIO", []Socket{Dish}},
	Dish:    {"DISH", []Socket{Radio}},
	Gather:  {"GATHER", []Socket{Scatter}},
	Scatter: {"SCATTER", []Socket{Gather}},
	Peer:    {"PEER", []Socket{Peer}},
	Channel: {"CHANNEL", []Socket{Channel}},
}

// ownNumbers is where the protocol numbers of ZeroMQ's sockets begin; no SP protocol is there.
const ownNumbers uint16 = 0x7a00

// Number is the protocol number of the socket type in [transport.Hello] and [wire.Session].
func (s Socket) Number() uint16 { return ownNumbers | uint16(s) }

// Name is the name on the wire: "DEALER".
func (s Socket) Name() string { return socketTypes[s].name }

// TalksTo reports whether the two types may be connected.
func (s Socket) TalksTo(peer Socket) bool { return slices.Contains(socketTypes[s].peers, peer) }

// Hello is how a socket of this type introduces itself.
func (s Socket) Hello() transport.Hello {
	first := socketTypes[s].peers[0]
	return transport.Hello{
		Protocol: s.Number(), Peer: first.Number(),
		Name: strings.ToLower(s.Name()), PeerName: strings.ToLower(first.Name()),
	}
}

// LookupSocket returns the socket type with this name on the wire.
func LookupSocket(name string) (Socket, bool) {
	for s, t := range socketTypes {
		if t.name == name {
			return s, true
		}
	}
	return 0, false
}

// counterparts are the ZeroMQ socket types of SP's protocols.
var counterparts = map[uint16]Socket{
	sp.Pair0: Pair, sp.Pair1: Pair, sp.Pub: Pub, sp.Sub: Sub, sp.Req: Req, sp.Rep: Rep, sp.Push: Push, sp.Pull: Pull,
}

// socketOf returns the ZeroMQ type of a local socket.
func socketOf(h transport.Hello) (Socket, error) {
	if s := Socket(h.Protocol); h.Protocol&0xff00 == ownNumbers && socketTypes[s].name != "" {
		return s, nil
	}
	if s, ok := counterparts[h.Protocol]; ok {
		return s, nil
	}
	return 0, wire.Errorf(reasons.UnknownProtocol,
		"peer speaks ZeroMQ, which has no counterpart of a %s socket: connect it to another socket", h.Name)
}

// asCounterpart returns the number of a peer as a local socket of SP's protocols knows it: that of the protocol it talks to,
// if the peer is that one's counterpart.
func asCounterpart(local transport.Hello, peer uint16) uint16 {
	if s, ok := counterparts[local.Peer]; ok && s.Number() == peer {
		return local.Peer
	}
	return peer
}

// NameOf is the name of a socket type by its protocol number: "router". It is empty if there is none.
func NameOf(number uint16) string {
	if number&0xff00 != ownNumbers {
		return ""
	}
	return strings.ToLower(Socket(number).Name())
}

// checkPeer says why two socket types do not fit.
func checkPeer(local, peer Socket) error {
	if local.TalksTo(peer) {
		return nil
	}
	names := make([]string, 0, 3)
	for _, p := range socketTypes[local].peers {
		names = append(names, p.Name())
	}
	return wire.Errorf(reasons.RoleMismatch, "peer is a %s socket and this %s socket talks to %s: connect it to that",
		peer.Name(), local.Name(), strings.Join(names, " or "))
}
