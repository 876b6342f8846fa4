// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire/sp"
)

// unbalancedLocked says whether a pipe's sending half breaks the conservation law, or its queue its limits.
func (o *outbox) unbalancedLocked() bool {
	dropped := droppedBy(o)
	return o.offered != o.sent+uint64(o.queued)+o.returned+dropped || o.queued < 0 || o.bytes < 0 || o.queued == 0 && o.bytes != 0
}

func droppedBy(o *outbox) (n uint64) {
	for c := o.dropped.first; c != nil; c = c.next {
		n += c.n
	}
	return n
}

// A pipe's books balance at every moment while messages are offered under every policy, written in part, and lost
// with their connection; and what the peer has received whole is what is counted as sent.
func TestOutboxCounters(t *testing.T) {
	histories := 0
	for seed := range uint64(40) {
		for _, keep := range []bool{false, true} {
			outboxHistory(t, rand.New(rand.NewPCG(seed, 5)), keep)
			histories++
		}
	}
	t.Logf("%d histories balance", histories)
}

func outboxHistory(t *testing.T, dice *rand.Rand, keep bool) {
	r := &recorder{traits: Traits{ReturnsUnsent: keep}}
	s, e := testSocket(Options{SendQueue: 1 + dice.IntN(50), SendQueueBytes: int64(200 + dice.IntN(10_000))}, r)
	near, far := net.Pipe()
	p, _ := streamPipe(t, e, near, streamSession(t, sp.Push, 0))
	total := dice.IntN(20_000) // bytes that the peer reads before it goes
	stream := make(chan []byte)
	go func() {
		var got []byte
		for len(got) < total {
			piece := make([]byte, 1+total/50)
			n, err := far.Read(piece[:min(len(piece), total-len(got))])
			if got = append(got, piece[:n]...); err != nil {
				break
			}
		}
		_ = far.Close()
		stream <- got
	}()
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			p.out.mu.Lock()
			bad := p.out.unbalancedLocked()
			p.out.mu.Unlock()
			if bad {
				t.Errorf("the books do not balance: %+v", p.Stats().Send)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	accepted := 0
	for i := range 400 {
		body := make([]byte, dice.IntN(600))
		if dice.IntN(40) == 0 {
			body = make([]byte, 8<<10+dice.IntN(1000))
		}
		switch dice.IntN(5) {
		case 0:
			if trySend(p, body) {
				accepted++
			}
		case 2:
			bodies := [][]byte{body, []byte("second"), nil}
			n, w, _ := p.TryQueueBatch([]byte("head"), bodies, nil)
			clear(body) // it is the caller's again
			w.Write()
			accepted += n
		case 1:
			ms := []*msg.Message{msg.Wrap(body, nil), msg.Wrap([]byte("second"), nil), msg.Wrap(nil, nil)}
			n, w, _ := p.TryQueueBatch(nil, nil, ms)
			w.Write()
			accepted += n
		default:
			w, _ := p.Offer([]byte("head"), body, nil, nil, Overflow(i%4))
			w.Write()
			accepted++
		}
	}
	flushed := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(flushed)
		_ = p.out.flush(ctx)
	}()
	var got []byte
	select {
	case got = <-stream: // the peer went before it had all
		p.end(io.ErrClosedPipe)
	case <-flushed:
		p.end(io.ErrClosedPipe)
		got = <-stream
	}
	<-p.Done()
	cancel()
	<-flushed
	close(stop)
	looking.Wait()

	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.out.unbalancedLocked() || p.out.queued != 0 || p.out.offered != uint64(accepted) {
		t.Fatalf("%d messages were accepted, and in the end the books are %d dropped", accepted, droppedBy(&p.out))
	}
	bodies, _, _, err := decodeWhole(streamSession(t, sp.Pull, 0).Decoder, got)
	if err != nil {
		t.Fatal("the peer received nonsense: ", err)
	}
	if p.out.sent != uint64(len(bodies)) {
		t.Fatalf("%d messages are counted as sent, the peer received %d whole ones", p.out.sent, len(bodies))
	}
	if returned := len(r.returned); uint64(returned) != p.out.returned || !keep && returned > 0 {
		t.Fatalf("%d messages were returned and %d are counted", returned, p.out.returned)
	}
	go func() { _ = s.Close() }()
}

// stuckPipe is a pipe whose peer takes nothing until it is told to, and then all.
func stuckPipe(t *testing.T, o Options, traits Traits) (s *Socket, r *recorder, p *Pipe, open func()) {
	r = &recorder{traits: traits}
	s, e := testSocket(o, r)
	gate := make(chan struct{})
	p, _ = streamPipe(t, e, &fakeConn{onWrite: func(b []byte) (int, error) {
		<-gate
		if p.over() {
			return 0, net.ErrClosed
		}
		return len(b), nil
	}}, streamSession(t, sp.Push, 0))
	return s, r, p, sync.OnceFunc(func() { close(gate) })
}

