// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"
	"unsafe"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/scope"
)

// ReqOptions are the options of a [Req].
type ReqOptions struct {
	Options

	// Retry is how long a request waits for its reply before it is sent again, perhaps to another peer. Defaults to 1
	// minute; negative means that a request is never sent twice, and fails with [ErrPipeClosed] when its connection ends.
	Retry time.Duration

	// MaxAttempts limits how often a request is sent again because its connection ended. It fails with [ErrGivenUp] after
	// this many connections to which it was wholly written have ended. So a request that crashes its peers does not reach
	// all of them. Connections that this end closes do not count, nor does sending again because of Retry. Defaults to 5;
	// negative means no limit.
	MaxAttempts int

	// FailFast makes requests fail with [ErrNoPeer] if no peer is connected, and with [ErrPipeClosed] when their
	// connection ends. Defaults to waiting for a peer.
	FailFast bool

	// LockStep sends ZeroMQ peers requests without an id, one at a time on each connection. It is for ROUTER programs that
	// expect nothing before the empty frame. Giving up a request then closes its connection, because a late reply would look
	// like that to the next request. Defaults to sending an id, which REP sockets and most ROUTER programs return.
	LockStep bool
}

// maxAttempts is the default of MaxAttempts.
const maxAttempts = 5

// A Req sends requests to its peers, which are [Rep] sockets, in turn, and matches the replies. Any number of requests may
// be open at once.
//
// A request is sent again when its connection ends, up to MaxAttempts times, and every Retry, until a reply arrives. It may
// therefore be executed more than once. The first reply counts, from any live pipe that the request was sent to.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Req struct {
	Socket
	pattern *pattern.Req
	chain   *intercept.Chain
}

// NewReq returns a Req without endpoints. o may be nil.
func NewReq(o *ReqOptions) *Req {
	if o == nil {
		o = new(ReqOptions)
	}
	retry := o.Retry
	if retry == 0 {
		retry = time.Minute
	}
	var p *pattern.Req
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = pattern.NewReq(s, ProtocolReq.hello(), retry, o.FailFast, o.LockStep)
		p.MaxAttempts = o.MaxAttempts
		if p.MaxAttempts == 0 {
			p.MaxAttempts = maxAttempts
		}
		return p
	})
	return &Req{Socket{core}, p, newChain(core, o.Interceptors, false)}
}

// Do sends a request and waits for the reply, until ctx ends. It blocks while no peer is connected, unless FailFast is set.
// body must not change until Do returns. It fails with [ErrGivenUp] after MaxAttempts, and with [ErrNoPeer] or
// [ErrPipeClosed] as [ReqOptions] says.
func (s *Req) Do(ctx context.Context, body []byte) ([]byte, error) {
	m, err := s.do(ctx, body, nil)
	if err != nil {
		return nil, opErr("request", err)
	}
	reply := m.Detach()
	m.Release()
	return reply, nil
}

// DoMsg is Do with messages; the reply belongs to the caller. Afterwards m is empty, even if the request fails. Only if the
// request is refused at once is m unchanged: with [ErrClosed], [ErrNoPeer], [ErrMultipart] or [ErrTooLarge], or because ctx
// had already ended. The same errors can also end a request that waited for a peer; then m is empty.
func (s *Req) DoMsg(ctx context.Context, m *Message) (*Message, error) {
	reply, err := s.do(ctx, nil, m.inner())
	return received(reply), opErr("request", err)
}

func (s *Req) do(ctx context.Context, body []byte, m *msg.Message) (*msg.Message, error) {
	if s.chain == nil {
		return s.pattern.Do(ctx, body, m)
	}
	return s.chain.Do(ctx, s.pattern, body, m)
}

// Start queues a request and returns at once. Afterwards m is empty; on an error it is unchanged. The request stays open, and
// is sent again every Retry, until a reply arrives or [Call.Wait] or [Call.Cancel] ends it. Open requests have no limit but
// memory. It fails with [ErrClosed], [ErrMultipart] or [ErrTooLarge], and with [ErrNoPeer] if FailFast is set.
func (s *Req) Start(m *Message) (*Call, error) {
	c, err := s.start(m.inner())
	if err != nil {
		return nil, opErr("request", err)
	}
	return &Call{req: s.pattern, chain: s.chain, call: c, turn: make(chan struct{}, 1)}, nil
}

