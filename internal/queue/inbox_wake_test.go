// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
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
