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

	do   func(ctx context.Context, o *Operation) error // the operation itself
	ran  bool
	sent int            // of messages
	back []*msg.Message // received before, and seen by interceptors then
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

// Discard takes received message i out, and counts it as dropped.
func (o *Operation) Discard(i int) {
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
