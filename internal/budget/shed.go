// SPDX-License-Identifier: MIT

package budget

import (
	"runtime"
	"sort"
	"time"
)

// While shed accounts are still closing, a caller that needs memory yields this often, then sleeps this often. Most accounts
// close at once; one that is copying a large frame needs some milliseconds. No caller waits longer than that.
const (
	yields   = 8
	sleeps   = 250
	sleep    = time.Millisecond
	patience = yields + sleeps
)

// Relieve sheds the largest accounts if the limit is exceeded, until a sixteenth of the budget is free, so that looking
// through all accounts pays off. Accounts within their share stay. A caller whose queue has taken received data calls it,
// without locks. If a, its account, has more than a share, it waits for a moment until the memory is free; other callers do
// not wait.
func (b *Budget) Relieve(a *Account) {
	if b.Exceeded() { // apart from the rest so that the compiler inlines it
		b.shedFor(a)
	}
}

func (b *Budget) shedFor(a *Account) {
	if a.held.Load() > b.share() {
		b.relieve(a, 0)
	} else {
		b.shedLargest(a, 0)
	}
}

// Exceeded reports whether more than the limit is in use.
func (b *Budget) Exceeded() bool { return b.used.Load() > b.bytes }

// shedLargest sheds the accounts that choose returns, and reports whether there was one.
func (b *Budget) shedLargest(a *Account, n int64) (some bool) {
	for _, largest := range b.choose(a, n) {
		some = true
		largest.shed.Store(true)
		largest.holder.Shed()
	}
	return some
}

// relieve sheds until there is room for n bytes more, and takes them for the account a. It reports false if a was shed
// itself. If no account can be shed, or the shed ones do not close in time, it takes the bytes anyway.
func (b *Budget) relieve(a *Account, n int64) bool {
	for i := 0; ; i++ {
		if a.shed.Load() {
			return false
		}
		noLeavers := b.leavers.Load() == 0
		if b.reserveWithin(n) {
			return true
		}
		if b.shedLargest(a, n) {
			noLeavers = false
		}
		if noLeavers && b.leavers.Load() == 0 || i == patience {
			b.reserve(n)
			return true
		}
		if i < yields {
			runtime.Gosched()
		} else {
			time.Sleep(sleep)
		}
	}
}

// choose returns the accounts to be shed so that a can take n bytes more.
func (b *Budget) choose(a *Account, n int64) (chosen []*Account) {
	if b.used.Load()+n <= b.relieveAt.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	used := b.used.Load() + n
	excess := used - b.leavingLocked() - (b.bytes - b.bytes/16)
	if used <= b.relieveAt.Load() {
		return nil
	}
	for _, c := range b.largestLocked(a, n) {
		if excess <= 0 {
			break
		}
		excess -= c.held
		b.leaving[c.account] = true
		b.shed++
		b.shedBytes += c.held
		chosen = append(chosen, c.account)
	}
	b.setReliefLocked()
	if len(chosen) == 0 {
		b.relieveAt.Store(used + b.bytes/64) // nothing to be had now: not before there is some more
	}
	return chosen
}

// A candidate is an account that may be shed, with its size when it was examined.
type candidate struct {
	account *Account
	held    int64
}

// largestLocked returns the accounts that have more than a share, the largest first. One of them wants some more.
func (b *Budget) largestLocked(wants *Account, more int64) (all []candidate) {
	share := b.share()
	for a := b.first; a != nil; a = a.next {
		held := a.held.Load()
		if a == wants {
			held += more
		}
		if held > share && !b.leaving[a] {
			all = append(all, candidate{a, held})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].held > all[j].held }) // crypto/tls brings this sort into every program; slices.SortFunc would add another
	return all
}

// leavingLocked is the memory that shed accounts still use.
func (b *Budget) leavingLocked() (bytes int64) {
	for a := range b.leaving {
		bytes += a.held.Load()
	}
	return bytes
}

// setReliefLocked sets when the next account must be shed: when the memory of the remaining ones exceeds the limit.
func (b *Budget) setReliefLocked() {
	b.leavers.Store(int32(len(b.leaving)))
	b.relieveAt.Store(b.bytes + b.leavingLocked())
}

// resume resumes queues that were refused while empty, and with more all others.
func (b *Budget) resume(more bool) {
	b.mu.Lock()
	var waiting []Holder
	for a, h := range b.forEmpty {
		waiting = append(waiting, h)
		delete(b.forEmpty, a)
	}
	for a, h := range b.forMore {
		if more {
			waiting = append(waiting, h)
			delete(b.forMore, a)
		}
	}
	b.countWaitingLocked()
	b.mu.Unlock()
	for _, h := range waiting {
		h.Resume()
	}
}

// forgetLocked removes an account from those that wait.
func (b *Budget) forgetLocked(a *Account) {
	delete(b.forEmpty, a)
	delete(b.forMore, a)
	b.countWaitingLocked()
}

func (b *Budget) countWaitingLocked() { b.waiting.Store(int32(len(b.forEmpty) + len(b.forMore))) }
