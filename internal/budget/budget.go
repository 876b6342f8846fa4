// SPDX-License-Identifier: MIT

// Package budget bounds the memory of everything that shares one Budget. It is pure accounting: it knows neither messages
// nor connections.
//
//	Budget    the limit of all together
//	Account   the memory of one holder (a connection); the largest account is shed first
//	Meter     the memory of one queue; it draws on its account in steps, so that most changes touch nothing shared
//
// A queue that can wait asks its meter for room first. Received data cannot wait and is always accepted; if it exceeds the
// budget, [Budget.Relieve] sheds the largest accounts.
package budget

import (
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/sprymq/spry/internal/lock"
)

const (
	defaultBytes = 1 << 30 // where the process has no memory limit
	defaultPipes = 65536

	// uncounted is how much a queue may have without being counted: most queues stay below it, and touch nothing shared.
	uncounted = 8 << 10

	minStep = 8 << 10  // the smallest step in which a meter reserves,
	maxStep = 64 << 10 // and at most
)

// A Config says how large a Budget is. Zero fields have the default, negative ones no limit.
type Config struct {
	Bytes            int64
	PipesPerListener int
}

// A Budget is shared by any number of accounts. Its methods are safe for concurrent use.
type Budget struct {
	bytes int64 // limit
	pipes int   // limit for each listener

	used      atomic.Int64 // bytes that meters have reserved
	holders   atomic.Int64 // meters that have reserved some
	relieveAt atomic.Int64 // use beyond which an account must be shed
	waiting   atomic.Int32 // accounts that were refused
	leavers   atomic.Int32 // accounts that are shed, and not empty yet
	livePipes atomic.Int64

	mu        lock.Mutex[lock.Budget]
	first     *Account            // of the list of all accounts
	leaving   map[*Account]bool   // shed, and not empty yet
	forEmpty  map[*Account]Holder // refused with an empty queue, until use is within the limit again
	forMore   map[*Account]Holder // refused with something queued, until there is room for queues to grow
	peak      atomic.Int64
	shed      uint64
	shedBytes int64
	refused   atomic.Uint64
}

// New returns an unused Budget.
func New(c Config) *Budget {
	b := &Budget{
		bytes: c.Bytes, pipes: c.PipesPerListener,
		leaving: make(map[*Account]bool), forEmpty: make(map[*Account]Holder), forMore: make(map[*Account]Holder),
	}
	switch {
	case b.bytes == 0:
		b.bytes = byMemoryLimit(debug.SetMemoryLimit(-1))
	case b.bytes < 0:
		b.bytes = math.MaxInt64
	}
	switch {
	case b.pipes == 0:
		b.pipes = defaultPipes
	case b.pipes < 0:
		b.pipes = math.MaxInt
	}
	b.relieveAt.Store(b.bytes)
	return b
}

// byMemoryLimit is the default for a process with this limit of the Go runtime: a quarter.
func byMemoryLimit(limit int64) int64 {
	if limit == math.MaxInt64 { // none
		return defaultBytes
	}
	return max(limit/4, 1)
}

// Default returns the Budget of the process. It is made when it is first asked for.
var Default = sync.OnceValue(func() *Budget { return New(Config{}) })

// Stats are figures of a Budget.
type Stats struct {
	Bytes, MaxBytes  int64 // in use, and the limit
	PeakBytes        int64 // most that ever were in use
	Pipes            int   // live pipes of all sockets
	PipesPerListener int   // limit
	Shed             uint64
	ShedBytes        int64
	Refused          uint64 // connections refused by listeners that had all their pipes
}

// Stats returns the figures. They are not all of the same moment.
func (b *Budget) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Bytes: b.used.Load(), MaxBytes: b.bytes, PeakBytes: b.peak.Load(),
		Pipes: int(b.livePipes.Load()), PipesPerListener: b.pipes,
		Shed: b.shed, ShedBytes: b.shedBytes, Refused: b.refused.Load(),
	}
}

// PipesPerListener is the limit.
func (b *Budget) PipesPerListener() int { return b.pipes }

// AddPipes counts n live pipes more, or, if n is negative, fewer.
func (b *Budget) AddPipes(n int) { b.livePipes.Add(int64(n)) }

// AddRefused counts a connection that was refused because its listener had all its pipes.
func (b *Budget) AddRefused() { b.refused.Add(1) }

// Spare returns how much of most a caller should use: a quarter if more than a quarter of the budget is in use, a sixteenth
// if more than half is.
func (b *Budget) Spare(most int) int {
	switch used := b.used.Load(); {
	case used > b.bytes/2:
		return most / 16
	case used > b.bytes/4:
		return most / 4
	}
	return most
}

// Three quarters are for queues that can wait: the rest is for received data, and for small queues.
func (b *Budget) waitLimit() int64 { return b.bytes - b.bytes/4 }

// share is what every queue may have, whatever the others have. All shares together are a quarter of the budget.
func (b *Budget) share() int64 { return b.bytes / 4 / max(b.holders.Load(), 1) }

// mayTake reports whether a queue with has bytes may take n more. An empty queue always may, while the limit is not reached:
// a program that must send before it receives again would otherwise block itself.
func (b *Budget) mayTake(has, n int64) bool {
	used := b.used.Load()
	return used+n <= b.waitLimit() || has == 0 && used <= b.bytes || has+n <= b.share()
}

// reserve takes n bytes.
func (b *Budget) reserve(n int64) { b.record(b.used.Add(n)) }

// reserveWithin takes n bytes if the limit allows it.
func (b *Budget) reserveWithin(n int64) bool {
	for {
		used := b.used.Load()
		if used+n > b.bytes {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			b.record(used + n)
			return true
		}
	}
}

func (b *Budget) record(used int64) {
	for peak := b.peak.Load(); used > peak && !b.peak.CompareAndSwap(peak, used); {
		peak = b.peak.Load()
	}
}

// release returns n bytes and resumes accounts that wait for them.
func (b *Budget) release(n int64) {
	used := b.used.Add(-n)
	if b.waiting.Load() > 0 && used <= b.bytes {
		b.resume(used <= b.waitLimit()-b.bytes/16)
	}
}
