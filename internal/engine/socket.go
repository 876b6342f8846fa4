// SPDX-License-Identifier: MIT

// Package engine is what every socket has in common: endpoints that listen and dial, pipes with their queues,
// lifetimes, counters and events. It joins the three axes: a pattern decides where messages go, a dialect
// what they look like as bytes, a transport how bytes move.
//
// Lock order: a pattern's lock, Socket.mu, Endpoint.mu, outbox.mu or inbound.mu, Inbox.consume, Inbox.mu,
// events.mu. No lock is held across a call that may wait or a callback of the user.
package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
)

// A Socket is the common core of all pattern sockets.
type Socket struct {
	id      uint64
	options Options
	broken  error // the configuration's error, told by the first call that can
	pattern Pattern
	scope   *scope.Scope
	events  *events

	mu        sync.Mutex
	pipes     map[uint32]*Pipe // attached
	endpoints map[*Endpoint]struct{}
	past      pastPipes
	changed   queue.Waiters // of pipes, for those who wait for it
	closing   bool

	panics   atomic.Uint64
	unsent   atomic.Int64 // messages dropped with their pipe since Shutdown began
	shutting atomic.Bool
	closed   chan struct{} // when Shutdown is done
	closeErr error
}

var lastSocket atomic.Uint64

// lastPipe begins at random, so that the ids in backtraces of two processes differ.
var lastPipe atomic.Uint32

func init() { lastPipe.Store(rand.Uint32N(1 << 30)) }

// NewSocket returns a socket without endpoints. bind makes the pattern, which needs the resolved options. An
// error in the options is returned by the first call that can return one.
func NewSocket(o Options, bind func(s *Socket, o Options) Pattern) *Socket {
	o, err := o.Resolve()
	s := &Socket{
		id: lastSocket.Add(1), options: o, broken: err, scope: scope.New(),
		pipes: make(map[uint32]*Pipe), endpoints: make(map[*Endpoint]struct{}), closed: make(chan struct{}),
	}
	s.events = newEvents(s)
	s.pattern = bind(s, o)
	return s
}

// ID is unique among the sockets of the process.
func (s *Socket) ID() uint64 { return s.id }

// Options are the resolved options.
func (s *Socket) Options() Options { return s.options }

// Scope owns the socket's goroutines; patterns run their timers and workers in it.
func (s *Socket) Scope() *scope.Scope { return s.scope }

// Break reports an error of the configuration that a pattern found.
func (s *Socket) Break(err error) {
	if s.broken == nil {
		s.broken = err
	}
}

// nextPipeID returns an id that no live pipe of the socket has. The counter passes 2^31 once in a very long
// life; an id whose pipe is still there then is skipped.
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

// attach makes a pipe, whose handshake is done, part of the socket.
func (s *Socket) attach(p *Pipe) error {
	s.mu.Lock()
	if s.closing && s.pattern.Pending() == 0 { // a pipe would have nothing to deliver
		s.mu.Unlock()
		return ErrClosed
	}
	p.attached = true
	p.discard.Store(s.closing)
	s.pipes[p.id] = p
	s.mu.Unlock()
	if err := s.pattern.Attach(p); err != nil {
		s.mu.Lock()
		p.attached = false
		delete(s.pipes, p.id)
		s.mu.Unlock()
		return err
	}
	p.endpoint.attached(p)
	s.wakeChanged()
	s.emit(Event{Kind: EventPipeUp, Pipe: p, Endpoint: p.endpoint})
	return nil
}

// detach is called once for every pipe that is over, attached or not.
func (s *Socket) detach(p *Pipe, unsent []msg.Message) {
	s.mu.Lock()
	was := p.attached
	s.mu.Unlock()
	if !was {
		return
	}
	s.pattern.Detach(p, unsent)
	s.mu.Lock()
	delete(s.pipes, p.id)
	s.past.add(p)
	s.mu.Unlock()
	p.endpoint.detached(p)
	s.wakeChanged()
	s.emit(Event{Kind: EventPipeDown, Pipe: p, Endpoint: p.endpoint, Err: p.err, Reason: reasonOf(p.err)})
}

func (s *Socket) wakeChanged() {
	s.mu.Lock()
	s.changed.WakeAll()
	s.mu.Unlock()
}

// dropped tells of dropped messages.
func (s *Socket) dropped(p *Pipe, reason Drop, n int) {
	if n > 0 {
		s.emit(Event{Kind: EventDrop, Pipe: p, Endpoint: p.endpoint, Reason: reason.String(), Count: uint64(n)})
	}
}

// Pipes returns the live pipes, in no order.
func (s *Socket) Pipes() []*Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	ps := make([]*Pipe, 0, len(s.pipes))
	for _, p := range s.pipes {
		ps = append(ps, p)
	}
	return ps
}

// PipeByID returns the live pipe with this id, or nil.
func (s *Socket) PipeByID(id uint32) *Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pipes[id]
}

// WaitPipes waits until the socket has at least n pipes.
func (s *Socket) WaitPipes(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return len(s.pipes) >= n })
}