func TestOverflowPolicies(t *testing.T) {
	for policy, want := range map[Overflow]struct {
		queued     int
		overflowed bool
	}{DropOldest: {4, false}, DropNewest: {4, true}, Block: {4, true}, Disconnect: {4, true}} {
		synctest.Test(t, func(t *testing.T) {
			s, r, p, open := stuckPipe(t, Options{SendQueue: 4}, Traits{ReturnsUnsent: true})
			trySend(p, []byte{0})
			synctest.Wait() // the first is being written
			overflowed := false
			for i := byte(1); i < 7; i++ {
				_, over := p.Offer(nil, []byte{i}, nil, nil, policy)
				overflowed = overflowed || over
			}
			st := p.Stats().Send
			if st.Offered != 7 || st.Queued != uint64(want.queued) || st.Dropped["overflow"] != 3 || overflowed != want.overflowed {
				t.Errorf("policy %d: %+v, overflowed %v", policy, st, overflowed)
			}
			p.end(ErrClosed)
			open()
			<-p.Done()
			var left []byte
			for i := range r.returned {
				left = append(left, r.returned[i].Body()...)
			}
			expect := []byte{0, 1, 2, 3}
			if policy == DropOldest {
				expect = []byte{0, 4, 5, 6} // the one that is being written stays
			}
			if !slices.Equal(left, expect) {
				t.Errorf("policy %d keeps %v, want %v", policy, left, expect)
			}
			_ = s.Close()
		})
	}
}

// A large message that evicts all others is still not taken if one that is being written stands in its way.
func TestOversizedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, p, open := stuckPipe(t, Options{SendQueueBytes: 100}, Traits{})
		if !hasRoom(p, 1000) || !trySend(p, make([]byte, 1000)) {
			t.Error("an empty queue does not take one message that is larger than the limit")
		}
		synctest.Wait()
		if hasRoom(p, 1) || trySend(p, nil) {
			t.Error("a full queue takes more")
		}
		if _, over := p.Offer(nil, make([]byte, 1000), nil, nil, DropOldest); !over {
			t.Error("a second large message was taken")
		}
		open()
		synctest.Wait()
		if !hasRoom(p, 1000) {
			t.Error("no room when all is written")
		}
		_ = s.Close()
	})
}

// A batch fills a queue as single messages do: up to its limit of messages, or of bytes, and no further.
func TestBatchesKeepTheLimits(t *testing.T) {
	const body = 100
	messages := func(n int) (ms []*msg.Message) {
		for range n {
			ms = append(ms, msg.Wrap(make([]byte, body), nil))
		}
		return ms
	}
	bodies := func(n int) (bodies [][]byte) {
		for range n {
			bodies = append(bodies, make([]byte, body))
		}
		return bodies
	}
	for name, test := range map[string]struct {
		options Options
		want    int
	}{
		"messages": {Options{SendQueue: 50}, 50},
		"bytes":    {Options{SendQueueBytes: 50 * (body + msg.BaseCost + 8)}, 50},
		"both":     {Options{SendQueue: 20, SendQueueBytes: 50 * body}, 20},
	} {
		for kind, queue := range map[string]func(p *Pipe, n int) (int, PendingWrite, bool){
			"messages": func(p *Pipe, n int) (int, PendingWrite, bool) { return p.TryQueueBatch(nil, nil, messages(n)) },
			"bodies":   func(p *Pipe, n int) (int, PendingWrite, bool) { return p.TryQueueBatch(nil, bodies(n), nil) },
		} {
			t.Run(name+" of "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, _, p, open := stuckPipe(t, test.options, Traits{})
					trySend(p, make([]byte, body)) // which is being written
					synctest.Wait()
					taken := 1
					for _, size := range []int{3, 200} {
						n, _, _ := queue(p, size)
						taken += n
					}
					if st := p.Stats().Send; taken != test.want || int(st.Queued) != taken || trySend(p, make([]byte, body)) {
						t.Errorf("%d messages were taken, want %d; the figures are %+v", taken, test.want, st)
					}
					open()
					_ = s.Close()
				})
			})
		}
	}
}

// Senders that were refused are told once, when the queue is half empty.
func TestWritableIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s, e := testSocket(Options{SendQueue: 8}, r)
		step := make(chan struct{})
		p, _ := streamPipe(t, e, &fakeConn{onWrite: func(b []byte) (int, error) { <-step; return len(b), nil }}, streamSession(t, sp.Push, 0))
		var calls []int
		fill := func(n int) {
			for range n {
				trySend(p, []byte("x"))
				synctest.Wait()
			}
		}
		progress := func() {
			step <- struct{}{}
			synctest.Wait()
			r.mu.Lock()
			calls = append(calls, r.writable)
			r.mu.Unlock()
		}
		fill(9) // one is in flight, seven are pending, one is refused
		progress()
		progress()
		fill(8) // nobody is refused now
		progress()
		progress()
		if !slices.Equal(calls, []int{0, 1, 1, 1}) {
			t.Errorf("told %v times after each write, want once, when all was written", calls)
		}
		close(step)
		_ = s.Close()
	})
}

