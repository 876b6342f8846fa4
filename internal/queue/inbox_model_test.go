// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/msg"
)

// modelSource is what a source should be, in plain slices.
type modelSource struct {
	numbers []int // queued, the current turn included
	counts  Counts
	next    int
	owed    bool // messages were refused and there was no resumption since
	back    int  // messages that were put back since the source was empty, and may be beyond the limits
}

// A random history of puts, receives, turns that are taken whole, messages that are put back, and a close agrees with a model in
// every count, and no message is delivered twice or out of order.
func TestInboxModel(t *testing.T) {
	for _, policy := range []Policy{Wait, DropOldest, DropNewest} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			steps := 0
			for seed := range uint64(60) {
				steps += inboxHistory(t, policy, rand.New(rand.NewPCG(seed, uint64(policy))))
			}
			t.Logf("%d steps agree with the model", steps)
		})
	}
}

func inboxHistory(t *testing.T, policy Policy, dice *rand.Rand) (steps int) {
	limits := Limits{Messages: 1 + dice.IntN(150), Bytes: int64(20 + dice.IntN(4000))}
	q := NewInbox(limits, policy)
	sources := make([]*Source, 1+dice.IntN(4))
	models := make([]modelSource, len(sources))
	for i := range sources {
		sources[i] = q.NewSource(func() {
			if s := sources[i]; !models[i].owed || s.messages > limits.Messages/2 || s.bytes > limits.Bytes/2 {
				t.Errorf("a resumption that is owed: %v, with %d messages of %d bytes queued and limits of %+v",
					models[i].owed, s.messages, s.bytes, limits)
			}
			models[i].owed = false
		})
	}
	for steps = range 400 {
		i := dice.IntN(len(sources))
		s, m := sources[i], &models[i]
		if dice.IntN(3) > 0 {
			size := 16 + dice.IntN(100)
			n := dice.IntN(80)
			run := numbered(i, m.next, n, size)
			before := s.Counts()
			taken := s.Put(run)
			if policy != Wait && taken != n {
				t.Fatalf("a policy that never refuses took %d of %d", taken, n)
			}
			after := s.Counts()
			if after.Arrived != before.Arrived+uint64(taken) {
				t.Fatalf("arrived %d, then %d: %d were taken", before.Arrived, after.Arrived, taken)
			}
			m.owed = m.owed || taken < n
			for k := range taken {
				m.numbers = append(m.numbers, m.next+k)
			}
			m.next += n
			m.counts.Arrived += uint64(taken)
			if now := q.turn.Load(); now.source != s || now.taken() == now.n { // else the turn's messages are beyond the limits
				if after.Queued > limits.Messages+m.back || after.Queued > 1 && after.QueuedBytes > limits.Bytes && m.back == 0 {
					t.Fatalf("%d messages of %d bytes are queued, the limits are %+v", after.Queued, after.QueuedBytes, limits)
				}
			}
		} else if dice.IntN(3) == 0 {
			receiveTurn(t, q, policy, sources, models, dice)
		} else if last := receiveSome(t, q, policy, models, dice.IntN(100)); last != nil && dice.IntN(3) == 0 {
			from, n := number(last)
			g := &models[from]
			sources[from].Unreceive(last)
			g.numbers = slices.Insert(g.numbers, 0, n)
			g.counts.Delivered--
			g.back++
		}
		for k, s := range sources {
			c := s.Counts()
			if c.Arrived != c.Delivered+uint64(c.Queued)+c.Overflow+c.Lost {
				t.Fatalf("%+v does not balance", c)
			}
			if c.Arrived != models[k].counts.Arrived || c.Delivered != models[k].counts.Delivered {
				t.Fatalf("counts %+v, the model has %+v", c, models[k].counts)
			}
			if policy == Wait && c.Queued != len(models[k].numbers) {
				t.Fatalf("%d queued, the model has %d", c.Queued, len(models[k].numbers))
			}
			if c.Queued == 0 {
				models[k].back = 0
			}
			if models[k].owed && s.messages == 0 {
				t.Fatal("an empty source was not resumed")
			}
		}
	}
	q.Close(errEnd)
	for k, s := range sources {
		c := s.Counts()
		if c.Queued != 0 || c.QueuedBytes != 0 || c.Arrived != c.Delivered+c.Overflow+c.Lost {
			t.Fatalf("after Close: %+v", c)
		}
		if policy == Wait && c.Lost != uint64(len(models[k].numbers)) {
			t.Fatalf("%d lost, the model has %d", c.Lost, len(models[k].numbers))
		}
	}
	return steps + 1
}

