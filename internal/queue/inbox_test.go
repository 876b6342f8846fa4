// SPDX-License-Identifier: MIT

package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/msg"
)

var errEnd = errors.New("the inbox is closed")

// numbered is a run of messages that say which source they are of and which number they have.
func numbered(source, from, n, size int) []msg.Message {
	run := make([]msg.Message, n)
	for i := range run {
		body := make([]byte, max(size, 16))
		binary.BigEndian.PutUint64(body, uint64(source))
		binary.BigEndian.PutUint64(body[8:], uint64(from+i))
		run[i] = msg.Of(body)
	}
	return run
}

func number(m *msg.Message) (source, n int) {
	b := m.Body()
	return int(binary.BigEndian.Uint64(b)), int(binary.BigEndian.Uint64(b[8:]))
}

func received(t *testing.T, q *Inbox) []int {
	t.Helper()
	var got []int
	for {
		m, err := q.TryRecv()
		if err != nil && !errors.Is(err, ErrWouldBlock) {
			t.Fatal(err)
		}
		if m == nil {
			return got
		}
		_, n := number(m)
		got = append(got, n)
	}
}

func TestInboxKeepsOrder(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	s := q.NewSource(nil)
	next := 0
	for _, n := range []int{1, 100, 0, 64, 65, 63, 7} {
		if taken := s.Put(numbered(0, next, n, 16)); taken != n {
			t.Fatalf("%d of %d were taken", taken, n)
		}
		next += n
	}
	for i, n := range received(t, q) {
		if i != n {
			t.Fatalf("message %d came as number %d", n, i)
		}
	}
	if c := s.Counts(); c != (Counts{Arrived: 300, Delivered: 300}) {
		t.Errorf("counts %+v", c)
	}
}

// With every source non-empty, none is ever more than one turn ahead of another.
func TestInboxIsFair(t *testing.T) {
	const sources = 5
	q := NewInbox(Limits{Messages: 1 << 20, Bytes: 1 << 40}, Wait)
	all := make([]*Source, sources)
	put := make([]int, sources)
	fill := func(i, n int) {
		all[i].Put(numbered(i, put[i], n, 16))
		put[i] += n
	}
	for i := range all {
		all[i] = q.NewSource(nil)
		fill(i, 1000*(i+1)) // some have far more than others
	}
	got := make([]int, sources)
	for range 20_000 {
		m, err := q.TryRecv()
		if err != nil || m == nil {
			t.Fatal(m, err)
		}
		i, n := number(m)
		if n != got[i] {
			t.Fatalf("source %d: number %d came, want %d", i, n, got[i])
		}
		got[i]++
		if put[i]-got[i] < 2*Turn {
			fill(i, 1+got[i]%200)
		}
		if ahead := slices.Max(got) - slices.Min(got); ahead > Turn {
			t.Fatalf("a source is %d messages ahead of another, more than a turn of %d: %v", ahead, Turn, got)
		}
	}
	t.Logf("20000 messages of 5 sources: %v", got)
}

// A turn is no longer where messages came in several parts.
func TestTurnsOfSeveralRuns(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	a, b := q.NewSource(nil), q.NewSource(nil)
	for i := range 3 {
		a.Put(numbered(0, 40*i, 40, 16))
	}
	b.Put(numbered(1, 0, 1, 16))
	for n := 0; ; n++ {
		m, err := q.TryRecv()
		if m == nil {
			t.Fatal("the other source's message did not come", err)
		}
		if i, _ := number(m); i == 1 {
			if n != Turn {
				t.Errorf("after %d messages it was the other source's turn, want %d", n, Turn)
			}
			return
		}
	}
}