func (s *Req) start(m *msg.Message) (c *pattern.Call, err error) {
	if s.chain == nil {
		return s.pattern.Start(nil, m)
	}
	err = s.chain.SendOne(context.Background(), nil, nil, m, func(_ context.Context, m *msg.Message) (err error) {
		c, err = s.pattern.Start(nil, m)
		return err
	})
	switch {
	case err == nil && c == nil:
		err = ErrIntercepted
	case err != nil && c != nil:
		s.pattern.Cancel(c, err)
	}
	return c, err
}

// A Call is a request made by [Req.Start].
type Call struct {
	req   *pattern.Req
	chain *intercept.Chain
	call  *pattern.Call

	turn  chan struct{} // filled by the caller that waits, or reads the fields below; a lock that contexts can interrupt
	ended bool
	reply *msg.Message
	err   error
}

// Wait waits for the reply. If ctx ends first, so does the call, for all callers of Wait. Further calls return the same
// Message and error, so that only one caller may release or change the Message.
func (c *Call) Wait(ctx context.Context) (*Message, error) {
	ctx = scope.OrBackground(ctx)
	if err := ctx.Err(); err != nil {
		c.req.Expire(c.call, err) // unless it has ended: then the next Wait has its reply
		return nil, opErr("request", err)
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		c.req.Expire(c.call, ctx.Err()) // by which the one that has the turn is done
		c.turn <- struct{}{}
	}
	defer func() { <-c.turn }()
	if !c.ended {
		c.reply, c.err = c.wait(ctx)
		c.reply.Stamp() // once: other callers may read the reply from now on
		c.ended = true
	}
	return (*Message)(c.reply), opErr("request", c.err)
}

func (c *Call) wait(ctx context.Context) (*msg.Message, error) {
	if c.chain == nil {
		return c.req.Wait(ctx, c.call)
	}
	return c.chain.Wait(ctx, c.req, c.call)
}

// Cancel ends the call with [context.Canceled], unless it has ended. The request is not sent again, and a late reply is
// dropped and counted as stale. A request that a peer has received is not withdrawn.
func (c *Call) Cancel() { c.req.Cancel(c.call, context.Canceled) }

// RepOptions are the options of a [Rep].
type RepOptions struct {
	Options

	// ReplyTimeout is how long a Reply waits for room in its peer's queue. After it, the peer's connection is closed with
	// [ErrStalled]. Defaults to 30 s; negative means that only the ctx of the Reply limits it.
	ReplyTimeout time.Duration
}

// replyTimeout is the default of ReplyTimeout.
const replyTimeout = 30 * time.Second

// A Rep receives requests from its peers, which are [Req] sockets, and sends each reply back the way that its request came,
// over any number of proxies. Any number of requests may be open at once.
//
// While a peer's queue of replies is more than half full, the Rep receives no further request of that peer. A peer that does
// not read its replies therefore does not block others.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Rep struct {
	Socket
	responding
	draining
}

// NewRep returns a Rep without endpoints. o may be nil.
func NewRep(o *RepOptions) *Rep {
	if o == nil {
		o = new(RepOptions)
	}
	core, r := newResponder(o.Options, ProtocolRep, o.ReplyTimeout)
	return &Rep{Socket{core}, r, draining{core}}
}

// A Handler answers requests or surveys.
type Handler interface {
	// Handle is called for each request, by as many goroutines at once as Serve has workers. A request that was not replied
	// to when Handle returns is discarded.
	//
	// ctx has the values of the ctx of Serve, but does not end with it, so that begun calls can finish. It ends when the
	// socket is closed: when Close has sent its queues, or when Drain is done. Drain waits for the calls of Handle until its
	// own ctx ends.
	Handle(ctx context.Context, r *Request)
}

// A HandlerFunc is a function that implements [Handler].
type HandlerFunc func(ctx context.Context, r *Request)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, r *Request) { f(ctx, r) }

// A Request is a received request or survey, with the way back to its requester. Replies may be sent from any goroutine and
// in any order.
type Request pattern.Request

func (r *Request) inner() *pattern.Request { return (*pattern.Request)(r) }

// Bytes is the request's body. It is read-only, and valid until the request is replied to or discarded.
func (r *Request) Bytes() []byte { return r.inner().Message().Bytes() }

