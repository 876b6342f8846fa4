// SPDX-License-Identifier: MIT

// Package engine is the common core of all sockets: endpoints that listen and dial, pipes with their queues, lifetimes,
// counters and events. It joins the three axes: a pattern decides where messages go, a dialect how they are encoded, a
// transport how bytes move.
//
// Locks are taken in the order of package lock.
package engine

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// A Socket is the common core of all pattern sockets.
type Socket struct {
	id      uint64
	options Options
	broken  error // the configuration's error
	pattern Pattern
	life    life // see socketOpen
	scope   *scope.Scope
	events  *events
	account budget.Account          // memory of the socket itself
	flusher atomic.Pointer[Flusher] // writes the pipes; nil if each has a writer of its own

	mu        lock.Mutex[lock.Socket]
	pipes     map[uint32]*Pipe // attached, or about to be
	ready     int              // pipes that the pattern knows
	endpoints map[*Endpoint]struct{}
	past      pastPipes
	changed   queue.Waiters // callers that wait for a change of the pipes
	draining  *draining     // nil: Drain was not called
	buffers   map[Buffer]struct{}
	handling  int // calls that hand requests to the application's handlers

	brake brake

	lastEndpoint atomic.Uint64

	ending atomic.Int32  // pipes that have ended and have not yet returned their messages to the pattern
	ended  atomic.Uint64 // pipes that ever were

	panics    atomic.Uint64
	failed    atomic.Uint64 // requests, by RequestFailed
	unsent    atomic.Int64  // messages dropped with their pipe since Shutdown began
	unknown   atomic.Int64  // messages sent on pipes that Shutdown closed without proof that they arrived
	lastWrite atomic.Int64  // to a stream, by any pipe; since epoch
	closed    chan struct{} // when Shutdown is done
	closeErr  error
}

var lastSocket atomic.Uint64

// lastPipe begins at random, so that the ids in backtraces of two processes differ.
var lastPipe atomic.Uint32

func init() { lastPipe.Store(rand.Uint32N(1 << 30)) }

// NewSocket returns a socket without endpoints. bind makes the pattern, which needs the resolved options. An
// error in the options is returned by every call that can return one.
func NewSocket(o Options, bind func(s *Socket, o Options) Pattern) *Socket {
	o, err := o.Resolve()
	s := &Socket{
		id: lastSocket.Add(1), options: o, broken: err, scope: scope.New(),
		pipes: make(map[uint32]*Pipe), endpoints: make(map[*Endpoint]struct{}), closed: make(chan struct{}),
	}
	s.events = newEvents(s)
	s.account.Open(o.Budget, nil)
	s.pattern = bind(s, o)
	if b, ok := s.pattern.(Binder); ok {
		b.Bind(s)
	}
	if s.broken != nil {
		s.pattern.Refuse(s.broken)
	}
	if !o.Unlisted {
		listed.add(s)
	}
	if o := observer.Load(); o != nil {
		(*o).Opened(s)
	}
	return s
}

// ID is unique among the sockets of the process.
func (s *Socket) ID() uint64 { return s.id }

// Options are the resolved options.
func (s *Socket) Options() Options { return s.options }

// Pattern is the socket's.
func (s *Socket) Pattern() Pattern { return s.pattern }

// Scope owns the socket's goroutines; patterns run their timers and workers in it.
func (s *Socket) Scope() *scope.Scope { return s.scope }

// Broken is the configuration's error, or nil.
func (s *Socket) Broken() error { return s.broken }

// Break reports an error of the configuration that a pattern found while it was made.
func (s *Socket) Break(err error) {
	if s.broken == nil {
		s.broken = err
	}
}

// nextPipeID returns an id that no live pipe of the socket has. The counter passes 2^31 once in a very long life; ids of
// pipes that are still live then are skipped.
func (s *Socket) nextPipeID() uint32 {
	for {
		id := lastPipe.Add(1) & 0x7fffffff
		s.mu.Lock()
		_, taken := s.pipes[id]
		s.mu.Unlock()
		if id != 0 && !taken {
			return id
		}
	}
}

