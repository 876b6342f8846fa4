// SPDX-License-Identifier: MIT

// Package bufsend collects small messages and sends many of them at once. It is to a socket what bufio.Writer is to a
// connection: for one goroutine that produces a stream of messages one by one, where each alone would cost more to queue
// than to copy. Everything else is as without it: order, back-pressure, limits, counters. Of several peers that share messages,
// each gets up to 64 in a row.
package bufsend

import (
	"context"
	"errors"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/scope"
)

// A Socket sends many bodies at once. The sending sockets of package spry implement it.
type Socket interface {
	SendBodies(ctx context.Context, bodies [][]byte) (n int, err error)
}

// Delay is how long a message is in the buffer at most before the Sender begins to send it.
const Delay = time.Millisecond

const (
	defaultSize  = 32 << 10
	maxMessages  = 512
	passedAtOnce = 64 // so that the figures say how far a blocked flush is
)

// A Sender is the buffer of one socket. It sends its messages when it is full, at Flush, and [Delay] after the first message.
// One goroutine uses it; the socket may have other senders, and several Senders.
//
// Messages in the buffer count as offered and queued in the statistics of the socket, except while they are being passed to
// it. The socket's Flush, Close and Shutdown do not know of them: call those of the Sender first.
type Sender struct {
	to    Socket
	core  *engine.Socket // the socket's, or nil if it is of another package
	size  int            // of the buffer, in bytes
	scope *scope.Scope
	timer *scope.Timer

	mu      lock.Mutex[lock.Buffer]
	fill    batch // what Send adds to
	flight  batch // what is being sent; the rest of it comes before fill
	sending bool  // a goroutine is in a call of the socket
	turn    queue.Waiters
	err     error // nothing can be sent any more
}

// A batch is messages behind each other in memory that never moves.
type batch struct {
	data   []byte
	bodies [][]byte
	sent   int   // of bodies
	bytes  int64 // the cost in a queue of the others
}

func (b *batch) left() [][]byte { return b.bodies[b.sent:] }

func (b *batch) empty() bool { return b.sent == len(b.bodies) }

// sentMore says that n more were sent. Memory for a large message is not kept.
func (b *batch) sentMore(n, size int) {
	b.bytes -= cost(b.left()[:n])
	if b.sent += n; !b.empty() {
		return
	}
	clear(b.bodies)
	b.data, b.bodies, b.sent = b.data[:0], b.bodies[:0], 0
	if cap(b.data) > size {
		b.data = nil
	}
}

// cost is what a queue is charged for messages.
func cost(bodies [][]byte) (bytes int64) {
	for _, body := range bodies {
		bytes += int64(msg.BaseCost + len(body))
	}
	return bytes
}

// New returns a Sender with a buffer of 32 KiB. Close ends it.
func New(to Socket) *Sender { return NewSize(to, defaultSize) }

// NewSize is New for a buffer of size bytes, at least 1 KiB. It holds at most 512 messages.
func NewSize(to Socket, size int) *Sender {
	s := &Sender{to: to, size: max(size, 1<<10), scope: scope.New()}
	if s.core = face.Core(to); s.core != nil {
		s.core.AddBuffer(s)
	}
	s.timer = s.scope.AfterFunc(Delay, s.due)
	return s
}

