// SPDX-License-Identifier: MIT

//go:build lockcheck

package lock

import (
	"strings"
	"sync"
	"testing"
)

// told runs f, which may break the order, and returns what is said of that.
func report(t *testing.T, f func()) (text string) {
	t.Helper()
	type breach string
	was := violated
	violated = func(text string) { panic(breach(text)) }
	defer func() {
		violated = was
		if r := recover(); r != nil {
			text = string(r.(breach))
		}
	}()
	f()
	return text
}

func lockBriefly(l sync.Locker) {
	l.Lock()
	defer l.Unlock()
}

func TestLocksKeepTheOrder(t *testing.T) {
	var socket Mutex[Socket]
	var sub RWMutex[Sub]
	var inbox, other Mutex[Inbox]
	for _, test := range []struct {
		name string
		f    func()
		want string // "" = nothing is told
	}{
		{name: "in order", f: func() {
			socket.Lock()
			sub.RLock()
			lockBriefly(&inbox)
			sub.RUnlock()
			socket.Unlock()
		}},
		{name: "given back first", f: func() {
			socket.Lock()
			inbox.Lock()
			socket.Unlock()
			inbox.Unlock()
			lockBriefly(&socket)
		}},
		{name: "against the order", want: "lock.Socket (20) is locked under lock.Inbox (60)", f: func() {
			inbox.Lock()
			defer inbox.Unlock()
			socket.Lock()
		}},
		{name: "under an outer one too", want: "lock.Sub (32) is locked under lock.Inbox (60)", f: func() {
			socket.Lock()
			defer socket.Unlock()
			inbox.Lock()
			defer inbox.Unlock()
			sub.Lock()
		}},
		{name: "two of a kind", want: "lock.Inbox (60) is locked under lock.Inbox (60)", f: func() {
			inbox.Lock()
			defer inbox.Unlock()
			other.Lock()
		}},
		{name: "reading", want: "lock.Sub (32) is locked under lock.Inbox (60)", f: func() {
			inbox.Lock()
			defer inbox.Unlock()
			sub.RLock()
		}},
		{name: "under a reader", want: "lock.Socket (20) is locked under lock.Sub (32)", f: func() {
			sub.RLock()
			defer sub.RUnlock()
			socket.Lock()
		}},
		{name: "reading twice", want: "lock.Sub (32) is locked under lock.Sub (32)", f: func() {
			sub.RLock()
			defer sub.RUnlock()
			sub.RLock()
		}},
		{name: "under a writer", want: "lock.Socket (20) is locked under lock.Sub (32)", f: func() {
			sub.Lock()
			defer sub.Unlock()
			socket.Lock()
		}},
		{name: "trying", f: func() {
			inbox.Lock()
			defer inbox.Unlock()
			if !socket.TryLock() || !sub.TryLock() {
				t.Error("a free lock is not free")
			}
			if socket.TryLock() || sub.TryLock() {
				t.Error("a lock that is held is free")
			}
			sub.Unlock()
			socket.Unlock()
		}},
		{name: "under a tried one", want: "lock.Socket (20) is locked under lock.Inbox (60)", f: func() {
			if inbox.TryLock() {
				defer inbox.Unlock()
			}
			socket.Lock()
		}},
		{name: "waiting", want: "may wait, or that calls the user, under lock.Inbox (60)", f: func() {
			inbox.Lock()
			defer inbox.Unlock()
			AssertNone()
		}},
		{name: "waiting with none", f: AssertNone},
	} {
		if got := report(t, test.f); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: told %q, want %q", test.name, got, test.want)
		}
		if len(held.of) > 0 {
			t.Fatalf("%s: locks are remembered that nobody holds: %v", test.name, held.of)
		}
	}
}

func TestEachGoroutineHasItsOwnLocks(t *testing.T) {
	var socket Mutex[Socket]
	var inbox Mutex[Inbox]
	if text := report(t, func() {
		inbox.Lock()
		var other sync.WaitGroup
		other.Go(func() { lockBriefly(&socket) })
		other.Wait()
		inbox.Unlock()
		other.Go(inbox.Lock)
		other.Wait()
		lockBriefly(&socket)
		inbox.Unlock() // which the other has locked
	}); text != "" || len(held.of) > 0 {
		t.Errorf("told %q, remembered %v", text, held.of)
	}
}

func lockInbox(m *Mutex[Inbox])   { m.Lock() }
func lockSocket(m *Mutex[Socket]) { m.Lock() }
func park()                       { AssertNone() }

func TestABreachNamesBothStacks(t *testing.T) {
	var socket Mutex[Socket]
	var inbox Mutex[Inbox]
	text := report(t, func() {
		lockInbox(&inbox)
		defer inbox.Unlock()
		lockSocket(&socket)
	})
	text += report(t, func() {
		inbox.Lock()
		defer inbox.Unlock()
		park()
	})
	for _, want := range []string{"internal/lock.lockInbox\n", "internal/lock.park\n", "internal/lock.lockSocket\n", "check_test.go:"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %q: %s", want, text)
		}
	}
	if strings.Contains(text, "Lock()") || strings.Contains(text, "lock.holding") || strings.Contains(text, "AssertNone") {
		t.Errorf("the stacks begin within the package: %s", text)
	}
	t.Log(text)
}
