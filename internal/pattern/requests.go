// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

// requestBit marks the word of a backtrace that is a request's or survey's id.
const requestBit = 1 << 31

// A Call is one open request: waiting for a pipe, or sent and waiting for the reply.
type Call struct {
	id     uint32
	header [4]byte
	body   []byte
	m      msg.Message // the owner of the body, if the call is made by message; kept until the reply, because it may be sent again
	sent   []*engine.Pipe
	nths   []uint64  // which of the requests queued to each of these pipes it is
	nth    uint64    // of the pipe that it is being sent over
	lethal int       // pipes that ended after it was wholly written to them
	retry  time.Time // when it is sent again
	alone  bool      // no other was open when it began
	ended  bool
	again  bool // it was sent twice over one pipe

	queue      *callList // where it is: waiting for a pipe, or for a reply
	prev, next *Call

	done  chan struct{} // receives one value, when reply or err is set
	reply *msg.Message
	err   error
}

// requests is the table of calls. It is pure: time is an argument, and pipes are only compared.
//
// A reply counts if it comes over a live pipe that the request was sent to. Sending again adds a pipe to that
// set, a pipe's end takes it out.
type requests struct {
	nextID  uint32
	calls   map[uint32]*Call
	unsent  callList // in order of asking
	waiting callList // in order of the time of the next retry
	retry   time.Duration
	unused  *sync.Pool // of calls that have ended: no lock is taken to recycle one
}

func newRequests(retry time.Duration) requests {
	unused := &sync.Pool{New: func() any { return &Call{done: make(chan struct{}, 1)} }}
	return requests{nextID: rand.Uint32(), calls: make(map[uint32]*Call), retry: retry, unused: unused}
}

// open enters a new call, of body or of the contents of m, among the unsent ones.
func (r *requests) open(body []byte, m *msg.Message) *Call {
	c := r.unused.Get().(*Call)
	if c.id, c.body = r.newID(), body; m != nil {
		c.m = m.Take()
		c.m.Compact() // it may wait for long
		c.body = c.m.Body()
	}
	binary.BigEndian.PutUint32(c.header[:], c.id)
	r.calls[c.id] = c
	r.unsent.push(c)
	c.alone = len(r.calls) == 1
	return c
}

// Woken reports whether the call has ended.
func (c *Call) Woken() bool { return len(c.done) > 0 }

// shape is what decides which pipes can carry the request.
func (c *Call) shape() msg.Shape {
	if c.m.Multipart() {
		return msg.ShapeOf(c.header[:], nil, &c.m)
	}
	return msg.ShapeOf(c.header[:], c.body, nil)
}

// newID returns the next id that no call has.
func (r *requests) newID() uint32 {
	for {
		r.nextID++
		id := r.nextID | requestBit
		if r.calls[id] == nil {
			return id
		}
	}
}

// sentOver says that the call was sent over p at now.
func (r *requests) sentOver(c *Call, p *engine.Pipe, now time.Time) {
	if slices.Contains(c.sent, p) {
		c.again = true
	} else {
		c.sent, c.nths = append(c.sent, p), append(c.nths, c.nth)
	}
	c.queue.remove(c)
	c.retry = now.Add(r.retry)
	r.waiting.push(c)
}

// resend moves a call that was sent back among those to be sent: first, because it is the older one.
func (r *requests) resend(c *Call) {
	c.queue.remove(c)
	r.unsent.pushFront(c)
}

// resendDue moves the calls that are due to be sent again to the queue of unsent calls, in their order, and returns their
// number.
func (r *requests) resendDue(now time.Time) (n int) {
	if r.retry <= 0 {
		return 0
	}
	var last *Call
	for c := r.waiting.first; c != nil && !c.retry.After(now); c = c.next {
		last = c
		n++
	}
	for c := last; c != nil; {
		before := c.prev
		r.resend(c)
		c = before
	}
	return n
}

// An answer classifies a reply.
type answer uint8

const (
	answerGood answer = iota
	answerStale
	answerForeign
)

// answered finds the call of a reply. A good one ends the call, which is then to be woken.
func (r *requests) answered(p *engine.Pipe, m *msg.Message) (*Call, answer) {
	h := m.Header()
	if len(h) != 4 {
		return nil, answerStale
	}
	c := r.calls[binary.BigEndian.Uint32(h)]
	switch {
	case c == nil:
		return nil, answerStale
	case !slices.Contains(c.sent, p):
		return nil, answerForeign
	}
	r.finish(c, m, nil)
	return c, answerGood
}

// answeredLocked finds the call of a reply, by its id or, where it has none, by the turn of its pipe. See answered.
func (s *Req) answeredLocked(p *engine.Pipe, m *msg.Message) (*Call, answer) {
	if !s.turns.takes(p) {
		return s.table.answered(p, m)
	}
	c := s.turns[p]
	if c == nil || len(m.Header()) > 0 {
		return nil, answerStale
	}
	delete(s.turns, p)
	s.table.finish(c, m, nil)
	return c, answerGood
}

