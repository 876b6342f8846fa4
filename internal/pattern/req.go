// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// fewCalls is how many calls may be open for a new one to be written at once. Where there are more, their callers are
// woken together when replies come, and ask again together.
const fewCalls = 8

// Req sends requests, each to one of its pipes, and matches replies. Any number may be on their way.
type Req struct {
	sides    // its calls are both
	socket   *engine.Socket
	failFast bool

	// MaxAttempts, set before the first pipe is attached, is how many connections may end after a request was wholly
	// written to them before it is given up. If it is not positive, there is no limit.
	MaxAttempts int

	only atomic.Pointer[engine.Pipe] // which a caller may read from while it waits; nil if there are several, or none

	mu    lock.Mutex[lock.Req]
	table requests
	roster
	turns lockStepTurns // nil = none
	timer *scope.Timer  // for the next retry; nil until there was one
	armed time.Time     // when it fires; zero if it is not armed
	err   error
}

// NewReq returns the pattern. A request without a reply is sent again every retry, unless that is not positive.
// With failFast, a request fails when no pipe is there, or when its last pipe ends.
// With lockStep, peers that can do without are sent requests without ids, one at a time.
func NewReq(s *engine.Socket, hello transport.Hello, retry time.Duration, failFast, lockStep bool) *Req {
	r := &Req{sides: newSides(hello, receiver{}, nil), socket: s, failFast: failFast, table: newRequests(retry)}
	if lockStep {
		r.turns = make(lockStepTurns)
	}
	return r
}

// Do sends a request, body or the contents of m, and waits for the reply. body must not change until Do returns.
func (s *Req) Do(ctx context.Context, body []byte, m *msg.Message) (*msg.Message, error) {
	return s.DoBy(ctx, body, m, nil)
}

// DoBy is Do with a function, unless it is nil, in place of Wait. When that returns, the call must have ended.
func (s *Req) DoBy(ctx context.Context, body []byte, m *msg.Message, wait func(context.Context, *Call) (*msg.Message, error)) (*msg.Message, error) {
	ctx = scope.OrBackground(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var lent *msg.Message
	if m != nil && !m.Multipart() {
		lent, body, m = m, m.Body(), nil // until the call has ended: its memory is the caller's again then
	}
	c, err := s.Start(body, m)
	if err != nil {
		return nil, err
	}
	var reply *msg.Message
	if wait == nil {
		reply, err = s.Wait(ctx, c)
	} else {
		reply, err = wait(ctx, c)
	}
	if lent != nil {
		lent.Release()
	}
	s.table.recycle(c) // without the lock
	return reply, err
}

// Start sends a request and returns at once. body must not change until the call has ended; of m the contents
// are taken.
func (s *Req) Start(body []byte, m *msg.Message) (*Call, error) {
	shape := msg.ShapeOf(make([]byte, wordLen), body, m) // of the caller's message, not under the lock
	s.mu.Lock()
	if err := s.refusalLocked(shape); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	c := s.table.open(body, m)
	w := s.dispatchLocked()
	more := !w.IsZero() && s.table.unsent.first != nil
	crowd := len(s.table.calls) > fewCalls
	s.mu.Unlock()
	if crowd {
		w.WriteSoon()
	} else {
		w.Write()
	}
	if more {
		s.dispatch()
	}
	return c, nil
}

// refusalLocked says why a request of this shape cannot be sent, or nil.
func (s *Req) refusalLocked(shape msg.Shape) error {
	switch {
	case s.err != nil:
		return s.err
	case s.failFast && s.pipes.len() == 0:
		return engine.ErrNoPeer
	}
	return engine.NoneFits(shape, s.pipes.list...)
}

// Wait waits for the end of a call. If ctx ends first, so does the call.
func (s *Req) Wait(ctx context.Context, c *Call) (*msg.Message, error) {
	if p := s.only.Load(); p != nil && !c.alone {
		p.Reader().WakeReader()
	} else if p != nil {
		if p.Reader().ReadDirectly(ctx, c); c.Woken() {
			<-c.done
			return c.reply, c.err
		}
	}
	if done := ctx.Done(); done == nil {
		<-c.done
	} else {
		select {
		case <-c.done:
		case <-done:
			s.Expire(c, ctx.Err())
			<-c.done
		}
	}
	return c.reply, c.err
}

// Expire is Cancel, with the error of the context that has ended. At a deadline, the error names the peers that have the
// request.
func (s *Req) Expire(c *Call, err error) {
	s.mu.Lock()
	var written, queued []*engine.Pipe
	for i, p := range c.sent {
		if c.nths[i] <= p.Sent() {
			written = append(written, p)
		} else {
			queued = append(queued, p)
		}
	}
	s.mu.Unlock()
	s.Cancel(c, s.socket.Late(err, func(few []*engine.Pipe, n int) string {
		switch {
		case len(written) == 1:
			return engine.PeerNames(written, 1) + " has the request and has not answered"
		case len(written) > 1:
			return engine.PeerNames(written, len(written)) + " have the request and have not answered"
		case len(queued) > 0:
			return "the request was still queued for " + engine.PeerNames(queued, len(queued))
		}
		return s.socket.FullQueues(few, n)
	}))
}

// Cancel ends a call with err, unless it has ended.
func (s *Req) Cancel(c *Call, err error) {
	s.mu.Lock()
	s.table.end(c, err)
	stuck := s.turns.stuckWith(c)
	s.mu.Unlock()
	closeAll(stuck)
	if p := s.only.Load(); p != nil {
		p.Reader().Interrupt()
	}
}

// idle reports whether no call is open.
func (s *Req) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.table.calls) == 0
}

