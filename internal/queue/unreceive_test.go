// SPDX-License-Identifier: MIT

package queue

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/msg"
)

// take receives n messages and returns the last one.
func take(t *testing.T, q *Inbox, n int) (m *msg.Message) {
	t.Helper()
	for range n {
		var err error
		if m, err = q.TryRecv(); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// A message that is put back is the next one of its source again, whether a turn is under way, over or was never begun.
func TestUnreceiveKeepsOrder(t *testing.T) {
	for _, c := range []struct{ messages, taken int }{{1, 1}, {10, 1}, {10, 4}, {10, 10}, {100, 64}, {100, 65}, {100, 100}} {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		s.Put(numbered(0, 0, c.messages, 16))
		m := take(t, q, c.taken)
		if !s.Unreceive(m) {
			t.Fatalf("%+v: an open inbox did not take its message back", c)
		}
		if m.Len() != 0 {
			t.Errorf("%+v: whoever put the message back still has it", c)
		}
		left := c.messages - c.taken + 1
		if n := s.Counts(); n.Delivered != uint64(c.taken-1) || n.Queued != left || n.Arrived != uint64(c.messages) {
			t.Errorf("%+v: counts %+v", c, n)
		}
		if got := received(t, q); !slices.Equal(got, upTo(c.taken-1, c.messages)) {
			t.Errorf("%+v: then came %v", c, got)
		}
		if n := s.Counts(); n != (Counts{Arrived: uint64(c.messages), Delivered: uint64(c.messages)}) {
			t.Errorf("%+v: counts at rest %+v", c, n)
		}
	}
}

// A receiver that waits gets the message that another one puts back.
func TestUnreceiveWakesAReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 10, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		s.Put(numbered(0, 7, 1, 16))
		m := take(t, q, 1)
		got := make(chan int)
		go func() {
			m, err := q.Recv(t.Context())
			if err != nil {
				t.Error(err)
				close(got)
				return
			}
			_, n := number(m)
			got <- n
		}()
		synctest.Wait()
		s.Unreceive(m)
		if n := <-got; n != 7 {
			t.Errorf("the message that was put back came as %d", n)
		}
	})
}

// Held sources keep what is put back, those that keep the newest messages drop it for newer ones, and those that were shed
// drop it. A closed inbox refuses it.
func TestUnreceiveWhereItCannotBeReceived(t *testing.T) {
	q := NewInbox(Limits{Messages: 10, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	s.Put(numbered(0, 0, 2, 16))
	m := take(t, q, 1)
	s.Hold()
	s.Unreceive(m)
	if got := received(t, q); len(got) != 0 {
		t.Errorf("a held source gave %v", got)
	}
	s.Unhold()
	m = take(t, q, 2)
	s.Shed()
	if s.Unreceive(m); s.Counts() != (Counts{Arrived: 2, Delivered: 1, Shed: 1}) {
		t.Errorf("a source that was shed: %+v", s.Counts())
	}

	q = NewInbox(Limits{Messages: 1, Bytes: 1 << 20}, DropOldest)
	s = q.NewSource(nil)
	s.Put(numbered(0, 0, 1, 16))
	m = take(t, q, 1)
	s.Put(numbered(0, 1, 1, 16))
	s.Unreceive(m)
	if got := received(t, q); !slices.Equal(got, []int{1}) {
		t.Errorf("the newest message is 1, and %v came", got)
	}
	if c := s.Counts(); c != (Counts{Arrived: 2, Delivered: 1, Overflow: 1}) {
		t.Errorf("counts %+v", c)
	}

	s.Put(numbered(0, 2, 1, 16))
	m = take(t, q, 1)
	q.Close(errEnd)
	if s.Unreceive(m) || m.Len() == 0 {
		t.Error("a closed inbox took a message back")
	}
}
