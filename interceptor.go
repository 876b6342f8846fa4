// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"fmt"
	"slices"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
)

// ErrIntercepted says that interceptors discarded the reply for which a call waited, or that one neither received a message nor
// failed.
var ErrIntercepted = intercept.ErrIntercepted

// An OperationFunc does an operation. What interceptors get as next is the following interceptor or, after the last one, the
// operation itself.
type OperationFunc func(ctx context.Context, o *Operation) error

// An Interceptor sees what a socket's application sends, receives and handles, and may measure it, change it or refuse it. See
// [Options].Interceptors.
//
// Each method is called once for a socket, when that is made, and returns a function that does what it likes around next, or
// returns next itself. That function may be called by several goroutines at once. It may pass another ctx to next, and call
// next again after an error: next then does the rest of the operation, and returns the same error if there is none. Where next
// is an interceptor, its error leaves nothing half changed: messages that were not sent are as they were when next was called,
// and those that were received are dropped. An error that the function returns is that of the call. A panic is counted and reported as [EventPanic], and the call fails.
type Interceptor interface {
	// WrapSend is for all that is sent: messages, batches, requests, surveys and replies. next returns when the messages are
	// queued. That of a [Req]'s Do and DoMsg returns when there is a reply or none will come; the reply is received within.
	// Requests that are sent again pass once. If the function returns an error without next, the messages are not sent, and
	// counted nowhere. If it returns nil without next, the call succeeds: it takes them.
	WrapSend(next OperationFunc) OperationFunc

	// WrapRecv is for all that is received. next waits for messages, which [Operation.Messages] has afterwards. They are
	// dropped and counted as [ReasonIntercepted] if the function then returns an error.
	WrapRecv(next OperationFunc) OperationFunc

	// WrapHandle is for requests that the Serve of a [Rep] or [Respondent] gives to its [Handler]; they were received before,
	// and their replies are sent within. next returns the error of [Request.Fail], or nil. If the function returns another
	// error, Fail is called with that.
	WrapHandle(next OperationFunc) OperationFunc
}

// InterceptorFuncs is an [Interceptor] of functions. Nil ones do nothing.
type InterceptorFuncs struct {
	Send, Recv, Handle func(next OperationFunc) OperationFunc
}

// WrapSend implements [Interceptor].
func (f InterceptorFuncs) WrapSend(next OperationFunc) OperationFunc { return wrap(f.Send, next) }

// WrapRecv implements [Interceptor].
func (f InterceptorFuncs) WrapRecv(next OperationFunc) OperationFunc { return wrap(f.Recv, next) }

// WrapHandle implements [Interceptor].
func (f InterceptorFuncs) WrapHandle(next OperationFunc) OperationFunc { return wrap(f.Handle, next) }

func wrap(f func(OperationFunc) OperationFunc, next OperationFunc) OperationFunc {
	if f == nil {
		return next
	}
	return f(next)
}

// An Operation is one call of the application, as its interceptors see it. It is valid until the outermost of them returns.
type Operation intercept.Operation

func (o *Operation) inner() *intercept.Operation { return (*intercept.Operation)(o) }

// Socket is the socket of the operation.
func (o *Operation) Socket() *Socket { return &Socket{o.inner().Socket()} }

// Multipart reports whether the socket is one of package zmq whose messages may have several frames.
func (o *Operation) Multipart() bool { return o.inner().Frames() }

// To is the pipe that the messages are for, of a SendTo or a reply, and nil if the socket's pattern chooses.
func (o *Operation) To() *Pipe { return (*Pipe)(o.inner().To()) }

// Request is the request that a handler is to answer, or that is being replied to. Of other operations it is nil.
func (o *Operation) Request() *Request { return (*Request)(o.inner().Request()) }

// Messages are those of the operation, in order: to be sent, received by next, or the handler's request. Interceptors may
// change the messages, and not the slice.
//
// Messages to be sent are copies, which share memory with the application's: an error leaves those as they were. Those that
// were sent are empty afterwards. Received ones are none before next, and may be none afterwards, if an inner interceptor
// discarded them; none of them is nil.
func (o *Operation) Messages() []*Message { return outerMessages(o.inner().Messages()) }

// Discard takes received message i out of Messages, releases it, and counts it as dropped: [ReasonIntercepted]. If it is a
// request, that is discarded; a request that was replied to before counts as delivered. If no message is left, the call waits
// for the next one. The reply to a request has no next one: the call fails with [ErrIntercepted]. Where messages are sent,
// Discard does nothing: they are the caller's. To send none, return without calling next.
func (o *Operation) Discard(i int) { o.inner().Discard(i) }

// newChain returns the interceptors around the operations of a socket, or nil if there are none. With frames, messages may have
// several.
func newChain(core *engine.Socket, all []Interceptor, frames bool) *intercept.Chain {
	if len(all) == 0 || core.Broken() != nil {
		return nil
	}
	run := func(ctx context.Context, o *Operation) error { return o.inner().Run(ctx) }
	around := func(wrap func(Interceptor, OperationFunc) OperationFunc) intercept.Func {
		f, next := OperationFunc(nil), OperationFunc(run)
		for _, i := range slices.Backward(all) { // the first is outermost
			if f = wrap(i, next); f == nil {
				core.Break(fmt.Errorf("%w: Interceptors: a %T returns no function", ErrConfig, i))
				f = run
			}
			next = attempt(f)
		}
		return func(ctx context.Context, o *intercept.Operation) error { return f(ctx, (*Operation)(o)) }
	}
	return &intercept.Chain{
		Socket: core, Frames: frames,
		Send: around(Interceptor.WrapSend), Recv: around(Interceptor.WrapRecv), Handle: around(Interceptor.WrapHandle),
	}
}

// attempt returns an interceptor's function as the next of another.
func attempt(f OperationFunc) OperationFunc {
	inner := func(ctx context.Context, o *intercept.Operation) error { return f(ctx, (*Operation)(o)) }
	return func(ctx context.Context, o *Operation) error { return o.inner().Attempt(ctx, inner) }
}