// Flush waits for what was queued when it was called, and for nothing else.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s, e := testSocket(Options{}, r)
		step := make(chan struct{})
		p, _ := streamPipe(t, e, &fakeConn{onWrite: func(b []byte) (int, error) { <-step; return len(b), nil }}, streamSession(t, sp.Push, 0))
		if err := p.out.flush(t.Context()); err != nil {
			t.Errorf("Flush of an empty queue: %v", err)
		}
		trySend(p, []byte("first"))
		synctest.Wait()
		flushed := make(chan error, 2)
		go func() { flushed <- p.out.flush(t.Context()) }()
		synctest.Wait()
		trySend(p, []byte("second"))
		step <- struct{}{}
		synctest.Wait()
		select {
		case err := <-flushed:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("Flush waits for a message that was queued after it")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.out.flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush of a stuck pipe with a context of 1s: %v", err)
		}
		go func() { flushed <- p.out.flush(t.Context()) }()
		synctest.Wait()
		p.end(ErrClosed)
		close(step)
		if err := <-flushed; err != nil {
			t.Errorf("Flush when the pipe ended: %v", err)
		}
		_ = s.Close()
	})
}

// A pipe that is over takes nothing, holds nobody up and has settled its books.
func TestPipeThatIsOver(t *testing.T) {
	s, e := testSocket(Options{}, &recorder{})
	p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Push, 0))
	p.end(io.EOF)
	p.end(ErrClosed)
	<-p.Done()
	if p.Err() != io.EOF || !p.Over() || !hasRoom(p, 1<<30) {
		t.Errorf("Err %v, over %v, room %v", p.Err(), p.Over(), hasRoom(p, 1<<30))
	}
	if trySend(p, []byte("late")) {
		t.Error("a pipe that is over takes a message")
	}
	released := 0
	p.Offer(nil, nil, msg.Wrap([]byte("late"), func() { released++ }), nil, DropOldest)
	if st := p.Stats().Send; st.Offered != 1 || st.Dropped["pipe_closed"] != 1 || released != 1 {
		t.Errorf("a message that is offered too late: %+v, released %d times", st, released)
	}
	_ = s.Close()
}

// A connection that the pattern refuses leaves nothing behind in its endpoint.
func TestRefusedPipeLeavesNothing(t *testing.T) {
	r := &recorder{busy: ErrBusy, traits: Traits{Hello: lookupHello(sp.Pair0)}}
	s, e := testSocket(Options{Dialects: dialectSP}, r)
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	go func() { _, _ = far.Write([]byte{0, 'S', 'P', 0, 0, 0x10, 0, 0}) }()
	if _, err := e.establish(t.Context(), streamLink(near)); !errors.Is(err, ErrBusy) {
		t.Fatalf("a connection to a pattern that is busy: %v", err)
	}
	p := r.attached[0]
	select {
	case <-p.Done():
	default:
		t.Error("the refused pipe is not over")
	}
	if p.scope.Context().Err() == nil {
		t.Error("the refused pipe's scope is open: its endpoint will remember it")
	}
	if len(r.gone) != 0 {
		t.Error("the pattern was told of the end of a pipe that it had refused")
	}
	if st := s.Stats(); st.Send.Offered != 0 || len(st.Pipes) != 0 {
		t.Errorf("figures %+v", st)
	}
	_ = far.Close()
	_ = s.Close()
}

func hasRoom(p *Pipe, n int) bool {
	_, messages, _ := p.Room(n)
	return messages > 0
}

// A queue that panics over a message leaves the outbox's lock free.
func TestOutboxIsFreeAfterAPanic(t *testing.T) {
	for name, queue := range map[string]func(p *Pipe, m *msg.Message){
		"TryQueue":         func(p *Pipe, m *msg.Message) { p.TryQueue(false, nil, nil, m) },
		"TryQueue, direct": func(p *Pipe, m *msg.Message) { p.TryQueue(true, nil, nil, m) },
		"TryQueueBatch":    func(p *Pipe, m *msg.Message) { p.TryQueueBatch(nil, nil, []*msg.Message{m}) },
		"Offer":            func(p *Pipe, m *msg.Message) { p.Offer(nil, nil, m, nil, DropNewest) },
	} {
		s, e := testSocket(Options{}, &recorder{})
		p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Push, 0))
		p.SetDirect(true)
		whole := p.out.queue
		p.out.queue = brokenQueue{whole}
		func() {
			defer func() { _ = recover() }()
			queue(p, msg.New(0))
			t.Errorf("%s does not panic", name)
		}()
		if !p.out.mu.TryLock() {
			t.Fatalf("%s leaves the lock taken", name)
		}
		p.out.mu.Unlock()
		p.out.queue = whole
		if !trySend(p, []byte("next")) {
			t.Errorf("after %s: no room", name)
		}
		if st := p.Stats().Send; st.Offered != 1 {
			t.Errorf("after %s: %+v", name, st)
		}
		_ = s.Close()
	}
}

type brokenQueue struct{ sendqueue.Queue }

func (brokenQueue) Put(header, body []byte, m *msg.Message) int { panic("in a message") }
