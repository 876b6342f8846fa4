// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/msg"
)

// turnOf takes a turn and returns the numbers of its first messages, up to most of them.
func turnOf(t *testing.T, q *Inbox, taken *Taken, most int) (got []int) {
	t.Helper()
	m, err := q.RecvTurn(t.Context(), taken)
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, n := number(m)
		if got = append(got, n); len(got) == most || !taken.More() {
			return got
		}
		m = taken.Next()
	}
}

// A turn that is taken whole has the messages that single receives would have had.
func TestRecvTurnTakesTheWholeTurn(t *testing.T) {
	for _, c := range []struct{ messages, before int }{{1, 0}, {2, 0}, {64, 0}, {100, 0}, {100, 1}, {100, 63}, {100, 64}, {200, 70}} {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		s.Put(numbered(0, 0, c.messages, 16))
		if c.before > 0 {
			take(t, q, c.before)
		}
		var taken Taken
		got := turnOf(t, q, &taken, Turn)
		end := min((c.before/Turn+1)*Turn, c.messages)
		if !slices.Equal(got, upTo(c.before, end)) || taken.More() {
			t.Errorf("%+v: the turn is %v", c, got)
		}
		if n := s.Counts(); n.Delivered != uint64(end) || n.Queued != c.messages-end {
			t.Errorf("%+v: counts %+v", c, n)
		}
	}
}

// What a receiver has not reached of its turn is first again, also for others, whether the turn is still the inbox's or not.
func TestTheRestOfATurnGoesBack(t *testing.T) {
	for _, c := range []struct{ messages, reached, others int }{{10, 1, 0}, {10, 9, 0}, {10, 10, 0}, {100, 3, 0}, {200, 3, 20}, {200, 64, 0}} {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		s.Put(numbered(0, 0, c.messages, 16))
		var taken Taken
		turnOf(t, q, &taken, c.reached)
		if c.others > 0 {
			take(t, q, c.others) // of the turn behind
		}
		rest := taken.Rest()
		if len(rest) > 0 && !s.Unreceive(rest...) {
			t.Fatalf("%+v: an open inbox did not take its messages back", c)
		}
		if taken.More() || len(taken.Rest()) > 0 {
			t.Errorf("%+v: the receiver still has them", c)
		}
		taken.Release()
		want := upTo(c.reached, c.messages)
		if c.others > 0 {
			want = append(upTo(c.reached, Turn), upTo(Turn+c.others, c.messages)...)
		}
		if n := s.Counts(); n.Delivered != uint64(c.reached+c.others) || n.Queued != len(want) {
			t.Errorf("%+v: counts %+v", c, n)
		}
		if got := received(t, q); !slices.Equal(got, want) {
			t.Errorf("%+v: then came %v", c, got)
		}
		if n := s.Counts(); n != (Counts{Arrived: uint64(c.messages), Delivered: uint64(c.messages)}) {
			t.Errorf("%+v: counts at rest %+v", c, n)
		}
	}
}

// The messages of a turn are released together, before the next one is waited for.
func TestATurnIsReleased(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	released := 0
	run := make([]msg.Message, 10)
	for i := range run {
		run[i] = *msg.Wrap(make([]byte, 16), func() { released++ })
	}
	s.Put(run)
	var taken Taken
	turnOf(t, q, &taken, Turn)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.RecvTurn(ended, &taken); !errors.Is(err, context.Canceled) || released != len(run) {
		t.Errorf("%v, and %d of %d messages were released", err, released, len(run))
	}
	taken.Release()
	if released != len(run) {
		t.Errorf("%d releases of %d messages", released, len(run))
	}
}

// In steady state, a turn costs no memory: its messages are used again.
func TestRecvTurnDoesNotAllocate(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	var taken Taken
	allocs := testing.AllocsPerRun(100, func() {
		for range 2 {
			s.Put(msg.NewSlab(Turn)[:Turn])
			if _, err := q.RecvTurn(context.Background(), &taken); err != nil {
				t.Fatal(err)
			}
			for taken.More() {
				taken.Next()
			}
		}
	})
	if allocs > 1 { // turns are allocated many at a time
		t.Errorf("%v allocations for two turns", allocs)
	}
}

// While one source alone has messages, a turn ends where a run does, so that the turns behind it are whole runs.
func TestALoneSourcesTurnEndsWithARun(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	s.Put(numbered(0, 0, 40, 16))
	s.Put(numbered(0, 40, 2*Turn, 16))
	var taken Taken
	for _, want := range [][]int{upTo(0, 40), upTo(40, 40+Turn), upTo(40+Turn, 40+2*Turn)} {
		if got := turnOf(t, q, &taken, Turn); !slices.Equal(got, want) {
			t.Errorf("the turn is %v, want %v", got, want)
		}
	}
}

// Messages that another receiver has, or that went back to the queue, are not used again.
func TestMessagesOfOthersAreNotUsedAgain(t *testing.T) {
	for name, receive := range map[string]func(q *Inbox, taken *Taken){
		"the first one is another receiver's": func(q *Inbox, taken *Taken) {
			take(t, q, 1)
			turnOf(t, q, taken, Turn)
		},
		"the rest went back": func(q *Inbox, taken *Taken) {
			turnOf(t, q, taken, Turn-1)
			taken.Rest()
		},
		"all are another receiver's, before a lone one": func(q *Inbox, taken *Taken) {
			take(t, q, Turn)
			turnOf(t, q, taken, 1)
		},
	} {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		run := numbered(0, 0, Turn+1, 16)
		q.NewSource(nil).Put(run)
		var taken Taken
		receive(q, &taken)
		taken.Release()
		for range 100 {
			if slab := msg.NewSlab(Turn); &slab[:1][0] == &run[0] {
				t.Fatalf("%s: the turn's messages were used again", name)
			}
		}
	}
}