// Pieces of one slab, some of which may not be made longer, are charged and received as they were put.
func TestPiecesOfOneSlab(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		s := q.NewSource(nil)
		slab := numbered(0, 0, 256, 16)
		each := int64(slab[0].Cost())
		next := 0
		for put := 0; put < len(slab); {
			end := put + 1 + dice.IntN(min(100, len(slab)-put))
			piece := slab[put:end]
			if dice.IntN(2) == 0 {
				piece = slab[put:end:min(end+dice.IntN(3), len(slab))]
			}
			if taken := s.Put(piece); taken != len(piece) {
				t.Fatalf("%d of %d messages were taken", taken, len(piece))
			}
			put = end
			for range dice.IntN(put - next + 1) {
				m, err := q.TryRecv()
				if m == nil {
					t.Fatalf("message %d did not come: %v", next, err)
				}
				if _, i := number(m); i != next {
					t.Fatalf("message %d came in the place of message %d", i, next)
				}
				next++
			}
			if c := s.Counts(); c.Queued != put-next || c.QueuedBytes != each*int64(put-next) || c.Delivered != uint64(next) {
				t.Fatalf("after %d messages, of which %d were received, the figures are %+v", put, next, c)
			}
		}
	}
}

// A source that comes to have something stands behind those that had something before.
func TestInboxServesSourcesInTheOrderOfTheirComing(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	a, b, c := q.NewSource(nil), q.NewSource(nil), q.NewSource(nil)
	c.Put(numbered(2, 0, 1, 16))
	a.Put(numbered(0, 0, 2*Turn, 16))
	b.Put(numbered(1, 0, 1, 16))
	var order []int
	for m, _ := q.TryRecv(); m != nil; m, _ = q.TryRecv() {
		if i, _ := number(m); len(order) == 0 || order[len(order)-1] != i {
			order = append(order, i)
		}
	}
	if want := []int{2, 0, 1, 0}; !slices.Equal(order, want) {
		t.Errorf("the turns went to %v, want %v", order, want)
	}
}

func TestInboxPolicies(t *testing.T) {
	empty := msg.Of([]byte{})
	two := Limits{100, 100 + 2*int64(empty.Cost())} // two messages, of 100 bytes together
	for name, test := range map[string]struct {
		policy  Policy
		limits  Limits
		sizes   []int // of messages offered one run at a time
		want    []int // numbers received
		refused int
	}{
		"wait, messages":           {Wait, Limits{3, 1 << 20}, []int{16, 16, 16, 16, 16}, []int{0, 1, 2}, 2},
		"wait, bytes":              {Wait, two, []int{40, 40, 40}, []int{0, 1}, 1},
		"wait, exactly full":       {Wait, two, []int{50, 50, 16}, []int{0, 1}, 1},
		"wait, oversized first":    {Wait, two, []int{500, 16}, []int{0}, 1},
		"wait, oversized second":   {Wait, two, []int{16, 500}, []int{0}, 1},
		"newest, messages":         {DropNewest, Limits{2, 1 << 20}, []int{16, 16, 16, 16}, []int{0, 1}, 0},
		"newest, bytes":            {DropNewest, two, []int{60, 60, 40}, []int{0, 2}, 0},
		"newest, oversized first":  {DropNewest, two, []int{500, 16}, []int{0}, 0},
		"newest, oversized second": {DropNewest, two, []int{16, 500}, []int{0}, 0},
		"oldest, messages":         {DropOldest, Limits{2, 1 << 20}, []int{16, 16, 16, 16}, []int{2, 3}, 0},
		"oldest, bytes":            {DropOldest, two, []int{60, 60, 40}, []int{1, 2}, 0},
		"oldest, oversized":        {DropOldest, two, []int{16, 16, 500}, []int{2}, 0},
		"oldest, after oversized":  {DropOldest, two, []int{500, 16, 16}, []int{1, 2}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			q := NewInbox(test.limits, test.policy)
			s := q.NewSource(func() {})
			refused := 0
			for i, size := range test.sizes {
				refused += 1 - s.Put(numbered(0, i, 1, size))
			}
			c := s.Counts()
			if got := received(t, q); !slices.Equal(got, test.want) || refused != test.refused {
				t.Errorf("received %v and refused %d, want %v and %d", got, refused, test.want, test.refused)
			}
			if c.Arrived != c.Delivered+uint64(c.Queued)+c.Overflow || c.Arrived != uint64(len(test.sizes)-refused) {
				t.Errorf("counts %+v", c)
			}
		})
	}
}