// wait waits until ok, called under the lock, holds. It is asked whenever the set of pipes changes.
func (s *Socket) wait(ctx context.Context, ok func() bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok() {
		if s.closing {
			return ErrClosed
		}
		w := s.changed.Add()
		s.mu.Unlock()
		err := w.Park(ctx)
		s.mu.Lock()
		s.changed.Done(w, err)
		if err != nil {
			return err
		}
	}
	return nil
}

// Flush waits until every message that is queued now was handed to its link.
func (s *Socket) Flush(ctx context.Context) error {
	for {
		pipes := s.Pipes()
		for _, p := range pipes {
			if err := p.Flush(ctx); err != nil {
				return err
			}
		}
		if s.pattern.Pending() == 0 {
			return nil
		}
		// Messages of a dead pipe wait for another one.
		known := len(pipes)
		if err := s.wait(ctx, func() bool { return len(s.pipes) != known || s.pattern.Pending() == 0 }); err != nil {
			return err
		}
	}
}

// Close sends what is queued, for as long as the socket's Linger, and closes.
func (s *Socket) Close() error {
	ctx := context.Background()
	if linger := s.options.Linger; linger < unlimitedLinger {
		bounded, cancel := context.WithTimeout(ctx, linger)
		defer cancel()
		ctx = bounded
	}
	return s.Shutdown(ctx)
}

// unlimitedLinger is a Linger beyond any that a context can be given.
const unlimitedLinger = 1<<63 - 1

// Shutdown sends what is queued, until ctx ends, and closes. The error says how many messages were not handed
// over. Further calls wait for the first and return its error.
func (s *Socket) Shutdown(ctx context.Context) error {
	if s.shutting.CompareAndSwap(false, true) {
		s.closeErr = s.shutdown(ctx)
		close(s.closed)
	}
	<-s.closed
	return s.closeErr
}

func (s *Socket) shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.changed.WakeAll()
	endpoints := s.endpointsLocked()
	s.mu.Unlock()

	s.pattern.Refuse(ErrClosed)
	if !s.mayNeedPipes() {
		for _, e := range endpoints {
			e.quiesce()
		}
	}
	for _, p := range s.Pipes() {
		p.discard.Store(true)
		p.out.carrier.resume()
	}
	s.drain(ctx)

	for _, p := range s.Pipes() {
		p.end(ErrClosed)
	}
	for _, e := range endpoints {
		e.stop(ErrClosed)
	}
	s.scope.Close(ErrClosed)
	lost := int(s.unsent.Load()) + s.pattern.Close()
	s.events.close()
	if lost > 0 {
		return &OpError{Op: "close", Unsent: lost, Err: fmt.Errorf("%d messages were not handed over: %w", lost, ErrUnsent)}
	}
	return nil
}

// mayNeedPipes reports whether new connections may serve to deliver what is queued.
func (s *Socket) mayNeedPipes() bool {
	queued := s.pattern.Pending()
	if s.pattern.Traits().ReturnsUnsent {
		for _, p := range s.Pipes() {
			queued += p.Load()
		}
	}
	return queued > 0
}

// drain waits until nothing is left to be sent, then ends every pipe in an orderly way: what the peer has not
// read yet is not lost, as it would be if a connection with unread input were closed.
func (s *Socket) drain(ctx context.Context) {
	for {
		for _, p := range s.Pipes() {
			if p.Flush(ctx) != nil {
				return
			}
		}
		if s.pattern.Pending() == 0 {
			break
		}
		if !s.waitForPipe(ctx) {
			return
		}
	}
	pipes := s.Pipes()
	for _, p := range pipes {
		p.closeWrite()
	}
	for _, p := range pipes {
		select {
		case <-p.done:
		case <-ctx.Done():
			return
		}
	}
}

// waitForPipe waits for the set of pipes to change, during a shutdown.
func (s *Socket) waitForPipe(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.endpoints) == 0 {
		return false // nobody will ever make another pipe
	}
	w := s.changed.Add()
	s.mu.Unlock()
	err := w.Park(ctx)
	s.mu.Lock()
	s.changed.Done(w, err)
	return err == nil
}

// closeWrite ends the outgoing direction of a pipe with an empty queue. The peer's end of stream then ends the
// pipe. Where nothing was sent there is nothing to wait for.
func (p *Pipe) closeWrite() {
	p.out.mu.Lock()
	if p.out.sent == 0 {
		p.out.mu.Unlock()
		p.end(ErrClosed)
		return
	}
	p.out.shut = true
	idle := !p.out.busy
	p.out.busy = p.out.busy || idle
	p.out.mu.Unlock()
	if !idle {
		return // the pipe is over, or about to be
	}
	if err := p.out.carrier.closeWrite(); err != nil {
		p.setErr(err)
	}
	p.giveUpRole()
}

func (s *Socket) endpointsLocked() []*Endpoint {
	es := make([]*Endpoint, 0, len(s.endpoints))
	for e := range s.endpoints {
		es = append(es, e)
	}
	return es
}

// sleep waits for d, or until the scope closes, which it reports as false.
func sleep(sc *scope.Scope, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-sc.Done():
		return false
	}
}
