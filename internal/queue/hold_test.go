// SPDX-License-Identifier: MIT

package queue

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// upTo are the numbers from, from+1, ... below to.
func upTo(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// A held source keeps its messages, those of a turn that has begun included, and loses neither one nor their order.
func TestHeldSourceKeepsItsMessages(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	held, other := q.NewSource(nil), q.NewSource(nil)
	var backlog atomic.Int64
	held.CountIn(&backlog)
	held.Put(numbered(0, 0, 30, 16)) // a turn of two runs
	held.Put(numbered(0, 30, 70, 16))
	for want := range 10 {
		m, _ := q.TryRecv()
		if _, n := number(m); n != want {
			t.Fatalf("number %d came, want %d", n, want)
		}
	}
	before := held.Counts()
	held.Hold()
	held.Hold() // changes nothing
	if after := held.Counts(); after != before {
		t.Errorf("counts %+v, and %+v before the source was held", after, before)
	}
	other.Put(numbered(1, 0, 5, 16))
	held.Put(numbered(0, 100, 10, 16))
	if got := received(t, q); !slices.Equal(got, upTo(0, 5)) {
		t.Errorf("while one source is held, %v came", got)
	}
	c := held.Counts()
	if c.Arrived != 110 || c.Delivered != 10 || c.Queued != 100 || backlog.Load() != 100 {
		t.Errorf("counts %+v, and a backlog of %d", c, backlog.Load())
	}
	held.Unhold()
	held.Unhold()
	if got := received(t, q); !slices.Equal(got, upTo(10, 110)) {
		t.Errorf("afterwards %v came", got)
	}
	if c := held.Counts(); c != (Counts{Arrived: 110, Delivered: 110}) || backlog.Load() != 0 {
		t.Errorf("counts %+v, and a backlog of %d", c, backlog.Load())
	}
}

// Receivers sleep beside the messages of a held source, and are all woken when it is held no longer.
func TestUnholdWakesReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		s.Hold()
		var receiving sync.WaitGroup
		var came atomic.Int32
		for range 3 {
			receiving.Go(func() {
				if m, err := q.Recv(t.Context()); m != nil && err == nil {
					came.Add(1)
				}
			})
		}
		synctest.Wait()
		s.Put(numbered(0, 0, 3, 16))
		synctest.Wait()
		if n := came.Load(); n != 0 {
			t.Errorf("%d messages of a held source came", n)
		}
		s.Unhold()
		synctest.Wait()
		if n := came.Load(); n != 3 {
			t.Errorf("%d of 3 messages came", n)
		}
		q.Close(errEnd)
		receiving.Wait()
	})
}

// What a held source has is lost when the inbox is closed, and counted as such.
func TestCloseWithAHeldSource(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	s.Put(numbered(0, 0, 70, 16))
	if m, _ := q.TryRecv(); m == nil {
		t.Fatal("nothing came")
	}
	s.Hold()
	if m, _ := q.TryRecv(); m != nil { // the source leaves the ready ones
		t.Fatal("a held source gave a message")
	}
	q.Close(errEnd)
	s.Unhold()
	s.Hold()
	if c := s.Counts(); c != (Counts{Arrived: 70, Delivered: 1, Lost: 69}) {
		t.Errorf("counts %+v", c)
	}
}

// In a random history of puts, receives and holds, each source's messages come once and in order, none while it is held,
// and the counts balance at every step.
func TestHoldModel(t *testing.T) {
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 1))
		q := NewInbox(Limits{Messages: 1 + dice.IntN(200), Bytes: 1 << 20}, Wait)
		sources := make([]*Source, 3)
		var put, got [3]int
		var held [3]bool
		for i := range sources {
			sources[i] = q.NewSource(func() {})
		}
		receive := func(limit int) {
			for range limit {
				m, _ := q.TryRecv()
				if m == nil {
					return
				}
				from, n := number(m)
				if held[from] || n != got[from] {
					t.Fatalf("seed %d: number %d of source %d (held: %v) came, want %d", seed, n, from, held[from], got[from])
				}
				got[from]++
			}
		}
		for range 300 {
			i := dice.IntN(len(sources))
			switch dice.IntN(5) {
			case 0, 1:
				put[i] += sources[i].Put(numbered(i, put[i], dice.IntN(80), 16))
			case 2:
				sources[i].Hold()
				held[i] = true
			case 3:
				sources[i].Unhold()
				held[i] = false
			default:
				receive(dice.IntN(100))
			}
			for k, s := range sources {
				if c := s.Counts(); c.Queued != put[k]-got[k] || c.Delivered != uint64(got[k]) || (c.QueuedBytes > 0) != (c.Queued > 0) {
					t.Fatalf("seed %d: counts %+v, with %d put and %d received", seed, c, put[k], got[k])
				}
			}
		}
		for i, s := range sources {
			s.Unhold()
			held[i] = false
		}
		if receive(1 << 20); got != put {
			t.Fatalf("seed %d: %v of %v came", seed, got, put)
		}
	}
}
