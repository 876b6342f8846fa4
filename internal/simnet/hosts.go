// SPDX-License-Identifier: MIT

package simnet

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/sprymq/spry/transport"
)

// firstSourcePort is the port of a host's first dial.
const firstSourcePort = 32768

// A route is one direction between two hosts.
type route struct{ from, to string }

// A path is what a route is like.
type path struct {
	faults *Faults // nil: those of the network
	held   bool
}

// A state is what holds for a direction of links.
type state struct {
	faults Faults
	held   bool
}

// pathsLocked returns what holds for a link in its two directions.
func (n *Net) pathsLocked(name linkName) (toListener, toDialer state) {
	at := func(from, to string, f Faults) state {
		s := state{faults: f, held: n.held || n.off[from] || n.off[to]}
		if p := n.routes[route{from, to}]; p != nil {
			s.held = s.held || p.held
			if p.faults != nil {
				s.faults = *p.faults
			}
		}
		return s
	}
	return at(name.from, name.to, n.toListener), at(name.to, name.from, n.toDialer)
}

// holdLocked lets every link be as silent as its routes are.
func (n *Net) holdLocked() {
	for _, l := range n.Links() {
		to, back := n.pathsLocked(l.name)
		l.Partition(ToListener, to.held)
		l.Partition(ToDialer, back.held)
	}
	n.changed.raise()
}

func (n *Net) routeLocked(from, to string) *path {
	r := route{from, to}
	if n.routes[r] == nil {
		n.routes[r] = new(path)
	}
	return n.routes[r]
}

// onRouteLocked calls f with the links of a route, and its direction in them. Both is that of a host to itself.
func (n *Net) onRouteLocked(from, to string, f func(l *Link, d Direction)) {
	for _, l := range n.Links() {
		var d Direction
		if l.name.from == from && l.name.to == to {
			d |= ToListener
		}
		if l.name.from == to && l.name.to == from {
			d |= ToDialer
		}
		if d != 0 {
			f(l, d)
		}
	}
}

// SetRoute replaces the faults of one direction between two hosts, for links from either side.
func (n *Net) SetRoute(from, to string, f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routeLocked(from, to).faults = &f
	n.onRouteLocked(from, to, func(l *Link, d Direction) { l.SetFaults(d, f) })
}

// RouteFaults returns those of one direction between two hosts. Without faults of its own, it is like the way to a listener.
func (n *Net) RouteFaults(from, to string) Faults {
	n.mu.Lock()
	defer n.mu.Unlock()
	toListener, _ := n.pathsLocked(linkName{from: from, to: to})
	return toListener.faults
}

// Block partitions one direction between two hosts, or ends that.
func (n *Net) Block(from, to string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routeLocked(from, to).held = on
	n.holdLocked()
}

// PowerOff lets a host vanish: calls on its links fail, and the other ends hear nothing any more. Dials from and to it wait.
func (n *Net) PowerOff(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.off[host] = true
	n.ofHostLocked(host, (*Link).Sever)
	n.changed.raise()
}

// PowerOn brings a host back, which knows none of its earlier links: see [Link.Awake].
func (n *Net) PowerOn(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.off, host)
	n.holdLocked()
	n.ofHostLocked(host, (*Link).Awake)
}

// ofHostLocked calls f with the links of a host, and the direction that it reads.
func (n *Net) ofHostLocked(host string, f func(l *Link, d Direction)) {
	for _, l := range n.Links() {
		if l.name.to == host {
			f(l, ToListener)
		}
		if l.name.from == host {
			f(l, ToDialer)
		}
	}
}

// DialHost connects a host to an address of another. It is the number of the host's dials of that address that names the link.
func (n *Net) DialHost(ctx context.Context, from, to, address string) (*Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := from + "->" + address
	n.attempts[key]++
	link, err := n.dialLocked(ctx, transport.URL{Scheme: schemeStream, Address: address}, linkName{from: from, to: to, address: address, attempt: n.attempts[key]})
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names what it dials
	}
	return link.(*transport.Stream).Conn.(*Conn), nil
}

// ListenHost takes an address, which must be free, and returns a listener of streams.
func (n *Net) ListenHost(address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hostLocked(address)
	if h.listener != nil {
		return nil, syscall.EADDRINUSE
	}
	h.listener = &listener{net: n, url: transport.URL{Scheme: schemeStream, Address: address}, ofHost: true}
	n.changed.raise()
	return connListener{h.listener}, nil
}

// Listens reports whether anybody listens at an address.
func (n *Net) Listens(address string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hostLocked(address).listener != nil
}

// A connListener is a listener as package net has them.
type connListener struct{ *listener }

func (l connListener) Accept() (net.Conn, error) {
	link, err := l.listener.Accept()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: errors.Unwrap(err)}
	}
	return link.(*transport.Stream).Conn, nil
}

// Addr implements net.Listener.
func (l connListener) Addr() net.Addr { return addr{"tcp", l.url.Address} }
