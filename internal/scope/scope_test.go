// SPDX-License-Identifier: MIT

package scope_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/scope"
)

var errStop = errors.New("stop")

// Close cancels and joins a whole tree, and nothing starts in it afterwards.
func TestCloseJoinsTheTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := scope.New()
		child := root.Child()
		grandchild := child.Child()
		var ended atomic.Int32
		for _, s := range []*scope.Scope{root, child, grandchild} {
			if err := s.Go(func() {
				<-s.Done()
				time.Sleep(time.Second) // the joiner waits for it
				ended.Add(1)
			}); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		root.Close(errStop)
		if ended.Load() != 3 || time.Since(start) != time.Second {
			t.Errorf("Close returned after %v with %d of 3 goroutines ended", time.Since(start), ended.Load())
		}
		if cause := context.Cause(grandchild.Context()); !errors.Is(cause, errStop) {
			t.Errorf("the cause below is %v", cause)
		}
		for _, s := range []*scope.Scope{root, grandchild, root.Child()} {
			if err := s.Go(func() { t.Error("started after Close") }); !errors.Is(err, scope.ErrClosed) {
				t.Errorf("Go after Close: %v, want ErrClosed", err)
			}
			if err := s.NewTask(func() { t.Error("started after Close") }).Start(); !errors.Is(err, scope.ErrClosed) {
				t.Errorf("Start after Close: %v, want ErrClosed", err)
			}
		}
		synctest.Wait()
	})
}

// A callback may close the scope that it runs in, and Close does not wait for callbacks that are running.
func TestCallbackMayClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scope.New()
		var open bool
		if err := s.Go(func() { open = s.Callback(func() { s.Close(errStop) }) }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if open {
			t.Error("Callback reports an open scope after it was closed")
		}

		s = scope.New()
		if err := s.Go(func() { s.Callback(func() { time.Sleep(time.Hour) }) }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		s.Close(errStop)
		if d := time.Since(start); d != 0 {
			t.Errorf("Close waited %v for a callback", d)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestTimersBelongToTheScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scope.New()
		var fired atomic.Int32
		tick := s.AfterFunc(time.Second, func() { fired.Add(1) })
		stopped := s.AfterFunc(time.Second, func() { t.Error("a stopped timer fired") })
		if !stopped.Stop() {
			t.Error("Stop in time reports that it was late")
		}
		time.Sleep(2 * time.Second)
		tick.Reset(time.Second)
		time.Sleep(2 * time.Second)
		if n := fired.Load(); n != 2 {
			t.Errorf("the timer fired %d times, want 2", n)
		}
		tick.Reset(time.Second)
		s.Close(errStop)
		time.Sleep(time.Hour)
		if fired.Load() != 2 {
			t.Error("a timer fired after its scope was closed")
		}
	})
}

// A task runs again and again without allocating.
func TestTaskDoesNotAllocate(t *testing.T) {
	s := scope.New()
	done := make(chan struct{})
	task := s.NewTask(func() { done <- struct{}{} })
	run := func() {
		if err := task.Start(); err != nil {
			t.Error(err)
		}
		<-done
	}
	for range 100 {
		run()
	}
	if n := testing.AllocsPerRun(1000, run); n > 0.1 {
		t.Errorf("%v allocations a run, want none", n)
	}
	s.Close(nil)
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stop := scope.Watch(ctx, func() { t.Error("ran although it was stopped") })
		for range 2 {
			if !stop() {
				t.Error("stop reports that it was late")
			}
		}
		ran := false
		stop = scope.Watch(ctx, func() { time.Sleep(time.Second); ran = true })
		cancel()
		synctest.Wait()
		if stop() || !ran {
			t.Error("stop did not wait for what was running")
		}
	})
}
