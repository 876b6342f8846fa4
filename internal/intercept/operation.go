// SPDX-License-Identifier: MIT

// Package intercept passes what an application sends and receives through the interceptors of its socket. A socket without any
// has no Chain, and its methods are those of its pattern.
package intercept

import (
	"context"
	"errors"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
)

// ErrIntercepted says that interceptors took the message for which a call waited.
var ErrIntercepted = errors.New("an interceptor discarded the message")

// A Func does an operation, or a part of it and then calls the next one.
type Func func(ctx context.Context, o *Operation) error

// An Operation is one call of the application, as its interceptors see it. Its fields are not exported, because package spry's
// Operation has them.
type Operation struct {
	chain    *Chain
	to       *engine.Pipe
	request  *pattern.Request
	messages []*msg.Message

	do      func(ctx context.Context, o *Operation) error // the operation itself
	ran     bool
	sends   bool           // messages, or else it receives or handles them
	sent    int            // of messages
	back    []*msg.Message // received before, and seen by interceptors then
	failure *error         // for which received messages were dropped; nil unless it receives
}

// Socket is the socket of the operation.
func (o *Operation) Socket() *engine.Socket { return o.chain.Socket }

// Frames reports whether the socket's messages may have several frames.
func (o *Operation) Frames() bool { return o.chain.Frames }

// To is the pipe that messages are sent to, or nil: the pattern chooses.
func (o *Operation) To() *engine.Pipe { return o.to }

// Request is the one that a handler is to answer or that is being replied to, or nil.
func (o *Operation) Request() *pattern.Request { return o.request }

// Messages are those to be sent, or that were received.
func (o *Operation) Messages() []*msg.Message { return o.messages }

// Run does the operation itself: it is the last Func of a chain.
func (o *Operation) Run(ctx context.Context) error {
	o.ran = true
	return o.do(ctx, o)
}

// Attempt calls an interceptor that another is around. After an error, messages that were not sent are as they were before,
// and received ones are dropped: nothing goes on half changed if the outer one calls it again, or keeps the error for itself.
func (o *Operation) Attempt(ctx context.Context, f Func) (err error) {
	failed := true // also by a panic
	if o.sends {
		unsent := o.messages[o.sent:]
		before := cloned(unsent)
		defer func() {
			for i, m := range unsent {
				if failed && len(o.messages)-len(unsent)+i >= o.sent {
					m.Release()
					*m = before[i].Take()
					m.Stamp()
				}
				before[i].Release()
			}
		}()
	} else if o.failure != nil {
		defer func() {
			if failed && len(o.messages) > 0 {
				*o.failure = err
				o.drop()
			}
		}()
	}
	err = f(ctx, o)
	failed = err != nil
	return err
}

// drop discards all received messages, but not those that interceptors have let pass before.
func (o *Operation) drop() {
	for _, m := range o.messages {
		discard(m)
	}
	o.messages = nil
}

// Discard takes received message i out, and counts it as dropped. Messages to be sent are the caller's, who may send them again.
func (o *Operation) Discard(i int) {
	if o.sends {
		return
	}
	m := o.messages[i]
	o.messages = append(o.messages[:i:i], o.messages[i+1:]...)
	discard(m)
}

// discard counts a received message as dropped. One that was released or sent meanwhile, as a request is that was replied to,
// counts as delivered.
func discard(m *msg.Message) {
	p := engine.PipeOf(m)
	if r := pattern.RequestOf(m); r != nil {
		r.Discard()
	}
	if p != nil {
		p.Undeliver(reasons.Intercepted, 1)
	}
	m.Release()
}

// A Chain is the interceptors of one socket, around its operations.
type Chain struct {
	Socket             *engine.Socket
	Frames             bool
	Send, Recv, Handle Func
}

// guard runs f with a new Operation, and makes a panic an error and an event.
func (c *Chain) guard(ctx context.Context, f Func, o *Operation) error {
	o.chain = c
	return c.Socket.Guard("Interceptor", func() error { return f(ctx, o) })
}
