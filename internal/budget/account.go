// SPDX-License-Identifier: MIT

package budget

import "sync/atomic"

// A Holder owns an account.
type Holder interface {
	// Shed gives up everything that the account counts. It is called once, by [Budget.Relieve], without locks of the
	// budget.
	Shed()

	// Resume reports that there may be room again for a queue that [Meter.Room] refused. Its caller has given back memory
	// and may hold the lock of another queue, so Resume must neither block nor take such a lock.
	Resume()
}

// An Account is the memory of all queues of one holder. After Open, all methods are safe for concurrent use.
type Account struct {
	budget *Budget
	holder Holder
	held   atomic.Int64 // bytes that shedding would free
	closed atomic.Bool
	shed   atomic.Bool

	// Under budget.mu.
	next, prev *Account
	listed     bool
}

// Open makes a zero Account one of b. If holder is nil, the account is never shed, and its queues are not resumed.
func (a *Account) Open(b *Budget, holder Holder) {
	a.budget, a.holder = b, holder
	if holder == nil {
		return
	}
	b.mu.Lock()
	a.listed = true
	if a.next = b.first; a.next != nil {
		a.next.prev = a
	}
	b.first = a
	b.mu.Unlock()
}

// Budget is the account's.
func (a *Account) Budget() *Budget { return a.budget }

// Close reports that the holder has ended. The contents of its queues count until they are empty, and can still be shed.
func (a *Account) Close() {
	a.closed.Store(true)
	if a.held.Load() == 0 {
		a.unlist()
	}
}

// unlist takes an account that is closed and empty out of the budget's lists.
func (a *Account) unlist() {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.leaving[a] {
		delete(b.leaving, a)
		b.setReliefLocked()
	}
	b.forgetLocked(a)
	if !a.listed {
		return
	}
	a.listed = false
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		b.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	a.next, a.prev = nil, nil
}

// A Meter is the memory of one queue. Its methods are called under the lock of that queue. The zero Meter counts nothing.
type Meter struct {
	account *Account
	held    int64 // bytes reserved: 0, or no less than the queue has
	low     int64 // number of bytes below which some of them are given back,
	high    int64 // and up to which nothing more has to be reserved
	fixed   bool  // shedding the account does not free it
}

// NewMeter returns the meter of an empty queue.
func (a *Account) NewMeter() Meter { return Meter{account: a, high: uncounted} }

// NewFixedMeter returns the meter of a queue that keeps its contents when the account is shed.
func (a *Account) NewFixedMeter() Meter { return Meter{account: a, high: uncounted, fixed: true} }

// Set says how many bytes the queue has now.
func (m *Meter) Set(bytes int64) {
	if bytes < m.low || bytes > m.high {
		m.adjust(bytes)
	}
}

// Room reports whether a queue that has some bytes may take n more. If not, the holder's Resume is called when it may.
func (m *Meter) Room(bytes, n int64) bool {
	return bytes+n <= m.high || m.account == nil || m.account.room(bytes, n)
}

// Spare returns how many bytes more, up to most, a queue may take without asking for each message. If most of the budget is
// in use, this is what is reserved already, so that the promise itself does not reserve more.
func (m *Meter) Spare(bytes, most int64) int64 {
	if m.account == nil || m.account.budget.mayTake(max(bytes, 1), most) {
		return most
	}
	return min(most, max(m.high-bytes, 0))
}

// Bounds are the numbers of bytes between which Set does nothing.
func (m *Meter) Bounds() (low, high int64) { return m.low, m.high }

// Grow is Set for memory that is not allocated yet: if the budget would be exceeded, others are shed before, or the account
// itself, if it would have most. Like [Budget.Relieve], it is called without other locks.
// It reports false, and changes nothing, if the account is shed.
func (m *Meter) Grow(bytes int64) bool {
	a := m.account
	if a == nil || bytes <= m.high {
		return true
	}
	more := bytes + stepAt(bytes) - m.held
	if !a.budget.relieve(a, more) {
		return false
	}
	m.reserved(bytes)
	if !m.fixed {
		a.held.Add(more)
	}
	return true
}

// stepAt is how much more than it has a queue reserves.
func stepAt(bytes int64) int64 { return min(max(bytes/4, minStep), maxStep) }

// adjust reserves enough for bytes and some more, or returns the excess.
func (m *Meter) adjust(bytes int64) {
	if m.account == nil {
		return
	}
	before := m.held
	m.reserved(bytes)
	m.account.change(m.held-before, m.fixed)
}

// reserved records the reservation for bytes.
func (m *Meter) reserved(bytes int64) {
	before, step := m.held, stepAt(bytes)
	if m.held, m.low = bytes+step, max(bytes-2*step, uncounted/2); bytes <= uncounted {
		m.held, m.low = 0, 0
	}
	m.high = max(m.held, uncounted)
	switch holders := &m.account.budget.holders; {
	case before == 0 && m.held > 0:
		holders.Add(1)
	case before > 0 && m.held == 0:
		holders.Add(-1)
	}
}

// change reserves n bytes more, or, if n is negative, fewer.
func (a *Account) change(n int64, fixed bool) {
	empty := !fixed && a.held.Add(n) == 0
	if n >= 0 {
		a.budget.reserve(n)
	} else {
		a.budget.release(-n)
	}
	if empty && a.closed.Load() {
		a.unlist()
	}
}

func (a *Account) room(bytes, n int64) bool {
	b := a.budget
	if b.mayTake(bytes, n) {
		return true
	}
	if a.holder == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes == 0 {
		b.forEmpty[a] = a.holder
	} else {
		b.forMore[a] = a.holder
	}
	b.countWaitingLocked()
	if b.mayTake(bytes, n) { // checked after the entry is made: a caller that returns memory sees one of the two
		b.forgetLocked(a)
		return true
	}
	return false
}
