// SPDX-License-Identifier: MIT

package scope

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errTest = errors.New("the test's cause")

func TestFirstCauseStands(t *testing.T) {
	root := New()
	child := root.Child()
	child.Cancel(errTest)
	root.Cancel(errors.New("another cause"))
	root.Close(nil)
	if cause := context.Cause(child.Context()); cause != errTest {
		t.Errorf("cause is %v, want the first one", cause)
	}
	if root.Context().Err() == nil {
		t.Error("a closed scope's context lives")
	}
}

// Cancelling a child leaves its parent and siblings alone.
func TestCancelGoesDownOnly(t *testing.T) {
	root := New()
	a, b := root.Child(), root.Child()
	a.Close(errTest)
	if root.Context().Err() != nil || b.Context().Err() != nil {
		t.Error("the end of a child ended its parent or sibling")
	}
	if err := b.Go(func() {}); err != nil {
		t.Errorf("Go in a sibling: %v", err)
	}
	root.Close(errTest)
}

// A timer of a closed scope does not fire, and what a timer runs is joined like any goroutine.
func TestCloseAndTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		var ended atomic.Bool
		s.AfterFunc(time.Second, func() { time.Sleep(time.Hour); ended.Store(true) })
		s.AfterFunc(time.Minute, func() { t.Error("a timer fired in a closed scope") })
		time.Sleep(2 * time.Second)
		s.Close(errTest)
		if !ended.Load() {
			t.Error("Close did not wait for what the timer runs")
		}
		s.AfterFunc(time.Second, func() { t.Error("a timer that was armed after Close fired") })
		time.Sleep(time.Hour)
	})
}

// When a callback has returned in a scope that is still open, Close waits again.
func TestCallbackReturnsToItsScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		var ended atomic.Bool
		_ = s.Go(func() {
			if !s.Callback(func() {}) {
				t.Error("a scope is closed that nobody closed")
			}
			time.Sleep(time.Hour)
			ended.Store(true)
		})
		synctest.Wait()
		s.Close(errTest)
		if !ended.Load() {
			t.Error("Close did not wait for a goroutine whose callback had returned")
		}
	})
}

// A panic of a callback leaves the books as they were.
func TestCallbackPanics(t *testing.T) {
	s := New()
	recovered := make(chan any)
	_ = s.Go(func() {
		defer func() { recovered <- recover() }()
		s.Callback(func() { panic("user's") })
	})
	if r := <-recovered; r != "user's" {
		t.Errorf("recovered %v", r)
	}
	s.Close(errTest)
	if s.members != 0 {
		t.Errorf("%d members are left", s.members)
	}
}

// A scope that has wholly ended is not remembered by its parent, in whatever order its parts ended.
func TestEndedChildrenAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := New()
		known := func(when string, want int) {
			t.Helper()
			synctest.Wait()
			if n := root.Children(); n != want {
				t.Errorf("%s: the root knows %d children, want %d", when, n, want)
			}
		}
		idle := root.Child()
		idle.Cancel(errTest)
		known("cancelled while idle", 0)

		busy := root.Child()
		release := make(chan struct{})
		_ = busy.Go(func() { <-release })
		busy.Cancel(errTest)
		known("cancelled while at work", 1)
		close(release)
		known("after the work", 0)

		family := root.Child()
		grown := make(chan struct{})
		_ = family.Child().Go(func() { <-grown })
		family.Cancel(errTest)
		known("with a grandchild at work", 1)
		close(grown)
		known("after the grandchild's work", 0)

		calling := root.Child()
		called := make(chan struct{})
		_ = calling.Go(func() { calling.Callback(func() { <-called }) })
		synctest.Wait()
		calling.Close(errTest)
		close(called)
		known("after a callback", 0)
		root.Close(errTest)
	})
}

// A scope has left its parent when Close returns, even if its last goroutine is still about to remove it.
func TestClosedScopeIsForgotten(t *testing.T) {
	const rounds = 100_000
	root := New()
	for range rounds {
		s := root.Child()
		_ = s.Go(func() {})
		s.Close(errTest)
		if n := root.Children(); n != 0 {
			t.Fatalf("the root knows %d children", n)
		}
	}
	t.Logf("%d scopes, none left", rounds)
}

// Join waits for work, not for the end of scopes: an idle one that is open holds it up no more than a closed one.
func TestJoinOfAnOpenScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := New()
		root.Child()
		child := root.Child()
		var ended atomic.Bool
		_ = child.Go(func() { time.Sleep(time.Hour); ended.Store(true) })
		root.Join()
		if !ended.Load() {
			t.Error("Join did not wait for the child's work")
		}
		if root.Context().Err() != nil {
			t.Error("Join cancelled the scope")
		}
		root.Close(errTest)
	})
}

// Scopes are made, used and closed by many at once.
func TestScopeStorm(t *testing.T) {
	const rounds = 300
	for range rounds {
		root := New()
		var running atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 8 {
					s := root.Child()
					_ = s.NewTask(func() { running.Add(1); defer running.Add(-1) }).Start()
					_ = s.Go(func() { running.Add(1); defer running.Add(-1); <-s.Done() })
					_ = s.Go(func() { s.Callback(func() { s.Child().Cancel(errTest) }) })
				}
			})
		}
		all.Go(func() { root.Close(errTest) })
		all.Wait()
		root.Join()
		if n := running.Load(); n != 0 {
			t.Fatalf("%d goroutines run after Join", n)
		}
		root.mu.Lock()
		if len(root.children) != 0 || root.members != 0 {
			t.Fatalf("the root has %d children and %d members after its end", len(root.children), root.members)
		}
		root.mu.Unlock()
	}
	t.Logf("%d storms, nothing left", rounds)
}
