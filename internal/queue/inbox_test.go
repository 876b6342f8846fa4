// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/msg"
)

var errEnd = errors.New("end")

func run(size int, bodies ...byte) []msg.Message {
	ms := make([]msg.Message, len(bodies))
	for i, b := range bodies {
		body := make([]byte, size)
		body[0] = b
		ms[i] = msg.Of(body)
	}
	return ms
}

// An inbox and a model of it go through the same random history. Every source's figures balance at every step, and
// what comes out is, for each source, what went in, in order, less what the policy dropped.
func TestInboxAgainstModel(t *testing.T) {
	for _, policy := range []Policy{Wait, DropOldest, DropNewest} {
		for seed := range uint64(50) {
			inboxHistory(t, policy, rand.New(rand.NewPCG(seed, 1)))
		}
	}
}

func inboxHistory(t *testing.T, policy Policy, r *rand.Rand) {
	t.Helper()
	const sources = 3
	limits := Limits{Messages: 1 + r.IntN(100), Bytes: int64(1 + r.IntN(2000))}
	q := NewInbox(limits, policy)
	var all [sources]*Source
	var resumed, last [sources]int
	var put [sources]int
	for i := range all {
		all[i] = q.NewSource(func() { resumed[i]++ })
	}
	refused := [sources]bool{}
	for range 2000 {
		i := r.IntN(sources)
		if r.IntN(3) > 0 {
			bodies := make([]byte, 1+r.IntN(20))
			for k := range bodies {
				bodies[k] = byte(put[i] + k)
			}
			before := resumed[i]
			taken := all[i].Put(run(1+r.IntN(30), bodies...))
			if policy != Wait && taken != len(bodies) {
				t.Fatalf("policy %d refused messages", policy)
			}
			put[i] += taken
			refused[i] = taken < len(bodies) && resumed[i] == before
			if c := all[i].Counts(); c.Queued > limits.Messages+Turn {
				t.Fatalf("%d messages are queued with a limit of %d", c.Queued, limits.Messages)
			}
		} else if m, err := q.TryRecv(); err != nil {
			t.Fatal(err)
		} else if m != nil {
			source := 0
			for k := range all { // found by its figures: the one that has just delivered
				if c := all[k].Counts(); int(c.Delivered) > last[k] {
					source, last[k] = k, int(c.Delivered)
				}
			}
			if policy == Wait && m.Bytes()[0] != byte(last[source]-1) {
				t.Fatalf("source %d delivered %d as number %d", source, m.Bytes()[0], last[source]-1)
			}
		}
		for k := range all {
			if c := all[k].Counts(); c.Arrived != c.Delivered+uint64(c.Queued)+c.Overflow+c.Lost {
				t.Fatalf("unbalanced: %+v", c)
			}
		}
	}
	for { // what was refused is asked for again when the inbox runs empty
		m, err := q.TryRecv()
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			break
		}
	}
	for k := range all {
		if refused[k] && resumed[k] == 0 {
			t.Errorf("source %d was refused and never resumed", k)
		}
	}
	all[0].Put(run(1, 1))
	q.Close(errEnd)
	if c := all[0].Counts(); c.Lost != 1 || c.Queued != 0 {
		t.Errorf("after Close: %+v, want one lost", c)
	}
	if _, err := q.TryRecv(); !errors.Is(err, errEnd) {
		t.Errorf("TryRecv after Close: %v", err)
	}
}

// Sources take turns of at most Turn messages.
func TestTurns(t *testing.T) {
	q := NewInbox(Limits{Messages: 10000, Bytes: 1 << 30}, Wait)
	a, b := q.NewSource(nil), q.NewSource(nil)
	for range 10 {
		a.Put(run(1, make([]byte, 50)...))
	}
	for range 10 {
		b.Put(run(1, bytesOf(1, 50)...))
	}
	var turns []int
	last := byte(9)
	for range 1000 {
		m, err := q.Recv(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if from := m.Bytes()[0]; from != last {
			turns, last = append(turns, 0), from
		}
		turns[len(turns)-1]++
	}
	for i, n := range turns[:len(turns)-2] {
		if n != Turn {
			t.Errorf("turn %d took %d messages, want %d", i, n, Turn)
		}
	}
}

func bytesOf(b byte, n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = b
	}
	return all
}

// A receiver whose context ends as it is woken passes the wake on: no message stays while somebody waits for it.
func TestWakesAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			q := NewInbox(Limits{Messages: 10, Bytes: 100}, Wait)
			s := q.NewSource(nil)
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan bool, 2)
			go func() { m, _ := q.Recv(ctx); got <- m != nil }()
			synctest.Wait()
			go func() { m, _ := q.Recv(context.Background()); got <- m != nil }()
			synctest.Wait()
			go cancel()
			s.Put(run(1, 1))
			received := <-got
			if !received { // then the other one has it
				received = <-got
			}
			if !received {
				t.Fatal("a message stayed while a receiver waited")
			}
			synctest.Wait()
			q.Close(errEnd)
			cancel()
		}
	})
}
