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
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// ErrReplied is returned for a second reply to one request.
var ErrReplied = errors.New("the request was already replied to or discarded")

// Responder receives requests or surveys and sends each reply back the way that its request came. It is what
// Rep and Respondent are.
type Responder struct {
	sides
	receiver
	*sender

	// Timeout, set before the first pipe is attached, is how long a reply waits for room before it costs its peer the
	// pipe. If it is not positive, a reply waits as long as its context lets it.
	Timeout time.Duration

	// Around, set before the first pipe is attached, is called by Reply if it is not nil. It calls Answer.
	Around func(ctx context.Context, r *Request, body []byte, m *msg.Message) error

	progress atomic.Pointer[func()] // Drain's; nil = not draining
}

// NewResponder returns the pattern.
func NewResponder(hello transport.Hello, o engine.Options) *Responder {
	in, out := newReceiver(o, false), new(sender)
	s := &Responder{sides: newSides(hello, in, out), receiver: in, sender: out}
	s.traits.Replies = true
	return s
}

// A Request is one received request. It carries the way back, so that any number may be open at once.
type Request struct {
	m      *msg.Message
	from   *Responder
	failed atomic.Pointer[error] // of Fail
	done   atomic.Bool

	// The way back, apart from the message: the application may release that, or send it on, before it replies.
	short  [shortBacktrace]byte // the memory of a header that fits
	header []byte
	pipe   *engine.Pipe
}

// shortBacktrace is the length of a routing header over two proxies.
const shortBacktrace = 12

// request is a received request, if one was received.
func (s *Responder) request(m *msg.Message, err error) (*Request, error) {
	if err != nil {
		return nil, err
	}
	r := new(Request)
	r.open(s, m)
	return r, nil
}

func (r *Request) open(from *Responder, m *msg.Message) {
	r.m, r.from, r.pipe = m, from, engine.PipeOf(m)
	r.header = append(r.short[:0], m.Header()...)
}

// Recv waits for the next request.
func (s *Responder) Recv(ctx context.Context) (*Request, error) {
	return s.request(s.receiver.Recv(ctx))
}

// TryRecv returns the next request, or ErrWouldBlock.
func (s *Responder) TryRecv() (*Request, error) { return s.request(s.receiver.TryRecv()) }

// RecvBatch waits for at least one request and fills dst with all that are queued.
func (s *Responder) RecvBatch(ctx context.Context, dst []*Request) (n int, err error) {
	if len(dst) == 0 {
		return 0, nil
	}
	if dst[0], err = s.Recv(ctx); err != nil {
		return 0, err
	}
	for n = 1; n < len(dst); n++ {
		if dst[n], err = s.TryRecv(); err != nil { // which the next call reports, unless there is nothing to report
			return n, nil
		}
	}
	return n, nil
}

// A shown is a request that can be found by its message.
type shown struct {
	Request
	origin msg.Origin
}

// asMessage returns a received request's message, which leads to its Request.
func (s *Responder) asMessage(m *msg.Message, err error) (*msg.Message, error) {
	if err != nil {
		return nil, err
	}
	a := new(shown)
	a.open(s, m)
	a.origin = msg.Origin{Pipe: a.pipe, Request: &a.Request, Passed: m.Passed()}
	m.SetOrigin(&a.origin)
	return m, nil
}

// RecvMsg is Recv for the request's message. RequestOf returns the request.
func (s *Responder) RecvMsg(ctx context.Context) (*msg.Message, error) {
	return s.asMessage(s.receiver.Recv(ctx))
}

// TryRecvMsg is TryRecv for the request's message.
func (s *Responder) TryRecvMsg() (*msg.Message, error) { return s.asMessage(s.receiver.TryRecv()) }

// RecvMsgs is RecvBatch for the requests' messages.
func (s *Responder) RecvMsgs(ctx context.Context, dst []*msg.Message) (n int, err error) {
	for n < len(dst) {
		if n == 0 {
			dst[0], err = s.RecvMsg(ctx)
		} else {
			dst[n], err = s.TryRecvMsg()
		}
		if err != nil {
			break
		}
		n++
	}
	if n > 0 {
		err = nil // which the next call reports, unless there is nothing to report
	}
	return n, err
}