// A source that refused is resumed once, when it is half empty, and one that did not is never.
func TestInboxResumesWhenHalfEmpty(t *testing.T) {
	q := NewInbox(Limits{Messages: 4 * Turn, Bytes: 1 << 20}, Wait)
	resumed := 0
	s := q.NewSource(func() { resumed++ })
	other := q.NewSource(func() { t.Error("a source that refused nothing was resumed") })
	if taken := s.Put(numbered(0, 0, 5*Turn, 16)); taken != 4*Turn {
		t.Fatalf("%d were taken, want %d", taken, 4*Turn)
	}
	other.Put(numbered(1, 0, 4*Turn, 16))
	for turn, want := range []int{0, 0, 1, 1, 1, 1, 1, 1} { // turns alternate
		for range Turn {
			if m, err := q.TryRecv(); m == nil || err != nil {
				t.Fatal(m, err)
			}
		}
		if resumed != want {
			t.Fatalf("after %d turns of both: resumed %d times, want %d", turn+1, resumed, want)
		}
	}
	if !s.HasRoom(16) || s.HasRoom(1<<30) != true { // one message fits into an empty queue
		t.Error("an empty queue has no room")
	}
	s.Put(numbered(0, 0, 4*Turn, 16))
	if s.HasRoom(16) {
		t.Error("a full queue has room")
	}
	received(t, q)
	if resumed != 2 {
		t.Errorf("resumed %d times after HasRoom said no, want once more", resumed)
	}
	s.Resume()
	if resumed != 2 {
		t.Error("Resume of a source that refused nothing since did something")
	}
	s.Put(numbered(0, 0, 5*Turn, 16))
	s.Resume()
	s.Resume()
	if resumed != 3 {
		t.Errorf("Resume of a source that refused: %d resumptions, want one more", resumed-2)
	}
}

// A resumption never calls back under a lock: a source may put right away.
func TestInboxResumeMayPut(t *testing.T) {
	q := NewInbox(Limits{Messages: 1, Bytes: 1 << 20}, Wait)
	var s *Source
	waiting := numbered(0, 0, 100, 16)
	s = q.NewSource(func() {
		for len(waiting) > 0 && s.Put(waiting[:1:1]) == 1 {
			waiting = waiting[1:]
		}
	})
	s.resume()
	for want := range 100 {
		m, err := q.TryRecv()
		if m == nil || err != nil {
			t.Fatalf("message %d: %v %v", want, m, err)
		}
		if _, n := number(m); n != want {
			t.Fatalf("message %d came, want %d", n, want)
		}
	}
}

func TestInboxClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
		failed := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := q.Recv(context.Background())
				failed <- err
			}()
		}
		synctest.Wait()
		q.Close(errEnd)
		q.Close(errors.New("a second end"))
		for range 3 {
			if err := <-failed; err != errEnd {
				t.Errorf("a Recv that waited: %v", err)
			}
		}
		if _, err := q.TryRecv(); err != errEnd {
			t.Errorf("TryRecv after Close: %v", err)
		}
		s := q.NewSource(nil)
		if taken := s.Put(numbered(0, 0, 3, 16)); taken != 3 {
			t.Errorf("a closed inbox took %d of 3", taken)
		}
		if c := s.Counts(); c != (Counts{Arrived: 3, Lost: 3}) {
			t.Errorf("counts of what came after Close: %+v", c)
		}
		if !s.HasRoom(1 << 30) {
			t.Error("a closed inbox, which takes everything, has no room")
		}
	})
}

