// SPDX-License-Identifier: MIT

package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/msg"
)

func bodies(n int) []msg.Message {
	run := make([]msg.Message, 0, 2*n)
	for range n {
		run = append(run, msg.Message{})
	}
	return run
}

// A source knows how old its oldest message is, whoever asks and however messages come, and how long they waited.
func TestAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{1 << 20, 1 << 30}, Wait)
		s := q.NewSource(nil)
		check := func(want time.Duration, waited int64) {
			t.Helper()
			age, h := s.Ages()
			if age != want || h.Count() != waited {
				t.Errorf("the oldest is %v old, want %v; %d have waited, want %d", age, want, h.Count(), waited)
			}
		}
		check(0, 0)
		s.Put(bodies(1))
		check(0, 0) // which is noted
		time.Sleep(time.Second)
		check(time.Second, 0)
		s.Put(bodies(2))
		time.Sleep(time.Second)
		check(2*time.Second, 0)
		for range 3 {
			if _, err := q.TryRecv(); err != nil {
				t.Fatal(err)
			}
		}
		check(0, 1)
		for range noteSoon {
			s.Put(bodies(1)) // one is noted, because others wait
		}
		time.Sleep(time.Minute)
		check(time.Minute, 1)
		if _, h := s.Ages(); h.Max() != 2*time.Second {
			t.Errorf("the longest wait was %v", h.Max())
		}
	})
}

// A queue that is kept nearly empty asks for the time once in many runs.
func TestFewRunsAreNoted(t *testing.T) {
	q := NewInbox(Limits{1 << 20, 1 << 30}, Wait)
	s := q.NewSource(nil)
	for range 64 * noteEvery {
		s.Put(bodies(1))
		if _, err := q.TryRecv(); err != nil {
			t.Fatal(err)
		}
	}
	if _, h := s.Ages(); h.Count() != 64 {
		t.Errorf("%d runs were noted, want 64", h.Count())
	}
}
