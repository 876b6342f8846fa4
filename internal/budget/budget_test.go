// SPDX-License-Identifier: MIT

package budget

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// A holder records what becomes of it, and empties its queues when it is shed.
type holder struct {
	account Account
	mu      sync.Mutex
	meter   Meter
	bytes   int64
	shed    bool
	resumed bool
	order   *[]*holder
}

func newHolder(b *Budget) *holder {
	h := &holder{}
	h.account.Open(b, h)
	h.meter = h.account.NewMeter()
	return h
}

func (h *holder) Shed() {
	h.mu.Lock()
	h.shed = true
	h.bytes = 0
	h.meter.Set(0)
	h.mu.Unlock()
	if h.order != nil {
		*h.order = append(*h.order, h)
	}
	h.account.Close()
}

func (h *holder) Resume() { h.resumed = true } // by the same goroutine, in these tests

func (h *holder) set(n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.shed {
		h.bytes = n
		h.meter.Set(n)
	}
}

// idle fails if something is in use, or an account is remembered.
func idle(t *testing.T, b *Budget) {
	t.Helper()
	if used, holders := b.used.Load(), b.holders.Load(); used != 0 || holders != 0 {
		t.Errorf("%d bytes are in use, by %d meters, after everything was given back", used, holders)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first != nil || len(b.leaving)+len(b.forEmpty)+len(b.forMore) > 0 {
		t.Errorf("accounts are remembered: %v, %d that are shed, %d and %d that wait", b.first, len(b.leaving), len(b.forEmpty), len(b.forMore))
	}
}

func TestDefaults(t *testing.T) {
	for limit, want := range map[int64]int64{math.MaxInt64: 1 << 30, 400 << 20: 100 << 20, 1: 1} {
		if got := byMemoryLimit(limit); got != want {
			t.Errorf("with a memory limit of %d the budget is %d and should be %d", limit, got, want)
		}
	}
	if st := New(Config{}).Stats(); st.PipesPerListener != 65536 || st.MaxBytes <= 0 {
		t.Errorf("the default is %+v", st)
	}
	if st := New(Config{Bytes: -1, PipesPerListener: -1}).Stats(); st.PipesPerListener != math.MaxInt || st.MaxBytes != math.MaxInt64 {
		t.Errorf("without limits it is %+v", st)
	}
	if first, second := Default(), Default(); first != second {
		t.Error("there are two defaults")
	}
}

// What a meter has reserved covers its queue, and is not much more; small queues reserve nothing.
func TestMeterCoversItsQueue(t *testing.T) {
	b := New(Config{Bytes: 1 << 30})
	h := newHolder(b)
	for range 100_000 {
		n := rand.Int64N(1 << rand.IntN(25))
		h.set(n)
		used := b.used.Load()
		switch {
		case n < uncounted/2 && used != 0:
			t.Fatalf("%d bytes reserve %d", n, used)
		case n > uncounted && (used < n || used > n+3*maxStep):
			t.Fatalf("%d bytes reserve %d", n, used)
		}
	}
	h.set(0)
	h.account.Close()
	idle(t, b)
}

// A queue that goes up and down a little touches nothing shared.
func TestMeterIsLazy(t *testing.T) {
	b := New(Config{Bytes: 1 << 30})
	h := newHolder(b)
	h.set(1 << 20)
	before := b.used.Load()
	for n := int64(1<<20 - 32<<10); n < 1<<20+32<<10; n += 100 {
		h.set(n)
	}
	if after := b.used.Load(); after != before {
		t.Errorf("%d bytes were reserved, and %d after small changes", before, after)
	}
}

// The largest accounts are shed, in order, and no more of them than is of use.
func TestLargestFirst(t *testing.T) {
	b := New(Config{Bytes: 16 << 20})
	var order []*holder
	var all []*holder
	for i := range 64 {
		h := newHolder(b)
		h.order = &order
		h.set(int64(i) << 11)
		all = append(all, h)
	}
	all[3].set(4 << 20)
	all[7].set(5 << 20)
	b.Relieve(&Account{})
	if len(order) != 0 {
		t.Fatalf("%d were shed within the limit", len(order))
	}
	all[20].set(3 << 20)
	b.Relieve(&Account{})
	if !slices.Equal(order, []*holder{all[7]}) {
		t.Fatalf("%d were shed and it should be the largest only", len(order))
	}
	if st := b.Stats(); st.Shed != 1 || st.ShedBytes < 5<<20 || st.Bytes > st.MaxBytes || st.PeakBytes <= st.MaxBytes {
		t.Errorf("the figures are %+v", st)
	}
	for _, h := range all {
		h.set(0)
		h.account.Close()
	}
	idle(t, b)
}

// Accounts within their share are never shed, however much others have that cannot be shed.
func TestSharesStay(t *testing.T) {
	b := New(Config{Bytes: 16 << 20})
	big := newHolder(b)
	fixed := big.account.NewFixedMeter()
	fixed.Set(17 << 20)
	small := newHolder(b)
	small.set(1 << 20)
	b.Relieve(&Account{})
	if small.shed || big.shed {
		t.Error("a small account, or one that shedding does not make smaller, was shed")
	}
	scans := b.relieveAt.Load()
	small.set(1<<20 + 64<<10)
	if b.Relieve(&Account{}); b.relieveAt.Load() != scans {
		t.Error("all accounts are looked through again for a few bytes more")
	}
	fixed.Set(0)
	for _, h := range []*holder{big, small} {
		h.set(0)
		h.account.Close()
	}
	idle(t, b)
}

// Queues that may wait are refused beyond three quarters, unless they are empty or small, and are resumed.
func TestRoom(t *testing.T) {
	b := New(Config{Bytes: 16 << 20})
	other, h := newHolder(b), newHolder(b)
	room := func(has, n int64) bool {
		h.set(has)
		return h.meter.Room(has, n)
	}
	if !room(4<<20, 1<<20) {
		t.Error("there is no room in an unused budget")
	}
	other.set(13 << 20)
	if room(2<<20, 1<<20) {
		t.Error("a large queue may grow although the budget is used up")
	}
	h.resumed = false
	other.set(1 << 20)
	if !h.resumed {
		t.Error("a queue that was refused is not resumed when there is room")
	}
	other.set(14 << 20)
	if !room(0, 1<<20) || !room(1000, 100<<10) {
		t.Error("an empty queue, or a small one, is refused within the limit")
	}
	other.set(17 << 20)
	if room(0, 5<<20) {
		t.Error("an empty queue is not refused beyond the limit")
	}
	h.resumed = false
	other.set(15 << 20)
	if !h.resumed {
		t.Error("an empty queue is not resumed within the limit")
	}
	other.set(0)
	other.account.Close()
	h.account.Close()
	idle(t, b)
}

// A queue that asks for room for one message and is promised more, again and again, does not grow beyond its share by that.
func TestSpareStaysWithinTheShare(t *testing.T) {
	b := New(Config{Bytes: 16 << 20})
	other, h := newHolder(b), newHolder(b)
	if got := h.meter.Spare(0, 64<<10); got != 64<<10 {
		t.Errorf("of an unused budget %d bytes are promised", got)
	}
	other.set(13 << 20)
	has, most := int64(0), b.share()/2+maxStep
	for h.meter.Room(has, 5000) && has < 4*most {
		for promised := max(5000, h.meter.Spare(has, 64<<10)); promised >= 5000; promised -= 5000 {
			has += 5000
			h.set(has)
		}
	}
	if has > most {
		t.Errorf("a queue grew to %d bytes beside one that has most, its share and a step are %d", has, most)
	}
	other.set(0)
	h.set(0)
	other.account.Close()
	h.account.Close()
	idle(t, b)
}

// An account that is closed while it waits is forgotten, and one that is closed with something in it is when that is gone.
func TestClosedAccountsAreForgotten(t *testing.T) {
	b := New(Config{Bytes: 1 << 20})
	other, h := newHolder(b), newHolder(b)
	other.set(2 << 20)
	if h.meter.Room(0, 1<<20) {
		t.Fatal("there is room")
	}
	h.account.Close()
	other.account.Close()
	b.Relieve(&Account{})
	if !other.shed {
		t.Error("an account that is closed and not empty cannot be shed")
	}
	idle(t, b)
}

// Many goroutines change their queues at once: the budget holds, everybody who was refused is resumed, nothing is left.
func TestManyAtOnce(t *testing.T) {
	const limit = 2 << 20
	b := New(Config{Bytes: limit})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				h := newHolder(b)
				for range 50 {
					h.set(rand.Int64N(1 << rand.IntN(22)))
					b.Relieve(&h.account)
				}
				h.set(0)
				h.account.Close()
			}
		})
	}
	all.Wait()
	idle(t, b)
	if st := b.Stats(); st.Shed == 0 || st.PeakBytes > limit+8*(2<<20+maxStep) {
		t.Errorf("the figures are %+v", st)
	}
}

// A waiter is a sender that waits for room.
type waiter struct {
	account Account
	wake    chan struct{}
}

func (w *waiter) Shed() {}
func (w *waiter) Resume() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Whoever was refused is resumed: senders go on until all of them have sent everything.
func TestNoLostWakes(t *testing.T) {
	b := New(Config{Bytes: 1 << 20})
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			w := &waiter{wake: make(chan struct{}, 1)}
			w.account.Open(b, w)
			m := w.account.NewMeter()
			for range 300 {
				for !m.Room(0, 300<<10) {
					<-w.wake
				}
				m.Set(300 << 10)
				runtime.Gosched()
				m.Set(0)
			}
			w.account.Close()
		})
	}
	all.Wait()
	idle(t, b)
}