// attach makes a pipe, after its handshake, part of the socket.
func (s *Socket) attach(p *Pipe) error {
	needed := !s.closing() || s.mayNeedPipes() // which asks every pipe
	s.mu.Lock()
	if s.draining != nil || s.closing() && !needed { // the pipe would have nothing to deliver
		s.mu.Unlock()
		return ErrClosed
	}
	s.pipes[p.id] = p
	s.mu.Unlock()
	if err := s.pattern.Attach(p); err != nil {
		s.mu.Lock()
		delete(s.pipes, p.id)
		s.changed.WakeAll()
		s.mu.Unlock()
		return err
	}
	p.endpoint.attached(p)
	s.Emit(Event{Kind: EventPipeUp, Pipe: p, Endpoint: p.endpoint})
	s.mu.Lock()
	s.ready++
	known := p.known.advance(pipeAttached)
	s.changed.WakeAll()
	s.mu.Unlock()
	if !known { // but over already, or since it is being attached
		s.remove(p)
	}
	return nil
}

// detach is called once for every pipe that has ended, attached or not. unsent are the messages that return to the pattern.
func (s *Socket) detach(p *Pipe, unsent []msg.Message) {
	s.mu.Lock()
	known := p.known.reached(pipeAttached)
	p.known.advance(pipeDetached)
	if len(unsent) > 0 {
		p.unsent = &unsent
	}
	s.mu.Unlock()
	if known { // else it never was a part of the socket, or attach sees to it
		s.remove(p)
	}
}

// remove removes an ended pipe from the socket.
func (s *Socket) remove(p *Pipe) {
	var unsent []msg.Message
	if p.unsent != nil {
		unsent = *p.unsent
	}
	s.pattern.Detach(p, unsent)
	p.unsent = nil
	s.mu.Lock()
	delete(s.pipes, p.id)
	s.ready--
	s.past.add(p)
	s.mu.Unlock()
	p.endpoint.detached(p)
	s.Changed()
	s.Emit(Event{Kind: EventPipeDown, Pipe: p, Endpoint: p.endpoint, Err: p.err, Reason: reasonOf(p.err)})
}

// Changed wakes callers that wait for a change of the socket's pipes.
func (s *Socket) Changed() {
	s.mu.Lock()
	s.changed.WakeAll()
	s.mu.Unlock()
}

// dropped reports dropped messages.
func (s *Socket) dropped(p *Pipe, reason reasons.Reason, n int) {
	if n > 0 {
		s.Emit(Event{Kind: EventDrop, Pipe: p, Endpoint: p.endpoint, Reason: reason, Count: uint64(n)})
	}
}

// Pipes returns the live pipes, in no order.
func (s *Socket) Pipes() []*Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.pipes))
}

// PipeByID returns the live pipe with this id, or nil.
func (s *Socket) PipeByID(id uint32) *Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pipes[id]
}

// WaitPipes waits until the socket has at least n pipes.
func (s *Socket) WaitPipes(ctx context.Context, n int) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	err := s.wait(ctx, func() (bool, error) { return s.ready >= n, s.closedLocked() })
	return s.lateWait(err, n)
}

// WaitFor waits until ok returns true. It is called whenever the set of pipes changes, or a pattern calls Changed. It may
// take the pattern's lock.
func (s *Socket) WaitFor(ctx context.Context, ok func() bool) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	return s.wait(ctx, func() (bool, error) { return ok(), s.closedLocked() })
}

// closing reports whether Shutdown has begun.
func (s *Socket) closing() bool { return s.life.reached(socketClosing) }

func (s *Socket) closedLocked() error {
	if s.closing() {
		return ErrClosed
	}
	return nil
}

// wait waits until ok, called under the lock, returns true or an error. It is called whenever the set of pipes changes.
func (s *Socket) wait(ctx context.Context, ok func() (bool, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if done, err := ok(); done {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.changed.Wait(ctx, &s.mu); err != nil {
			return err
		}
	}
}

func (s *Socket) endpointsLocked() []*Endpoint {
	return slices.Collect(maps.Keys(s.endpoints))
}

// Transports are those of the socket, inproc apart.
func (s *Socket) Transports() []transport.Transport { return s.options.Transports }

// An Observer learns of every socket of the process. Tests have one, to check that sockets keep their promises; programs
// have none.
type Observer interface {
	// Opened is called with a new socket.
	Opened(s *Socket)

	// Closed is called when a socket has no endpoints, pipes and goroutines any more, before Close returns.
	Closed(s *Socket)
}

var observer atomic.Pointer[Observer]

// Observe sets the Observer of sockets that are made from now on.
func Observe(o Observer) { observer.Store(&o) }