// Send copies body to the buffer. If there is no room, it sends what is there first, and waits as the socket does, until ctx
// ends. A nil error says that the message is in the buffer. After an error of the socket that is not the end of a ctx, the
// Sender takes no more messages, and all calls return that error.
func (s *Sender) Send(ctx context.Context, body []byte) error {
	if err := scope.Ended(ctx); err != nil {
		return &spry.OpError{Op: "send", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil && !s.hasRoomLocked(body) {
		if err := s.passLocked(ctx); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.err
	}
	s.addLocked(body)
	return nil
}

// hasRoomLocked reports whether body fits. Any body fits into an empty buffer.
func (s *Sender) hasRoomLocked(body []byte) bool {
	return s.fill.empty() || len(s.fill.bodies) < maxMessages && len(body) <= cap(s.fill.data)-len(s.fill.data)
}

func (s *Sender) addLocked(body []byte) {
	b := &s.fill
	if b.empty() {
		if len(body) > cap(b.data) || b.data == nil {
			b.data = make([]byte, 0, max(s.size, len(body)))
		}
		s.timer.Reset(Delay)
	}
	from := len(b.data)
	b.data = append(b.data, body...)
	b.bodies = append(b.bodies, b.data[from:len(b.data):len(b.data)])
	b.bytes += int64(msg.BaseCost + len(body))
}

// passLocked passes the oldest messages to the socket, after those that another goroutine passes. It returns the error of a
// ctx that has ended, after which the rest is still there, or why nothing can be sent any more. It releases the lock while
// it waits.
func (s *Sender) passLocked(ctx context.Context) error {
	for s.sending {
		if err := s.turn.Wait(ctx, &s.mu); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.err
	}
	if s.flight.empty() {
		s.flight, s.fill = s.fill, s.flight
	}
	for s.err == nil && !s.flight.empty() {
		n, err := s.sendLocked(ctx, s.nowLocked())
		s.flight.sentMore(n, s.size)
		if err != nil {
			if scope.Ended(ctx) == nil {
				s.err = err
			}
			return err
		}
	}
	return s.err
}

// sendLocked calls the socket without the lock.
func (s *Sender) sendLocked(ctx context.Context, bodies [][]byte) (n int, err error) {
	s.sending = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.sending = false
		s.turn.WakeAll()
	}()
	return s.to.SendBodies(ctx, bodies)
}

// nowLocked is what is passed to the socket by one call.
func (s *Sender) nowLocked() [][]byte {
	left := s.flight.left()
	return left[:min(passedAtOnce, len(left))]
}

// due sends what is there when the first message has been there for long enough.
func (s *Sender) due() { _ = s.Flush(s.scope.Context()) }

// Flush sends everything that is in the buffer, until ctx ends; the rest stays in the buffer. It does not wait until the
// socket has written it: [spry.Socket.Flush] does.
func (s *Sender) Flush(ctx context.Context) error {
	if err := scope.Ended(ctx); err != nil {
		return &spry.OpError{Op: "flush", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil && !(s.flight.empty() && s.fill.empty()) {
		if err := s.passLocked(ctx); err != nil {
			s.timer.Reset(Delay)
			return err
		}
	}
	return s.err
}

// Close is Shutdown without a limit: it waits for room as long as the socket is open.
func (s *Sender) Close() error { return s.Shutdown(context.Background()) }

// Shutdown sends what is in the buffer, until ctx ends, and ends the Sender. Its timer and its calls have ended when it
// returns. The socket stays open. Messages that are left are dropped, and counted in the socket's statistics under the reason
// closed; [spry.OpError].Unsent of the error is their number. After the first call, all calls fail with [spry.ErrClosed].
func (s *Sender) Shutdown(ctx context.Context) error {
	err := s.Flush(ctx)
	s.scope.Close(engine.ErrClosed) // a call of the timer ends
	s.timer.Stop()
	s.mu.Lock()
	left := len(s.flight.left()) + len(s.fill.bodies)
	s.flight, s.fill = batch{}, batch{}
	s.err = &spry.OpError{Op: "send", Err: spry.ErrClosed}
	s.mu.Unlock()
	if s.core != nil {
		s.core.RemoveBuffer(s)
		if left > 0 {
			s.core.DropOut(reasons.Closed, left)
		}
	}
	if err == nil {
		return nil
	}
	if op, ok := errors.AsType[*spry.OpError](err); ok {
		err = op.Err
	}
	return &spry.OpError{Op: "close", Err: err, Unsent: left}
}

// Buffered is how many messages are in the buffer, and their cost in a queue.
func (s *Sender) Buffered() (messages int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, bytes = len(s.flight.left())+len(s.fill.bodies), s.flight.bytes+s.fill.bytes
	if s.sending {
		now := s.nowLocked()
		messages -= len(now)
		bytes -= cost(now)
	}
	return messages, bytes
}
