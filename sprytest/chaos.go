// SPDX-License-Identifier: MIT

package sprytest

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Chaos says which faults [Net.Chaos] makes.
type Chaos struct {
	// For is how long the network is in chaos, in virtual time. Defaults to a minute.
	For time.Duration

	// Every is the mean time without a fault, and Lasts the mean duration of one, both at random. They default to a second.
	Every, Lasts time.Duration

	// Kinds of faults. Defaults to all but Silences: only programs with heartbeats or timeouts notice those.
	Kinds Kind
}

// A Kind is a kind of faults that [Net.Chaos] makes, or several, joined by |.
type Kind uint8

// The kinds of faults.
const (
	Cuts       Kind = 1 << iota // a link is cut
	Partitions                  // the hosts are parted in two
	Blocks                      // one route is blocked, in one direction
	Silences                    // a link falls silent for ever, both ways
	Slowness                    // a route gets up to a second of latency and jitter
	Refusals                    // dials are refused

	usual = Cuts | Partitions | Blocks | Slowness | Refusals
)

// Chaos makes faults at random, as the seed says: one at a time, each between hosts that exist then. It returns when the time is over
// and the network is healed, also of partitions and blocks that the test made. Programs meanwhile work in their own goroutines, which the test has started,
// and so has whatever gives them work.
func (n *Net) Chaos(c Chaos) {
	if c.For == 0 {
		c.For = time.Minute
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Lasts == 0 {
		c.Lasts = time.Second
	}
	if c.Kinds == 0 {
		c.Kinds = usual
	}
	n.mu.Lock()
	n.chaos++
	t := tormentor{net: n, dice: n.Rand("chaos " + strconv.Itoa(n.chaos)), end: time.Now().Add(c.For)}
	n.mu.Unlock()
	kinds := t.kinds(c.Kinds)
	for t.sleep(c.Every) {
		if undo := kinds[t.dice.IntN(len(kinds))](); undo != nil {
			t.sleep(c.Lasts)
			undo()
		}
	}
}

// A tormentor makes faults until end.
type tormentor struct {
	net  *Net
	dice *rand.Rand
	end  time.Time
}

// sleep waits for a random time, but not beyond the end. It reports whether there is time left.
func (t *tormentor) sleep(mean time.Duration) bool {
	d := time.Duration(t.dice.ExpFloat64() * float64(mean))
	left := time.Until(t.end)
	time.Sleep(min(d, left))
	return d < left
}

// kinds returns what makes a fault of each kind. That returns what ends the fault, or nil if nothing has to be done.
func (t *tormentor) kinds(which Kind) (makers []func() (undo func())) {
	for kind, f := range []func() func(){t.cut, t.part, t.block, t.silence, t.slow, t.refuse} {
		if which&(1<<kind) != 0 {
			makers = append(makers, f)
		}
	}
	return makers
}

func (t *tormentor) cut() func() {
	if l := t.link(); l != nil {
		l.Cut()
	}
	return nil
}

func (t *tormentor) silence() func() {
	if l := t.link(); l != nil {
		l.Silence(Both)
	}
	return nil
}

// link chooses one, or returns nil if there is none.
func (t *tormentor) link() *Link {
	links := t.net.Links()
	if len(links) == 0 {
		return nil
	}
	return links[t.dice.IntN(len(links))]
}

func (t *tormentor) part() func() {
	var groups [2][]*Host
	for _, h := range t.net.Hosts() {
		side := t.dice.IntN(2)
		groups[side] = append(groups[side], h)
	}
	if len(groups[0]) == 0 || len(groups[1]) == 0 {
		return nil
	}
	t.net.Partition(groups[:]...)
	return t.net.Heal
}

// route chooses one between two hosts, if there are two.
func (t *tormentor) route() (r Route, ok bool) {
	hosts := t.net.Hosts()
	if len(hosts) < 2 {
		return r, false
	}
	from := t.dice.IntN(len(hosts))
	to := (from + 1 + t.dice.IntN(len(hosts)-1)) % len(hosts)
	return hosts[from].To(hosts[to]), true
}

func (t *tormentor) block() func() {
	r, ok := t.route()
	if !ok {
		return nil
	}
	r.Block(true)
	return func() { r.Block(false) }
}

func (t *tormentor) slow() func() {
	return t.worse(func(f *Faults) {
		f.Latency += time.Duration(t.dice.Int64N(int64(time.Second)))
		f.Jitter += time.Duration(t.dice.Int64N(int64(time.Second)))
	})
}

func (t *tormentor) refuse() func() { return t.worse(func(f *Faults) { f.Refusal = 1 }) }

// worse changes the faults of a route.
func (t *tormentor) worse(change func(f *Faults)) func() {
	r, ok := t.route()
	if !ok {
		return nil
	}
	before := r.Faults()
	worse := before
	change(&worse)
	r.SetFaults(worse)
	return func() { r.SetFaults(before) }
}