// Message is the request's message. It belongs to the Request, which releases it when it is replied to or discarded. It may
// be released or sent before.
func (r *Request) Message() *Message { return received(r.inner().Message()) }

// Pipe is the pipe that the request was received on.
func (r *Request) Pipe() *Pipe { return (*Pipe)(r.inner().Pipe()) }

// Reply sends a copy of body back. A received request normally has room for its reply. If replies to other requests of the
// same peer have used that room, Reply blocks until ctx ends; then it may be called again. After ReplyTimeout of the socket,
// Reply closes the pipe, fails with [ErrStalled] and [ErrPipeClosed], and counts the message as stalled. It fails with
// [ErrPipeClosed] alone when the pipe has ended, and with [ErrReplied] the second time.
func (r *Request) Reply(ctx context.Context, body []byte) error {
	return opErr("reply", r.inner().Reply(ctx, body, nil))
}

// ReplyMsg is Reply with the contents of m, which may be the request's own message. Afterwards m is empty; on an error it is
// unchanged. It also fails with [ErrMultipart] or [ErrTooLarge] if the peer cannot receive m; then another reply may be sent.
func (r *Request) ReplyMsg(ctx context.Context, m *Message) error {
	return opErr("reply", r.inner().Reply(ctx, nil, m.inner()))
}

// Discard declares that there will be no reply, and releases the request's message. It is optional: a request without a reply
// is harmless, except to Drain. After a reply, or a second time, it does nothing.
func (r *Request) Discard() { r.inner().Discard() }

// Fail discards the request because of err: it cannot be decoded, for example, or executing it failed. The failure is
// counted in Stats.Failed, and reported by an [EventRequestFailed] and in the log. Nothing is sent: the peer waits for its
// reply until its own context ends. A nil err does nothing, and so does a second call, or one after Reply or Discard.
func (r *Request) Fail(err error) { r.inner().Fail(err) }

// responding has the methods of Rep and Respondent. It is embedded, never used by itself.
type responding struct {
	core    *engine.Socket
	pattern *pattern.Responder
	chain   *intercept.Chain
	by      intercept.Receivers // for messages; with the chain
}

func newResponder(o Options, protocol Protocol, timeout time.Duration) (*engine.Socket, responding) {
	if timeout == 0 {
		timeout = replyTimeout
	}
	var p *pattern.Responder
	core := engine.NewSocket(o.engineOptions(), func(_ *engine.Socket, eo engine.Options) engine.Pattern {
		p = pattern.NewResponder(protocol.hello(), eo)
		p.Timeout = timeout
		return p
	})
	by := intercept.Receivers{Recv: p.RecvMsg, TryRecv: p.TryRecvMsg, RecvMany: p.RecvMsgs, Unreceive: p.Unreceive}
	c := newChain(core, o.Interceptors, false)
	if c != nil {
		by = c.Receivers(by)
		p.Around = c.Reply
	}
	return core, responding{core, p, c, by}
}

// Recv waits for the next request, until ctx ends. Reply to it or discard it. Pipes take turns of at most 64 requests.
func (s *responding) Recv(ctx context.Context) (*Request, error) {
	r, err := s.recv(ctx)
	return (*Request)(r), opErr("recv", err)
}

func (s *responding) recv(ctx context.Context) (*pattern.Request, error) {
	if s.chain == nil {
		return s.pattern.Recv(ctx)
	}
	for {
		m, err := s.by.Recv(ctx)
		if err != nil {
			return nil, err
		}
		if r := pattern.RequestOf(m); r != nil {
			return r, nil
		} // else an interceptor has replied to it
	}
}

// RecvBatch waits for at least one request, until ctx ends, and puts as many queued requests into dst as it holds. It returns
// their number, and 0 at once if dst is empty.
func (s *responding) RecvBatch(ctx context.Context, dst []*Request) (int, error) {
	if s.chain == nil {
		n, err := s.pattern.RecvBatch(ctx, innerRequests(dst))
		return n, opErr("recv", err)
	}
	ms := make([]*msg.Message, len(dst))
	for {
		n, err := s.by.RecvMany(ctx, ms)
		left := 0
		for _, m := range ms[:n] {
			if r := pattern.RequestOf(m); r != nil { // else an interceptor has replied to it
				dst[left] = (*Request)(r)
				left++
			}
		}
		if left > 0 || n == 0 {
			return left, opErr("recv", err)
		}
	}
}