// chooseLocked finds out from whom callers may read, after the set of pipes has changed.
func (s *Req) chooseLocked() {
	var only *engine.Pipe
	if s.pipes.len() == 1 && s.err == nil {
		only = s.pipes.list[0]
		only.Reader().AllowDirectReads(s.idle)
	}
	if old := s.only.Swap(only); old != nil && old != only {
		old.Reader().AllowDirectReads(nil)
	}
}

// dispatchLocked sends unsent calls as long as a pipe has room. There is at most
// one write, because the loop ends with it. A call that no pipe can carry ends.
func (s *Req) dispatchLocked() (w engine.PendingWrite) {
	for w.IsZero() && s.table.unsent.first != nil {
		c := s.table.unsent.first
		p, pending := s.queueLocked(c)
		if p == nil {
			if err := engine.NoneFits(c.shape(), s.pipes.list...); err != nil {
				s.table.end(c, err)
				continue
			}
			return w
		}
		w = pending
		s.table.sentOver(c, p, time.Now())
		s.armLocked()
	}
	return w
}

// queueLocked queues a call to the next pipe with room, and returns that.
func (s *Req) queueLocked(c *Call) (p *engine.Pipe, w engine.PendingWrite) {
	for range s.open {
		p := s.next()
		if queued, w := s.queueToLocked(p, c); queued {
			return p, w
		}
	}
	return nil, w
}

// queueToLocked queues a call to a pipe, if that has room and takes it.
func (s *Req) queueToLocked(p *engine.Pipe, c *Call) (queued bool, w engine.PendingWrite) {
	header, inTurn := c.header[:], s.turns.takes(p)
	if inTurn {
		if s.turns[p] != nil {
			return false, w
		}
		header = nil
	}
	switch {
	case !p.Fits(c.shape()):
	case !c.m.Multipart():
		queued, w = p.TryQueue(false, header, c.body, nil)
	default:
		m := c.m.Clone() // it may have to be sent again
		if queued, w = p.TryQueue(false, header, nil, m); !queued {
			m.Release()
		}
	}
	if queued && inTurn {
		s.turns[p] = c
	}
	if queued {
		requests := p.State().(*uint64)
		*requests++
		c.nth = *requests
	}
	return queued, w
}

// dispatch sends the calls for which there is room.
func (s *Req) dispatch() {
	for {
		s.mu.Lock()
		w := s.dispatchLocked()
		s.mu.Unlock()
		if w.IsZero() {
			return
		}
		w.Write()
	}
}

// armLocked sees to it that the timer fires when the first call is due. One timer serves all calls: they are due
// in the order in which they were sent.
func (s *Req) armLocked() {
	first := s.table.waiting.first
	if first == nil || s.table.retry <= 0 || !s.armed.IsZero() {
		return
	}
	s.armed = first.retry
	d := max(time.Until(first.retry), 0)
	if s.timer == nil {
		s.timer = s.socket.Scope().AfterFunc(d, s.retryDue)
	} else {
		s.timer.Reset(d)
	}
}

