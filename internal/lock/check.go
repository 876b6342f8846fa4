// SPDX-License-Identifier: MIT

//go:build lockcheck

package lock

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// A Mutex is the lock that R names in the order. Here it is an RWMutex without readers.
type Mutex[R any] = RWMutex[R]

// An RWMutex is the lock that R names in the order. Readers keep to it as well.
type RWMutex[R any] struct {
	mu    sync.RWMutex
	owner uintptr // the goroutine that writes; under mu
}

// Lock locks m for writing.
func (m *RWMutex[R]) Lock() {
	g := goroutine()
	h := holding[R](m)
	held.mayTake(g, h)
	m.mu.Lock()
	m.owner = g
	held.add(g, h)
}

// TryLock never waits, and may therefore be called in any order.
func (m *RWMutex[R]) TryLock() bool {
	if !m.mu.TryLock() {
		return false
	}
	m.owner = goroutine()
	held.add(m.owner, holding[R](m))
	return true
}

// Unlock unlocks m, which another goroutine may have locked.
func (m *RWMutex[R]) Unlock() {
	held.remove(m.owner, m)
	m.mu.Unlock()
}

// RLock locks m for reading. It keeps to the order as Lock does: a reader waits for a writer that waits.
func (m *RWMutex[R]) RLock() {
	g := goroutine()
	h := holding[R](m)
	held.mayTake(g, h)
	m.mu.RLock()
	held.add(g, h)
}

// RUnlock undoes the caller's RLock.
func (m *RWMutex[R]) RUnlock() {
	held.remove(goroutine(), m)
	m.mu.RUnlock()
}

// AssertNone ends the program if its caller holds a lock.
func AssertNone() {
	if h, some := held.last(goroutine()); some {
		violated(fmt.Sprintf("a call that may wait, or that calls the user, under %v\n\nthe call:\n%v\nthe lock:\n%v", h, callers(3), h.stack))
	}
}

// violated reports a breach of the order and ends the program: a panic could be recovered from, and pass unnoticed.
var violated = func(text string) {
	fmt.Fprintln(os.Stderr, "lockcheck:", text)
	os.Exit(2)
}

// A registry has the locks that each goroutine holds.
type registry struct {
	mu      sync.Mutex
	of      map[uintptr][]hold
	counted map[uintptr]int // locks that were taken within Count
}

var held = registry{of: make(map[uintptr][]hold), counted: make(map[uintptr]int)}

// Count calls f, and returns how many locks its goroutine took meanwhile. It is for tests of work that must not grow.
func Count(f func()) int {
	g := goroutine()
	held.mu.Lock()
	held.counted[g] = 0
	held.mu.Unlock()
	f()
	held.mu.Lock()
	defer held.mu.Unlock()
	n := held.counted[g]
	delete(held.counted, g)
	return n
}

// A hold is a lock that is held, or is about to be.
type hold struct {
	lock  any // a pointer to it
	rank  reflect.Type
	stack stack
}

func holding[R any](lock any) hold { return hold{lock, reflect.TypeFor[R](), callers(4)} }

func (h hold) place() int { return h.rank.Len() }

func (h hold) String() string { return fmt.Sprintf("%v (%d)", h.rank, h.place()) }

// mayTake ends the program if a goroutine that takes a lock holds one which does not come before it.
func (r *registry) mayTake(g uintptr, h hold) {
	r.mu.Lock()
	all := r.of[g]
	at := slices.IndexFunc(all, func(had hold) bool { return had.place() >= h.place() })
	r.mu.Unlock()
	if at >= 0 {
		violated(fmt.Sprintf("%v is locked under %v, against the order\n\n%v is locked:\n%v\n%v was locked:\n%v",
			h, all[at], h, h.stack, all[at], all[at].stack))
	}
}

func (r *registry) add(g uintptr, h hold) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[g] = append(r.of[g], h)
	if n, counts := r.counted[g]; counts {
		r.counted[g] = n + 1
	}
}

func (r *registry) remove(g uintptr, lock any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.of[g]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].lock == lock {
			r.of[g] = slices.Delete(all, i, i+1)
			break
		}
	}
	if len(r.of[g]) == 0 {
		delete(r.of, g)
	}
}

// last returns the lock that a goroutine has taken last, if it holds one.
func (r *registry) last(g uintptr) (h hold, some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.of[g]
	if len(all) == 0 {
		return h, false
	}
	return all[len(all)-1], true
}

// A stack is where a lock was taken.
type stack [12]uintptr

// callers returns the stack without the frames of this package.
func callers(skip int) (s stack) {
	runtime.Callers(skip, s[:])
	return s
}

func (s stack) String() string {
	var b strings.Builder
	frames := runtime.CallersFrames(s[:])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); f.PC != 0 {
			fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		}
	}
	return b.String()
}