// innerRequests is the same slice, as the pattern takes it: Request and pattern.Request have the same memory.
func innerRequests(rs []*Request) []*pattern.Request {
	return unsafe.Slice((**pattern.Request)(unsafe.Pointer(unsafe.SliceData(rs))), len(rs))
}

// RecvMsg is Recv for the request's message, so that a socket that replies is a [Receiver]. Reply by [Message.Request]. The
// message belongs to that Request, which releases it when it is replied to or discarded.
func (s *responding) RecvMsg(ctx context.Context) (*Message, error) {
	m, err := s.by.Recv(ctx)
	return received(m), opErr("recv", err)
}

// TryRecvMsg is RecvMsg, but fails with [ErrWouldBlock] if there is no request.
func (s *responding) TryRecvMsg() (*Message, error) {
	m, err := s.by.TryRecv()
	return received(m), opErr("recv", err)
}

// Chan returns a channel of requests as RecvMsg returns them, for select statements. It is closed when ctx ends and when the
// socket is closed. See Chan of [Pull].
func (s *responding) Chan(ctx context.Context) <-chan *Message {
	return engine.Feed(ctx, s.core, s.RecvMsg, s.putBack)
}

// putBack makes a request that the application has not seen the next one to be received.
func (s *responding) putBack(m *Message) { s.by.Unreceive((*msg.Message)(m)) }

// Requests yields requests until the socket is closed or the loop ends. If ctx ends, or receiving fails for another
// reason, it yields the error, once, and ends.
func (s *responding) Requests(ctx context.Context) iter.Seq2[*Request, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func(*Request, error) bool) {
		for {
			err := ctx.Err()
			var r *Request
			if err == nil {
				r, err = s.Recv(ctx)
			}
			switch {
			case err != nil && ended(err):
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(r, nil):
				return
			}
		}
	}
}

// Serve answers requests by h, in workers goroutines of the socket, at least one. It returns ctx's error after ctx has ended,
// and nil after the socket is closed. It then receives no more requests, and waits until all calls of h have returned, unless
// one of them closed the socket. A nil h fails with [ErrConfig]. A call of h that panics is counted and reported as
// [EventPanic]; its request is discarded.
func (s *responding) Serve(ctx context.Context, workers int, h Handler) error {
	if f, ok := h.(HandlerFunc); h == nil || ok && f == nil {
		return opErr("serve", fmt.Errorf("%w: the Handler is nil", ErrConfig))
	}
	if err := s.core.Broken(); err != nil {
		return opErr("serve", err)
	}
	ctx = scope.OrBackground(ctx)
	taking, stopTaking := context.WithCancelCause(ctx)
	defer stopTaking(nil)
	handling, cancel := context.WithCancelCause(context.WithoutCancel(ctx)) // begun calls can finish
	defer cancel(nil)
	stop := scope.Watch(s.core.Scope().Context(), func() { stopTaking(ErrClosed); cancel(ErrClosed) })
	defer stop()
	s.core.Handling(1)
	defer s.core.Handling(-1)
	crew := s.core.Scope().Child()
	var working sync.WaitGroup // in addition to the crew's own count, which leaves out callbacks
	for range max(workers, 1) {
		working.Add(1)
		if crew.Go(func() { defer working.Done(); s.work(taking, handling, crew, h) }) != nil {
			working.Done()
		}
	}
	working.Wait()
	crew.Close(ErrClosed)
	if err := taking.Err(); err != nil && !ended(context.Cause(taking)) {
		return opErr("serve", err)
	}
	return nil
}

// work answers requests, with handling as the handler's context, until no more come or taking ends.
func (s *responding) work(taking, handling context.Context, crew *scope.Scope, h Handler) {
	for taking.Err() == nil {
		r, err := s.recv(taking)
		if err != nil || !crew.Callback(func() { s.serve(handling, h, r) }) {
			return
		}
	}
}

func (s *responding) serve(ctx context.Context, h Handler, r *pattern.Request) {
	_ = s.core.Guard("Handler", func() error {
		defer r.Discard()
		if s.chain == nil {
			h.Handle(ctx, (*Request)(r))
		} else {
			r.Fail(s.chain.Serve(ctx, r, func(ctx context.Context) { h.Handle(ctx, (*Request)(r)) }))
		}
		return nil
	})
}
