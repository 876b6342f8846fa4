// SPDX-License-Identifier: MIT

package queue

import (
	"errors"
	"testing"

	"github.com/sprymq/spry/internal/msg"
)

func TestDrainReportsTheLastMessage(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	one, two := q.NewSource(nil), q.NewSource(nil)
	put := func(s *Source, bodies ...byte) {
		run := make([]msg.Message, 0, len(bodies))
		for _, b := range bodies {
			run = append(run, msg.Of([]byte{b}))
		}
		if n := s.Put(run); n != len(run) {
			t.Fatalf("%d of %d messages were taken", n, len(run))
		}
	}
	var got []byte
	take := func() {
		t.Helper()
		m, err := q.TryRecv()
		if m == nil || err != nil {
			t.Fatalf("no message: %v", err)
		}
		got = append(got, m.Body()...)
	}
	put(one, 1, 2, 3)
	put(one, 4)
	take() // which begins a turn of four
	put(one, 5)
	taken := 0
	q.Drain(func() { taken++ })
	put(two, 6, 7)
	for taken == 0 && len(got) < 7 {
		if c := one.Counts(); c.Arrived != c.Delivered+uint64(c.Queued) || q.Empty() {
			t.Fatalf("after %v: %+v, empty: %v", got, c, q.Empty())
		}
		take()
	}
	if len(got) != 7 || taken != 1 || !q.Empty() {
		t.Fatalf("got %v, told %d times, empty: %v", got, taken, q.Empty())
	}
	last := byte(0)
	for _, b := range got {
		if b < 6 {
			if b != last+1 {
				t.Fatalf("out of order: %v", got)
			}
			last = b
		}
	}
	if c := one.Counts(); c.Delivered != 5 || c.Queued != 0 || c.QueuedBytes != 0 {
		t.Errorf("the first source: %+v", c)
	}
	put(two, 8)
	if take(); taken != 2 {
		t.Errorf("told %d times", taken)
	}
	end := errors.New("end")
	q.Close(end)
	q.Drain(func() { t.Error("told after Close") })
	if _, err := q.TryRecv(); !errors.Is(err, end) {
		t.Errorf("after Close: %v", err)
	}
}