// RequestOf is the request that a message was received as, or nil.
func RequestOf(m *msg.Message) *Request {
	if o := m.Origin(); o != nil {
		r, _ := o.Request.(*Request)
		return r
	}
	return nil
}

// Message is the request. It is released with the reply, if it was not before.
func (r *Request) Message() *msg.Message { return r.m }

// Pipe is where the request came from.
func (r *Request) Pipe() *engine.Pipe { return r.pipe }

// Reply is Answer, by the way of Around.
func (r *Request) Reply(ctx context.Context, body []byte, m *msg.Message) error {
	if around := r.from.Around; around != nil {
		return around(ctx, r, body, m)
	}
	return r.Answer(ctx, body, m)
}

// Answer sends a copy of body, or the contents of m, to where the request came from. It waits while that pipe has
// no room, up to the timeout of the socket, after which the pipe is closed.
func (r *Request) Answer(ctx context.Context, body []byte, m *msg.Message) error {
	ctx = scope.OrBackground(ctx)
	if !r.done.CompareAndSwap(false, true) {
		return ErrReplied
	}
	err := r.from.reply(ctx, r.pipe, r.header, body, m)
	switch {
	case err == nil:
		r.m.Release()
		r.from.advanced()
	case !errors.Is(err, engine.ErrPipeClosed):
		r.done.Store(false) // may be tried again
	}
	return err
}

// reply queues a reply to a pipe. Room for it was left when its request was handed out; it waits only if other replies to
// the same peer have taken that since.
func (s *Responder) reply(ctx context.Context, p *engine.Pipe, header, body []byte, m *msg.Message) error {
	err := s.sendTo(ctx, false, p, header, body, m)
	if !errors.Is(err, engine.ErrWouldBlock) {
		return err
	}
	if s.Timeout <= 0 {
		return s.sendTo(ctx, true, p, header, body, m)
	}
	bounded, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	err = s.sendTo(bounded, true, p, header, body, m)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	p.RefuseN(reasons.Stalled, 1)
	p.Close(engine.ErrStalled)
	return &engine.OpError{Op: "reply", Peer: p.Link().RemoteAddr().String(), Err: fmt.Errorf(
		"%w: %w: it left no room for a reply for %v; let it read its replies, or raise ReplyTimeout", engine.ErrPipeClosed, engine.ErrStalled, s.Timeout)}
}

// Discard says that there will be no reply. It reports whether there was none.
func (r *Request) Discard() bool {
	if !r.done.CompareAndSwap(false, true) {
		return false
	}
	if r.pipe != nil {
		r.pipe.Waive()
	}
	r.m.Release()
	r.from.advanced()
	return true
}

// Fail discards the request because of err, and has that counted and reported. A nil err does nothing, nor does a request
// that was replied to or discarded.
func (r *Request) Fail(err error) {
	if err != nil && r.Discard() {
		failure := err // so that Fail without one makes nothing
		r.failed.Store(&failure)
		r.pipe.Socket().RequestFailed(r.pipe, err)
	}
}

// Failure is the error of Fail, or nil.
func (r *Request) Failure() error {
	if err := r.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Receive implements engine.Pattern. A Responder that drains first answers the requests that it has received: later ones
// wait in the connection, because they could not be answered.
func (s *Responder) Receive(p *engine.Pipe, run []msg.Message) int {
	if s.progress.Load() != nil && !p.Over() {
		return 0
	}
	return s.sides.Receive(p, run)
}

// Drain implements engine.Drainer. Replies can still be sent.
func (s *Responder) Drain(_ error, progress func()) {
	s.progress.Store(&progress)
	s.receiver.Drain(progress)
}

// Owed implements engine.Drainer.
func (s *Responder) Owed(p *engine.Pipe) int {
	return p.Unanswered(p.State().(*queue.Source).Counts().Arrived)
}

// advanced reports to Drain that a request has ended.
func (s *Responder) advanced() {
	if progress := s.progress.Load(); progress != nil {
		(*progress)()
	}
}