// sampleEvery is how many calls have one whose round trip is counted: asking for the time is not free.
const sampleEvery = 16

// sampled reports whether the round trip of an answered call is counted. If it was sent more than once, it is not known which
// request the reply is for.
func (c *Call) sampled() bool { return c.id%sampleEvery == 0 && len(c.sent) == 1 && !c.again }

// sentAt is when the call was sent.
func (r *requests) sentAt(c *Call) time.Time { return c.retry.Add(-r.retry) }

// end ends a call with err and wakes its caller, unless the call has ended.
func (r *requests) end(c *Call, err error) {
	if !c.ended {
		r.finish(c, nil, err)
		c.wake()
	}
}

// finish ends a call, whose caller is then to be woken.
func (r *requests) finish(c *Call, reply *msg.Message, err error) {
	c.ended, c.reply, c.err = true, reply, err
	delete(r.calls, c.id)
	c.queue.remove(c)
	c.body = nil
	c.m.Release()
}

// wake wakes the caller of a call that has ended. From then on, the call is the caller's.
func (c *Call) wake() { c.done <- struct{}{} }

// recycle makes an ended call available again, after its caller has got the result. A Call that the application holds is
// never recycled.
func (r *requests) recycle(c *Call) {
	clear(c.sent)
	*c = Call{done: c.done, sent: c.sent[:0], nths: c.nths[:0]}
	r.unused.Put(c)
}

// broke counts the end of a pipe, to which that many requests were wholly written, with the calls that were among them.
// It returns those with which limit pipes have ended.
func (r *requests) broke(p *engine.Pipe, written uint64, limit int) (spent []*Call) {
	for _, list := range []*callList{&r.waiting, &r.unsent} {
		for c := list.first; c != nil; c = c.next {
			if i := slices.Index(c.sent, p); i >= 0 && c.nths[i] <= written {
				if c.lethal++; c.lethal >= limit {
					spent = append(spent, c)
				}
			}
		}
	}
	return spent
}

// lost removes an ended pipe from every call and returns the calls that wait on no other pipe.
func (r *requests) lost(p *engine.Pipe) (orphans []*Call) {
	for c := r.waiting.first; c != nil; c = c.next {
		if c.leave(p) && len(c.sent) == 0 {
			orphans = append(orphans, c)
		}
	}
	for c := r.unsent.first; c != nil; c = c.next {
		c.leave(p)
	}
	return orphans
}

// leave forgets that the call was sent over p, and reports whether it was.
func (c *Call) leave(p *engine.Pipe) bool {
	i := slices.Index(c.sent, p)
	if i < 0 {
		return false
	}
	c.sent, c.nths = slices.Delete(c.sent, i, i+1), slices.Delete(c.nths, i, i+1)
	return true
}

// A callList is a doubly linked list of calls.
type callList struct{ first, last *Call }

func (l *callList) push(c *Call) {
	c.queue, c.prev, c.next = l, l.last, nil
	if l.last == nil {
		l.first = c
	} else {
		l.last.next = c
	}
	l.last = c
}

func (l *callList) pushFront(c *Call) {
	c.queue, c.prev, c.next = l, nil, l.first
	if l.first == nil {
		l.last = c
	} else {
		l.first.prev = c
	}
	l.first = c
}

func (l *callList) remove(c *Call) {
	if c.prev == nil {
		l.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.queue, c.prev, c.next = nil, nil, nil
}

// lockStepTurns has the current call of each pipe whose peer gets requests without an id. Such a peer's reply always belongs
// to the last request. So a pipe whose call was given up cannot be used any more: it is closed and redialed.
type lockStepTurns map[*engine.Pipe]*Call

// takes reports whether requests over the pipe go without an id.
func (t lockStepTurns) takes(p *engine.Pipe) bool { return t != nil && p.Session().Multipart != nil }

// stuckWith returns the pipes that wait for the reply to an ended call.
func (t lockStepTurns) stuckWith(c *Call) (pipes []*engine.Pipe) {
	for p, at := range t {
		if at == c {
			pipes = append(pipes, p)
			delete(t, p)
		}
	}
	return pipes
}

// stuckSince returns the pipes whose calls are due to be sent again.
func (t lockStepTurns) stuckSince(r *requests, now time.Time) (pipes []*engine.Pipe) {
	if t == nil || r.retry <= 0 {
		return nil
	}
	for c := r.waiting.first; c != nil && !c.retry.After(now); c = c.next {
		pipes = append(pipes, t.stuckWith(c)...)
	}
	return pipes
}

func closeAll(pipes []*engine.Pipe) {
	for _, p := range pipes {
		p.Close(engine.ErrClosed)
	}
}
