// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
)

// line is a line of waiters with its lock.
type line struct {
	sync.Mutex
	Waiters
}

// park waits in line and tells the order of waking through woken.
func (l *line) park(ctx context.Context) error {
	l.Lock()
	w := l.Add()
	l.Unlock()
	err := w.Park(ctx)
	l.Lock()
	l.Done(w, err)
	l.Unlock()
	return err
}

func (l *line) wake(n int) {
	l.Lock()
	l.Wake(n)
	l.Unlock()
}

func TestWaitersAreWokenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l line
		var order []int
		for i := range 10 {
			go func() {
				if err := l.park(context.Background()); err != nil {
					t.Error(err)
				}
				l.Lock()
				order = append(order, i)
				l.Unlock()
			}()
			synctest.Wait()
		}
		for want := 1; want <= 3; want++ {
			l.wake(1)
			synctest.Wait()
			if len(order) != want || order[want-1] != want-1 {
				t.Fatalf("woken so far: %v", order)
			}
		}
		l.Lock()
		l.WakeAll()
		if !l.Empty() {
			t.Error("somebody is in line after WakeAll")
		}
		l.Unlock()
		synctest.Wait()
		if len(order) != 10 {
			t.Errorf("%d were woken, want 10", len(order))
		}
		l.wake(5) // nobody is there, and nothing is kept for later
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.park(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Park with an ended context: %v", err)
		}
	})
}

// One who gives up leaves the line, wherever it stands.
func TestWaiterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for leaver := range 3 {
			var l line
			woken := make(chan int, 3)
			ctx, cancel := context.WithCancel(t.Context())
			for i := range 3 {
				go func() {
					own := context.Background()
					if i == leaver {
						own = ctx
					}
					if l.park(own) == nil {
						woken <- i
					}
				}()
				synctest.Wait()
			}
			cancel()
			synctest.Wait()
			l.wake(2)
			synctest.Wait()
			if len(woken) != 2 || !l.Empty() {
				t.Errorf("without number %d, %d of the other two were woken", leaver, len(woken))
			}
		}
	})
}

// A wake that comes when its waiter's context has ended goes to the next in line: it may stand for a message.
func TestWakeIsNotLostWithItsWaiter(t *testing.T) {
	var l line
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	l.Lock()
	first, second := l.Add(), l.Add()
	l.Unlock()
	err := first.Park(ended)
	if err == nil {
		t.Fatal("a waiter that nobody has woken does not heed its context")
	}
	l.Lock()
	l.Wake(1)
	l.Done(first, err)
	l.Unlock()
	if err := second.Park(context.Background()); err != nil { // a lost wake would hang here
		t.Fatal(err)
	}
	l.Lock()
	l.Done(second, nil)
	l.Unlock()
}

// Who is woken before he waits does not, even if the context has ended too.
func TestWakeWins(t *testing.T) {
	var l line
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range 100 {
		l.Lock()
		w := l.Add()
		l.Wake(1)
		l.Unlock()
		if err := w.Park(ended); err != nil || w.Woken() {
			t.Fatalf("Park: %v, and woken still: %v", err, w.Woken())
		}
		l.Lock()
		l.Done(w, nil)
		l.Unlock()
	}
}

// Tokens are given out by waking; nobody waits while there is one, whatever contexts do.
func TestWaitersLoseNoToken(t *testing.T) {
	const tokens, takers = 20_000, 8
	var l line
	available, taken := 0, 0
	var all sync.WaitGroup
	done, finish := context.WithCancel(context.Background())
	take := func(ctx context.Context) error {
		l.Lock()
		defer l.Unlock()
		for available == 0 {
			w := l.Add()
			l.Unlock()
			err := w.Park(ctx)
			l.Lock()
			l.Done(w, err)
			if err != nil {
				return err
			}
		}
		available--
		taken++
		if taken == tokens {
			finish()
		}
		return nil
	}
	for seed := range takers {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(seed), 1))
			for done.Err() == nil {
				if dice.IntN(2) == 0 {
					_ = take(done)
					continue
				}
				ctx, cancel := context.WithCancel(done)
				all.Go(cancel)
				_ = take(ctx)
				cancel()
			}
		})
	}
	for range tokens {
		l.Lock()
		available++
		l.Wake(1)
		l.Unlock()
	}
	all.Wait()
	if taken < tokens || available != 0 {
		t.Errorf("%d of %d tokens were taken, %d are left", taken, tokens, available)
	}
}

// Parking does not allocate when it was done before.
func TestWaitersAreRecycled(t *testing.T) {
	var l line
	allocs := testing.AllocsPerRun(100, func() {
		l.Lock()
		a, b := l.Add(), l.Add()
		l.Wake(2)
		l.Unlock()
		for _, w := range []*Waiter{a, b} {
			_ = w.Park(context.Background())
			l.Lock()
			l.Done(w, nil)
			l.Unlock()
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Wait holds the lock again when it returns, and leaves nothing in the line, whether it was woken or not.
func TestWaitUnderALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l line
		for _, woken := range []bool{true, false} {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				synctest.Wait()
				l.Lock()
				defer l.Unlock()
				if woken {
					l.Wake(1)
				} else {
					cancel()
				}
			}()
			l.Lock()
			if err := l.Wait(ctx, &l); woken != (err == nil) {
				t.Errorf("woken is %v, and Wait returned %v", woken, err)
			}
			if l.TryLock() || !l.Empty() || l.free == nil {
				t.Errorf("woken is %v: the lock is free, or the waiter not", woken)
			}
			l.Unlock()
			cancel()
		}
	})
}

// A context that panics must not leave its waiter in the line, where it would take somebody else's wake.
func TestParkWithABrokenContext(t *testing.T) {
	var line Waiters
	var broken *struct{ context.Context }
	w := line.Add()
	err := w.Park(broken)
	line.Done(w, err)
	if err == nil || !line.Empty() {
		t.Errorf("Park returned %v, and the line is empty: %v", err, line.Empty())
	}
	w = line.Add()
	line.Wake(1)
	if err := w.Park(nil); err != nil { //nolint:staticcheck // nil is context.Background
		t.Errorf("without a context: %v", err)
	}
}
