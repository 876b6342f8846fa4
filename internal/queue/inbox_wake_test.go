// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/msg"
)

// What is more than a whole number of turns is delivered without anything else having to come.
func TestInboxDeliversTheLastMessage(t *testing.T) {
	for _, n := range []int{1, Turn - 1, Turn, Turn + 1, 2*Turn + 1, 3 * Turn} {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		for i := range 2 {
			q.NewSource(nil).Put(numbered(i, 0, n, 16))
		}
		if got := received(t, q); len(got) != 2*n {
			t.Errorf("of 2 x %d messages %d came", n, len(got))
		}
	}
}

// As many receivers are woken as messages came at once, none of whom is left beside a waiting message.
func TestInboxWakesOneReceiverForEachMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 100, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		var mu sync.Mutex
		var got []int
		var receivers sync.WaitGroup
		for range 5 {
			receivers.Go(func() {
				m, err := q.Recv(context.Background())
				if err != nil {
					return
				}
				_, n := number(m)
				mu.Lock()
				got = append(got, n)
				mu.Unlock()
			})
		}
		synctest.Wait()
		s.Put(numbered(0, 0, 3, 16))
		synctest.Wait()
		mu.Lock()
		slices.Sort(got)
		if !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("five receivers wait, three messages came, and %v were received", got)
		}
		mu.Unlock()
		q.Close(errEnd)
		receivers.Wait()
	})
}

// A fakeReadable counts interrupts, and how often direct reads were allowed.
type fakeReadable struct{ interrupts, allowed int }

func (f *fakeReadable) AllowDirectReads(idle func() bool) {
	if idle != nil {
		f.allowed++
	}
}
func (f *fakeReadable) ReadDirectly(context.Context, Wakeable) {}
func (f *fakeReadable) Interrupt()                             { f.interrupts++ }

// A direct read is interrupted by a message that comes another way; of two connections neither is read directly.
func TestInboxInterruptsDirectReads(t *testing.T) {
	q := NewInbox(Limits{Messages: 100, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	var first, second fakeReadable
	q.AddReadable(&first)
	s.Put(numbered(0, 0, 1, 16))
	if first.interrupts != 0 {
		t.Error("a direct read was interrupted although nobody waits")
	}
	put := func(n int) {
		q.waiters.Add() // who may read directly
		s.Put(numbered(0, n, 1, 16))
	}
	put(1)
	if first.interrupts != 1 || first.allowed != 1 {
		t.Errorf("the only connection was interrupted %d times and allowed %d times", first.interrupts, first.allowed)
	}
	q.AddReadable(&second)
	put(2)
	if first.interrupts != 1 || second.interrupts+second.allowed != 0 {
		t.Errorf("of two, the first was interrupted %d times, the second %d times and allowed %d times", first.interrupts, second.interrupts, second.allowed)
	}
	q.RemoveReadable(&first)
	put(3)
	if second.interrupts != 1 || second.allowed != 1 {
		t.Errorf("the one that is left was interrupted %d times and allowed %d times", second.interrupts, second.allowed)
	}
}

// Only who waits alone may read a connection.
func TestWaitersKnowWhoIsAlone(t *testing.T) {
	var ws Waiters
	if first, second := ws.Add(), ws.Add(); !first.alone || second.alone {
		t.Errorf("the first of two is alone: %v, the second: %v", first.alone, second.alone)
	}
}

// However many take from a turn at once, each message is taken once and nothing beyond the last.
func TestTurnEndsForAll(t *testing.T) {
	const takers, rounds = 8, 500
	for range rounds {
		run := numbered(0, 0, 2, 16)
		turn := &turn{n: len(run), run: run}
		var taken [takers]int
		var taking sync.WaitGroup
		for i := range takers {
			taking.Go(func() {
				for turn.take() != nil {
					taken[i]++
				}
			})
		}
		taking.Wait()
		total := 0
		for _, n := range taken {
			total += n
		}
		if total != len(run) {
			t.Fatalf("%d of %d messages were taken", total, len(run))
		}
	}
}

// A receiver that gives up leaves its place: the next one is woken.
func TestInboxForgetsWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 100, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		ctx, cancel := context.WithCancel(context.Background())
		got := make(chan int, 2)
		recv := func(ctx context.Context) {
			m, err := q.Recv(ctx)
			if err != nil {
				got <- -1
				return
			}
			_, n := number(m)
			got <- n
		}
		go recv(ctx)
		synctest.Wait()
		go recv(context.Background())
		synctest.Wait()
		cancel()
		if n := <-got; n != -1 {
			t.Errorf("message %d, from an empty inbox", n)
		}
		s.Put(numbered(0, 7, 1, 16))
		synctest.Wait()
		select {
		case n := <-got:
			if n != 7 {
				t.Errorf("got %d, want 7", n)
			}
		default:
			t.Error("a message waits beside a receiver")
		}
		q.Close(errEnd)
	})
}

// Look wakes those who wait, so that they ask what comes before the sources.
func TestInboxLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 100, Bytes: 1 << 20}, Wait)
		var first *msg.Message
		q.First(func() (m *msg.Message) {
			m, first = first, nil
			return m
		})
		got := make(chan *msg.Message, 1)
		go func() {
			m, _ := q.Recv(context.Background())
			got <- m
		}()
		synctest.Wait()
		want := &numbered(0, 7, 1, 16)[0]
		q.mu.Lock()
		first = want
		q.mu.Unlock()
		q.Look()
		synctest.Wait()
		select {
		case m := <-got:
			if m != want {
				t.Errorf("got %v, want what comes first", m)
			}
		default:
			t.Error("nobody looked")
		}
		q.Close(errEnd)
	})
}
