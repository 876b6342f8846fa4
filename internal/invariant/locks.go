// SPDX-License-Identifier: MIT

package invariant

import (
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/sprymq/spry/internal/engine"
)

// heldLocks names the held locks of a value and of its parts. It follows fields that are set when a value is made and never
// again: embedded values, interfaces, and pointers to values with locks. Other fields are guarded by those locks.
func heldLocks(root any, patience time.Duration) (held []string) {
	deadline := time.Now().Add(patience)
	for _, l := range locksOf(root) {
		for !l.try() {
			if time.Now().After(deadline) {
				held = append(held, l.name)
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	return held
}

func locksOf(root any) map[unsafe.Pointer]namedLock {
	found := map[unsafe.Pointer]namedLock{}
	findLocks(reflect.ValueOf(root), "", found, map[unsafe.Pointer]bool{})
	return found
}

// A locker can be tried.
type locker interface {
	TryLock() bool
	Unlock()
}

var lockerType = reflect.TypeFor[locker]()

// isLock reports whether t is a lock.Mutex or a lock.RWMutex, of any build.
func isLock(t reflect.Type) bool { return reflect.PointerTo(t).Implements(lockerType) }

// A namedLock can be tried.
type namedLock struct {
	name string
	locker
}

func (l namedLock) try() bool {
	if !l.TryLock() {
		return false
	}
	l.Unlock()
	return true
}

func findLocks(v reflect.Value, name string, found map[unsafe.Pointer]namedLock, seen map[unsafe.Pointer]bool) {
	switch v.Kind() {
	case reflect.Interface:
		findLocks(v.Elem(), name, found, seen)
	case reflect.Pointer:
		if v.IsNil() || seen[v.UnsafePointer()] {
			return
		}
		seen[v.UnsafePointer()] = true
		findLocks(v.Elem(), name, found, seen)
	case reflect.Struct:
		if !v.CanAddr() {
			return
		}
		at := unsafe.Pointer(v.UnsafeAddr())
		if isLock(v.Type()) {
			found[at] = namedLock{name, reflect.NewAt(v.Type(), at).Interface().(locker)}
			return
		}
		for i := range v.NumField() {
			f := v.Field(i)
			if worthwhile(f.Type()) {
				findLocks(f, strings.TrimPrefix(name+"."+v.Type().Field(i).Name, "."), found, seen)
			}
		}
	}
}

// worthwhile leaves out types that lead to no lock, and those that change: pools, maps and slices are not followed, and
// pipes and endpoints are checked by their statistics.
func worthwhile(t reflect.Type) bool { return leadsToLock(t, map[reflect.Type]bool{}) }

func leadsToLock(t reflect.Type, visiting map[reflect.Type]bool) bool {
	switch {
	case isLock(t):
		return true
	case t == reflect.TypeFor[engine.Pipe](), t == reflect.TypeFor[engine.Endpoint]():
		return false
	}
	if t.Kind() == reflect.Pointer {
		return leadsToLock(t.Elem(), visiting)
	}
	if visiting[t] || !strings.HasPrefix(t.PkgPath(), "github.com/sprymq/spry/") {
		return false
	}
	visiting[t] = true
	defer delete(visiting, t)
	switch t.Kind() {
	case reflect.Interface:
		return true // a pattern
	case reflect.Struct:
		for f := range t.Fields() {
			if leadsToLock(f.Type, visiting) {
				return true
			}
		}
	}
	return false
}
