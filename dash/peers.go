// SPDX-License-Identifier: MIT

package dash

import (
	"cmp"
	"net/netip"
	"path/filepath"
	"slices"
)

// A peerHint is what a pipe knows of its other end.
type peerHint struct {
	listening bool
	pid       int
	socket    uint64
	pipe      uint32
}

// A link is what both ends of a connection know of it.
type link struct {
	host   string // of both, if the addresses mean something on this machine only
	a, b   string // addresses, or one path
	pa, pb int    // processes: the one that dialed and the one that listens
}

// An end is one end of a connection.
type end struct {
	pipe *pipeView
	ref  pipeRef
}

// resolvePeers finds the other end of each pipe of processes that answer. Connections of the same two processes
// over one path are paired in their order. If one end is not known, or another process claims it, there is no peer.
func resolvePeers(views []*nodeView) {
	links := make(map[link]*[2][]end)
	for _, n := range views {
		if n.State != up {
			continue
		}
		within := make(map[pipeRef]bool)
		for i := range n.Sockets {
			for j := range n.Sockets[i].Pipes {
				within[pipeRef{n.Instance, n.Sockets[i].ID, n.Sockets[i].Pipes[j].ID}] = true
			}
		}
		for i := range n.Sockets {
			for j := range n.Sockets[i].Pipes {
				p := &n.Sockets[i].Pipes[j]
				if other := (pipeRef{n.Instance, p.peer.socket, p.peer.pipe}); p.peer.socket != 0 && within[other] {
					p.Peer = &other
					continue
				}
				if l, side, ok := linkOf(n, p); ok {
					if links[l] == nil {
						links[l] = new([2][]end)
					}
					links[l][side] = append(links[l][side], end{p, pipeRef{n.Instance, n.Sockets[i].ID, p.ID}})
				}
			}
		}
	}
	for _, ends := range links {
		join(ends[0], ends[1])
	}
}

// join makes the ends of connections each other's peers.
func join(a, b []end) {
	if len(a) != len(b) {
		return
	}
	older := func(x, y end) int {
		return cmp.Or(x.pipe.Since.Compare(y.pipe.Since), cmp.Compare(x.ref.Pipe, y.ref.Pipe))
	}
	slices.SortFunc(a, older)
	slices.SortFunc(b, older)
	for i := range a {
		a[i].pipe.Peer, b[i].pipe.Peer = &b[i].ref, &a[i].ref
	}
}

// linkOf is the connection of a pipe, and which of its ends that is.
func linkOf(n *nodeView, p *pipeView) (l link, side int, ok bool) {
	local, err1 := netip.ParseAddrPort(p.Local)
	remote, err2 := netip.ParseAddrPort(p.Remote)
	if err1 == nil && err2 == nil {
		if local == remote {
			return l, 0, false
		}
		if local.Addr().IsLoopback() || remote.Addr().IsLoopback() {
			l.host = n.Host
		}
		l.a, l.b = p.Local, p.Remote
		if l.a > l.b {
			l.a, l.b, side = l.b, l.a, 1
		}
		return l, side, true
	}
	if p.peer.pid <= 0 {
		return l, 0, false
	}
	l.host, l.a, l.pa, l.pb = n.Host, p.Remote, n.PID, p.peer.pid
	if p.peer.listening {
		l.a, l.pa, l.pb, side = p.Local, p.peer.pid, n.PID, 1
	}
	l.a = filepath.Base(l.a) // each process may name the file in its own way
	return l, side, true
}
