// SPDX-License-Identifier: MIT

package sprytest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/simnet"
)

// A Net is a simulated network of hosts. Its methods are safe for concurrent use. Changes take effect at once, on connections that
// exist and on later ones.
//
// It is harsher than TCP in one way: a cut destroys everything that was not read yet, where some systems would still deliver what
// had arrived. A partition delays bytes and does not lose them, as TCP would send them again.
type Net struct {
	sim   *simnet.Net
	seed  uint64
	begun time.Time

	mu     lock.Mutex[lock.SimHosts]
	hosts  []*Host
	names  map[string]*Host // by name and by other name
	files  int              // of wildcards
	chaos  int              // calls of Chaos
	events []string
}

// NewNet returns an empty network. A [World] has one already; others are for tests without [Run], in virtual or in real time.
func NewNet(seed uint64) *Net {
	return &Net{sim: simnet.New(seed), seed: seed, begun: time.Now(), names: map[string]*Host{}}
}

// Seed decides everything that is random in the network.
func (n *Net) Seed() uint64 { return n.seed }

// Rand returns random numbers for a purpose, which depend on the seed and the purpose alone. They are for one goroutine.
func (n *Net) Rand(purpose string) *rand.Rand { return rand.New(n.source(purpose)) }

func (n *Net) source(purpose string) *rand.PCG {
	h := fnv.New64a()
	h.Write([]byte("sprytest " + purpose)) // a hash.Hash never fails to write
	return rand.NewPCG(n.seed, h.Sum64())
}

// Host returns the host with a name, which it makes at the first call. URLs name it so: "tcp://server:5555". others are further
// names and IP addresses of it, for programs whose URLs have those. It panics if another host has one of the names.
func (n *Net) Host(name string, others ...string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.names[strings.ToLower(name)]
	if h == nil {
		h = &Host{net: n, name: name, inproc: spry.NewNetwork()}
		n.hosts = append(n.hosts, h)
	}
	for _, other := range append(others, name) {
		key := strings.ToLower(other)
		if has := n.names[key]; has != nil && has != h {
			panic(fmt.Sprintf("sprytest: %q is a name of the host %s already", other, has.name)) //nolint:forbidigo // a mistake in the test
		}
		n.names[key] = h
	}
	return h
}

// Hosts returns the hosts in the order in which they were made.
func (n *Net) Hosts() []*Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.hosts)
}

// SetFaults replaces the faults of all routes.
func (n *Net) SetFaults(f Faults) {
	n.note("faults %+v everywhere", f)
	n.sim.SetFaults(simnet.Both, f.sim())
}

// Partition lets hosts of different groups hear nothing of each other, until [Net.Heal]: bytes wait, and so do dials, until their time
// is over. Hosts in no group hear all others. Earlier partitions stay.
func (n *Net) Partition(groups ...[]*Host) {
	names := make([]string, len(groups))
	for i, group := range groups {
		names[i] = hostNames(group)
	}
	n.note("partition of %s", strings.Join(names, " from "))
	for i, group := range groups {
		for j, other := range groups {
			if i != j {
				eachPair(group, other, func(a, b *Host) { n.sim.Block(a.name, b.name, true) })
			}
		}
	}
}

func eachPair(group, other []*Host, f func(a, b *Host)) {
	for _, a := range group {
		for _, b := range other {
			f(a, b)
		}
	}
}

func hostNames(hosts []*Host) string {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.name
	}
	return strings.Join(names, ",")
}

// Heal ends all partitions and blocks. Links that are silent for ever stay so, as do hosts without power, and faults.
func (n *Net) Heal() {
	n.note("healed")
	n.sim.Partition(false)
}

// Links returns the connections that are neither cut nor closed at both ends, in order of their names.
func (n *Net) Links() (all []*Link) {
	for _, l := range n.sim.Links() {
		all = append(all, &Link{net: n, sim: l})
	}
	return all
}

// CutAll cuts every link.
func (n *Net) CutAll() {
	n.note("all links are cut")
	n.sim.CutAll()
}

// mostEvents is how many events are kept.
const mostEvents = 200

// Events returns what happened to the network, by calls and by [Net.Chaos], each with the time since its beginning: the latest 200. A
// failed run prints it.
func (n *Net) Events() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

func (n *Net) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.events) == mostEvents {
		n.events = slices.Delete(n.events, 0, 1)
	}
	n.events = append(n.events, time.Since(n.begun).String()+" "+fmt.Sprintf(format, args...))
}

// freshName is that of a file for a wildcard.
func (n *Net) freshName() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.files++
	return "spry-" + strconv.Itoa(n.files)
}

// A Route is one direction between two hosts: see [Host.To].
type Route struct{ from, to *Host }

// String is "from->to".
func (r Route) String() string { return r.from.name + "->" + r.to.name }

// SetFaults replaces the faults of the route, for connections from either side.
func (r Route) SetFaults(f Faults) {
	r.from.net.note("faults %+v on %s", f, r)
	r.from.net.sim.SetRoute(r.from.name, r.to.name, f.sim())
}

// Faults returns those that new connections have on the route.
func (r Route) Faults() Faults {
	return faultsOf(r.from.net.sim.RouteFaults(r.from.name, r.to.name))
}

// Block lets nothing arrive on the route, or ends that. Dials wait if one of the two directions is blocked.
func (r Route) Block(on bool) {
	r.from.net.note("%s is blocked: %v", r, on)
	r.from.net.sim.Block(r.from.name, r.to.name, on)
}

// A Link is one connection. Its methods never wait.
type Link struct {
	net *Net
	sim *simnet.Link
}

// String is the link's name: "client->server:5555#2" is the second connection from that host to that address. Runs with the same seed
// have links of the same names.
func (l *Link) String() string { return l.sim.String() }

// Hosts returns the host that dialed and the one that accepted.
func (l *Link) Hosts() (dialer, listener *Host) {
	from, to := l.sim.Hosts()
	return l.net.Host(from), l.net.Host(to)
}

// SetFaults replaces the faults of a direction. Bytes that are under way keep their time of arrival.
func (l *Link) SetFaults(d Direction, f Faults) {
	l.net.note("faults %+v on %s", f, l)
	l.sim.SetFaults(simnet.Direction(d), f.sim())
}

// Cut resets the link: what was not read is lost, and calls on both ends fail.
func (l *Link) Cut() {
	l.net.note("%s is cut", l)
	l.sim.Cut()
}

// Silence lets nothing arrive in a direction any more, for ever, while other links work: as if a firewall had forgotten the connection.
// The ends learn nothing of it.
func (l *Link) Silence(d Direction) {
	l.net.note("%s falls silent", l)
	l.sim.Silence(simnet.Direction(d))
}

// Traffic returns how many bytes were written in a direction and how many were read.
func (l *Link) Traffic(d Direction) (written, read int64) { return l.sim.Traffic(simnet.Direction(d)) }
