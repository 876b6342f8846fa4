// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// authenticate answers the question of a handshake.
func (e *Endpoint) authenticate(ctx context.Context, q *wire.Question, link transport.Link) (v wire.Verdict) {
	check := e.socket.options.Authenticate
	if check == nil { // a key proves its ownership without a check, a password does not
		return wire.Verdict{Accept: len(q.PublicKey) > 0, Status: statusDenied}
	}
	if len(q.PublicKey) > 0 { // which cannot be guessed
		return e.judge(ctx, check, q, link)
	}
	b := &e.socket.brake
	attempt, delay := b.begin(sourceOf(link), time.Now())
	if attempt == nil {
		return tooMany
	}
	if v = tooMany; e.holdBack(ctx, delay) {
		v = e.judge(ctx, check, q, link)
	}
	b.end(attempt, !v.Accept && (v.Status == "" || v.Status == statusDenied), time.Now())
	return v
}

// statusDenied is the status of a peer whose credentials are refused.
const statusDenied = "400"

// judge calls the user's check of a peer's credentials.
func (e *Endpoint) judge(ctx context.Context, check Authenticate, q *wire.Question, link transport.Link) (v wire.Verdict) {
	err := e.ask(ctx, "Authenticate", func(ctx context.Context) error { v = check(ctx, q, link); return nil })
	if err != nil {
		return wire.Verdict{Status: "500"}
	}
	return v
}

// authorize calls the user's Authorize for a pipe after its handshake.
func (e *Endpoint) authorize(ctx context.Context, p *Pipe) error {
	authorize := e.socket.options.Authorize
	if authorize == nil {
		return nil
	}
	err := e.ask(ctx, "Authorize", func(ctx context.Context) error { return authorize(ctx, p) })
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrRefused, err) // a panic refuses too
}

// ask calls a function of the user, with a context that ends with the endpoint too.
func (e *Endpoint) ask(ctx context.Context, name string, f func(ctx context.Context) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer scope.Watch(e.scope.Context(), cancel)()
	if !e.scope.Callback(func() { err = e.socket.Guard(name, func() error { return f(ctx) }) }) {
		return ErrClosed
	}
	return err
}