// retryDue sends calls again that have waited long enough.
func (s *Req) retryDue() {
	s.mu.Lock()
	s.armed = time.Time{}
	now := time.Now()
	stuck := s.turns.stuckSince(&s.table, now)
	n := s.table.resendDue(now)
	s.armLocked()
	s.mu.Unlock()
	closeAll(stuck)
	if n > 0 {
		s.socket.Emit(engine.Event{Kind: engine.EventRetry, Reason: reasons.Timeout, Count: uint64(n)})
		s.dispatch()
	}
}

// Attach implements engine.Pattern.
func (s *Req) Attach(p *engine.Pipe) error {
	s.mu.Lock()
	p.SetState(new(uint64)) // requests queued to it
	s.roster.add(p)
	s.chooseLocked()
	s.mu.Unlock()
	s.dispatch()
	return nil
}

// giveUpLocked ends the calls that have ended as many connections as they may, now that another one has ended. It returns
// how many these are, and pipes that are of no use without them.
func (s *Req) giveUpLocked(p *engine.Pipe) (given int, stuck []*engine.Pipe) {
	if s.MaxAttempts <= 0 || s.failFast || s.table.retry <= 0 || errors.Is(p.Err(), engine.ErrClosed) {
		return 0, nil
	}
	for _, c := range s.table.broke(p, p.Sent(), s.MaxAttempts) {
		s.table.end(c, fmt.Errorf("%w: %d connections ended after it was wholly written to them, for which it may be the cause; see MaxAttempts",
			engine.ErrGivenUp, c.lethal))
		stuck = append(stuck, s.turns.stuckWith(c)...)
		given++
	}
	return given, stuck
}

// Detach implements engine.Pattern: calls that were sent only on this pipe are sent again at once, up to MaxAttempts times.
func (s *Req) Detach(p *engine.Pipe, _ []msg.Message) {
	s.mu.Lock()
	s.roster.remove(p)
	s.chooseLocked()
	delete(s.turns, p)
	given, stuck := s.giveUpLocked(p)
	orphans := s.table.lost(p)
	again := 0
	for i := len(orphans) - 1; i >= 0; i-- { // the oldest ends up first
		if s.failFast || s.table.retry <= 0 {
			s.table.end(orphans[i], engine.ErrPipeClosed)
			continue
		}
		s.table.resend(orphans[i])
		again++
	}
	for c := s.table.unsent.first; c != nil && s.failFast && s.pipes.len() == 0; c = s.table.unsent.first {
		s.table.end(c, engine.ErrNoPeer) // it waited for room, and no peer is left to make some
	}
	s.mu.Unlock()
	closeAll(stuck)
	if given > 0 {
		s.socket.Emit(engine.Event{Kind: engine.EventAbandoned, Pipe: p, Endpoint: p.Endpoint(), Reason: reasons.Attempts, Count: uint64(given)})
		if other := s.only.Load(); other != nil {
			other.Reader().Interrupt() // the caller may be reading there
		}
	}
	if again > 0 {
		s.socket.Emit(engine.Event{Kind: engine.EventRetry, Pipe: p, Endpoint: p.Endpoint(), Reason: reasons.PipeClosed, Count: uint64(again)})
	}
	s.dispatch() // ends also what only this pipe could carry
}

// Receive implements engine.Pattern. Callers are woken after the lock is released: on another processor, they would wait for
// it to ask again.
func (s *Req) Receive(p *engine.Pipe, run []msg.Message) int {
	var good, stale, foreign int
	var answered *Call // linked by next
	last := &answered
	s.mu.Lock()
	for i := range run {
		switch c, a := s.answeredLocked(p, &run[i]); a {
		case answerGood:
			good++
			*last, last = c, &c.next
			continue
		case answerStale:
			stale++
		case answerForeign:
			foreign++
		}
		run[i].Release()
	}
	s.mu.Unlock()
	for answered != nil {
		c := answered
		answered, c.next = c.next, nil
		if c.sampled() {
			p.RoundTrip(time.Since(s.table.sentAt(c)))
		}
		c.wake()
	}
	if s.turns != nil {
		s.dispatch() // the pipe may be asked again
	}
	p.Took(good)
	p.DropN(reasons.Stale, stale)
	p.DropN(reasons.Foreign, foreign)
	return len(run)
}

// Writable implements engine.Pattern.
func (s *Req) Writable(*engine.Pipe) { s.dispatch() }

// Refuse implements engine.Pattern.
func (s *Req) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	for _, c := range s.table.calls {
		s.table.end(c, err)
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.chooseLocked()
}