// What is queued when an inbox is closed is counted as lost and released once, in the midst of a turn too.
func TestInboxCloseCountsWhatIsLost(t *testing.T) {
	released := 0
	wrapped := func(n int) []msg.Message {
		run := make([]msg.Message, n)
		for i := range run {
			run[i] = msg.Wrap(make([]byte, 10), func() { released++ }).Take()
		}
		return run
	}
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	a, b := q.NewSource(nil), q.NewSource(nil)
	a.Put(wrapped(100))
	b.Put(wrapped(50))
	for range 10 {
		m, _ := q.TryRecv()
		m.Release()
	}
	if c := a.Counts(); c != (Counts{Arrived: 100, Delivered: 10, Queued: 90, QueuedBytes: 90 * (10 + msg.BaseCost)}) {
		t.Errorf("counts in the midst of a turn: %+v", c)
	}
	q.Close(errEnd)
	if c := a.Counts(); c != (Counts{Arrived: 100, Delivered: 10, Lost: 90}) {
		t.Errorf("counts of the source whose turn it was: %+v", c)
	}
	if c := b.Counts(); c != (Counts{Arrived: 50, Lost: 50}) {
		t.Errorf("counts of the other source: %+v", c)
	}
	if released != 150 {
		t.Errorf("%d of 150 messages were released", released)
	}
}

func TestInboxRecvWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewInbox(Limits{Messages: 10, Bytes: 1 << 20}, Wait)
		s := q.NewSource(func() {})
		start := time.Now()
		time.AfterFunc(time.Hour, func() { s.Put(numbered(0, 7, 1, 16)) })
		m, err := q.Recv(t.Context())
		if err != nil || time.Since(start) != time.Hour {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		if _, n := number(m); n != 7 {
			t.Errorf("got %d", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		if _, err := q.Recv(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want the context's end after 1m", err, time.Since(start))
		}
		s.Put(numbered(0, 8, 1, 16))
		if m, err := q.Recv(ctx); m != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a message that is there, with an ended context: %v, %v", m, err)
		}
		if m, err := q.Recv(t.Context()); m == nil || err != nil {
			t.Errorf("the same message, with a live context: %v", err)
		}
	})
}

// A receiver whose context ends as it is woken passes the wake on: no message stays while somebody waits for it.
func TestInboxLosesNoWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			q := NewInbox(Limits{Messages: 10, Bytes: 100}, Wait)
			s := q.NewSource(nil)
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan bool, 2)
			for _, ctx := range []context.Context{ctx, t.Context()} {
				go func() {
					m, _ := q.Recv(ctx)
					got <- m != nil
				}()
				synctest.Wait()
			}
			go cancel()
			s.Put(numbered(0, 0, 1, 16))
			received := <-got
			if !received {
				received = <-got
			}
			if !received { // one of them has it
				t.Fatal("a message stayed while a receiver waited")
			}
			q.Close(errEnd)
			synctest.Wait()
		}
	})
}

func TestInboxRecvBatch(t *testing.T) {
	q := NewInbox(Limits{Messages: 1000, Bytes: 1 << 20}, Wait)
	a, b := q.NewSource(nil), q.NewSource(nil)
	a.Put(numbered(0, 0, 100, 16))
	b.Put(numbered(1, 0, 100, 16))
	var sizes []int
	for range 4 {
		dst := make([]*msg.Message, 60)
		n, err := q.RecvBatch(t.Context(), dst)
		if err != nil || slices.Contains(dst[:n], nil) {
			t.Fatal(n, err)
		}
		sizes = append(sizes, n)
	}
	if !slices.Equal(sizes, []int{60, 60, 60, 20}) {
		t.Errorf("batches of %v", sizes)
	}
	if n, err := q.RecvBatch(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("a batch of none: %d, %v", n, err)
	}
	a.Put(numbered(0, 0, 1, 16))
	q.Close(errEnd)
	if n, err := q.RecvBatch(t.Context(), make([]*msg.Message, 1)); n != 0 || err != errEnd {
		t.Errorf("after Close: %d, %v", n, err)
	}
}
