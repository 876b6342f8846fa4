// SPDX-License-Identifier: MIT

package simnet

import (
	"cmp"
	"net"
	"slices"
	"strconv"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/transport"
)

// A Net is a separate network: only its own dialers find its names. It implements transport.Transport. All methods are safe
// for concurrent use. Changes of the network take effect at once, for existing links and for later ones.
type Net struct {
	seed uint64

	mu         lock.Mutex[lock.SimNet] // guards all down to pipes
	changed    signal
	options    LinkOptions
	toListener Faults
	toDialer   Faults
	held       bool
	routes     map[route]*path
	off        map[string]bool
	hosts      map[string]*host // by URL, or by address
	attempts   map[string]int   // dials, by host and address
	ports      map[string]int   // source ports that were used, by host
	pipes      int

	liveMu lock.Mutex[lock.SimLive]
	live   map[*Link]struct{}
}

// A host is what an address of the network is like, whether anybody listens there or not.
type host struct {
	listener *listener // nil: no listener
	dialers  int       // dialers made for this address
	refuses  bool
	drops    bool
}

// New returns an empty network; seed determines its random decisions.
func New(seed uint64) *Net {
	return &Net{
		seed: seed, routes: map[route]*path{}, off: map[string]bool{}, hosts: map[string]*host{}, attempts: map[string]int{}, ports: map[string]int{},
		live: map[*Link]struct{}{},
	}
}

// Pipe returns the two ends of a stream that no listener or dialer was needed for, in a network of its own.
func Pipe() (a, b *Conn) { return New(0).Pipe() }

// Pipe returns the two ends of a new stream. The first counts as the one that dialed.
func (n *Net) Pipe() (dialer, listener *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pipes++
	d, l := n.connectLocked(linkName{address: "sim://pipe", dialer: n.pipes})
	return &Conn{end: d}, &Conn{end: l}
}

// SetLinkOptions says what links made from now on are like.
func (n *Net) SetLinkOptions(o LinkOptions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.options = o
}

// SetFaults replaces the faults of a direction of every link, and those of all routes.
func (n *Net) SetFaults(d Direction, f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d&ToListener != 0 {
		n.toListener = f
	}
	if d&ToDialer != 0 {
		n.toDialer = f
	}
	for _, p := range n.routes {
		p.faults = nil
	}
	for _, l := range n.Links() {
		l.SetFaults(d, f)
	}
}

// Partition makes every link silent in both directions, or ends that, on blocked routes too; see [Link.Partition]. Dials wait
// for the end of the partition.
func (n *Net) Partition(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = on
	for _, p := range n.routes {
		p.held = false
	}
	n.holdLocked()
}

// Refuse makes dials to url fail with ECONNREFUSED, or ends that. Live links stay.
func (n *Net) Refuse(url string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hostLocked(url).refuses = on
	n.changed.raise()
}

// AcceptThenClose makes dials to url succeed with a link that the other end has closed already, or ends
// that. Its listener sees none of them.
func (n *Net) AcceptThenClose(url string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hostLocked(url).drops = on
	n.changed.raise()
}

// CutAll cuts every link.
func (n *Net) CutAll() {
	for _, l := range n.Links() {
		l.Cut()
	}
}

// Links lists the links that are neither cut nor closed at both ends, in order of their names.
func (n *Net) Links() []*Link {
	n.liveMu.Lock()
	defer n.liveMu.Unlock()
	links := make([]*Link, 0, len(n.live))
	for l := range n.live {
		links = append(links, l)
	}
	slices.SortFunc(links, func(a, b *Link) int {
		return cmp.Or(
			cmp.Compare(a.name.address, b.name.address),
			cmp.Compare(a.name.dialer, b.name.dialer),
			cmp.Compare(a.name.attempt, b.name.attempt))
	})
	return links
}

func (n *Net) forget(l *Link) {
	n.liveMu.Lock()
	defer n.liveMu.Unlock()
	delete(n.live, l)
}

func (n *Net) hostLocked(url string) *host {
	h := n.hosts[url]
	if h == nil {
		h = new(host)
		n.hosts[url] = h
	}
	return h
}

// connectLocked makes a link and returns its two ends.
func (n *Net) connectLocked(name linkName) (dialer, accepted end) {
	there, back := n.pathsLocked(name)
	l := &Link{
		name: name, net: n,
		toListener: newFlow(n.options, there.faults, there.held, n.seed, name.String()+" to listener"),
		toDialer:   newFlow(n.options, back.faults, back.held, n.seed, name.String()+" to dialer"),
	}
	n.liveMu.Lock()
	n.live[l] = struct{}{}
	n.liveMu.Unlock()

	near, far := n.addressesLocked(name)
	dialer = end{link: l, in: l.toDialer, out: l.toListener, local: near, remote: far}
	accepted = end{link: l, in: l.toListener, out: l.toDialer, local: far, remote: near}
	return dialer, accepted
}

// addressesLocked are those of the dialing and of the accepting end. The port of a host that dials is a new one.
func (n *Net) addressesLocked(name linkName) (near, far addr) {
	if name.dialer == 0 {
		port := firstSourcePort + n.ports[name.from]
		n.ports[name.from]++
		return addr{"tcp", net.JoinHostPort(name.from, strconv.Itoa(port))}, addr{"tcp", name.address}
	}
	u, _ := transport.ParseURL(name.address) // was parsed when it was dialed
	return addr{u.Scheme, name.String()}, addr{u.Scheme, u.Address}
}