// receiveTurn takes a turn whole, if there is one, and puts back what comes after some of its messages.
func receiveTurn(t *testing.T, q *Inbox, policy Policy, sources []*Source, models []modelSource, dice *rand.Rand) {
	t.Helper()
	if !slices.ContainsFunc(sources, func(s *Source) bool { return s.Counts().Queued > 0 }) {
		return
	}
	var taken Taken
	m, err := q.RecvTurn(t.Context(), &taken)
	for most := 1 + dice.IntN(Turn); err == nil; m = taken.Next() {
		came(t, policy, models, m)
		if most--; most <= 0 || !taken.More() {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if rest := taken.Rest(); len(rest) > 0 {
		from, _ := number(rest[0])
		models[from].back += len(rest)
		sources[from].Unreceive(rest...)
	}
	taken.Release()
}

// came compares a message that was received with the models.
func came(t *testing.T, policy Policy, models []modelSource, m *msg.Message) {
	t.Helper()
	from, n := number(m)
	g := &models[from]
	at := slices.Index(g.numbers, n)
	if at < 0 {
		t.Fatalf("number %d of source %d came twice, late or never was", n, from)
	}
	if policy == Wait && at != 0 {
		t.Fatalf("number %d of source %d came before %d", n, from, g.numbers[0])
	}
	g.numbers = g.numbers[at+1:]
	g.counts.Delivered++
}

// receiveSome receives up to most messages, compares them with the models and returns the last one.
func receiveSome(t *testing.T, q *Inbox, policy Policy, models []modelSource, most int) (last *msg.Message) {
	for range most {
		got, err := q.TryRecv()
		if err != nil && !errors.Is(err, ErrWouldBlock) {
			t.Fatal(err)
		}
		if got == nil {
			break
		}
		last = got
		came(t, policy, models, got)
	}
	return last
}

// Several producers with back-pressure and several receivers, some of which give up now and then: everything
// arrives once.
func TestInboxUnderLoad(t *testing.T) {
	const producers, receivers, each = 4, 3, 5000
	q := NewInbox(Limits{Messages: 100, Bytes: 1 << 20}, Wait)
	var producing, receiving sync.WaitGroup
	sources := make([]*Source, producers)
	for i := range sources {
		room := make(chan struct{}, 1)
		sources[i] = q.NewSource(func() {
			select {
			case room <- struct{}{}:
			default:
			}
		})
		producing.Go(func() {
			for sent := 0; sent < each; {
				run := numbered(i, sent, min(90, each-sent), 16)
				sent += len(run)
				for run = run[sources[i].Put(run):]; len(run) > 0; run = run[sources[i].Put(run):] {
					<-room
				}
			}
		})
	}
	var mu sync.Mutex
	seen := make(map[[2]int]int)
	all, finish := context.WithTimeout(context.Background(), 2*time.Minute)
	defer finish()
	for r := range receivers {
		receiving.Go(func() {
			for {
				ctx, cancel := context.WithCancel(all)
				if r == 0 {
					receiving.Go(cancel)
				}
				m, err := q.Recv(ctx)
				cancel()
				if err != nil {
					if all.Err() != nil {
						return
					}
					continue
				}
				source, n := number(m)
				mu.Lock()
				seen[[2]int{source, n}]++
				done := len(seen) == producers*each
				mu.Unlock()
				if done {
					finish()
				}
			}
		})
	}
	producing.Wait()
	receiving.Wait()
	if len(seen) != producers*each {
		t.Errorf("%d of %d messages arrived", len(seen), producers*each)
	}
	for which, n := range seen {
		if n != 1 {
			t.Errorf("number %d of source %d arrived %d times", which[1], which[0], n)
		}
	}
	for _, s := range sources {
		if c := s.Counts(); c != (Counts{Arrived: each, Delivered: each}) {
			t.Errorf("counts %+v", c)
		}
	}
}

// In steady state, a message costs the inbox no memory.
func TestInboxDoesNotAllocate(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	run := numbered(0, 0, 100, 16)
	allocs := testing.AllocsPerRun(100, func() {
		s.Put(run)
		for range run {
			if m, _ := q.TryRecv(); m == nil {
				t.Fatal("nothing there")
			}
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations for 100 messages", allocs)
	}
}
