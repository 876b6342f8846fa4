// SPDX-License-Identifier: MIT

package intercept

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
)

type (
	// Recv waits for a message.
	Recv func(ctx context.Context) (*msg.Message, error)
	// TryRecv does not wait.
	TryRecv func() (*msg.Message, error)
	// RecvMany waits for at least one message, and fills dst with all that are queued.
	RecvMany func(ctx context.Context, dst []*msg.Message) (int, error)
	// Unreceive makes a message that the application has not seen the next one to be received.
	Unreceive func(m *msg.Message)
)

// Receivers are the ways of receiving of one socket.
type Receivers struct {
	Recv      Recv
	TryRecv   TryRecv
	RecvMany  RecvMany
	Unreceive Unreceive
}

// ReceiversOf are those of a pattern.
func ReceiversOf(p interface {
	Recv(ctx context.Context) (*msg.Message, error)
	TryRecv() (*msg.Message, error)
	RecvBatch(ctx context.Context, dst []*msg.Message) (int, error)
	Unreceive(m *msg.Message)
},
) Receivers {
	return Receivers{p.Recv, p.TryRecv, p.RecvBatch, p.Unreceive}
}

// Receivers returns the ways of receiving with the chain around them.
func (c *Chain) Receivers(r Receivers) Receivers {
	back := func(m *msg.Message) {
		passed := msg.Passed{Before: true}
		if p := m.Passed(); p != nil {
			passed.Context = p.Context
		}
		m.SetPassed(passed)
		r.Unreceive(m)
	}
	return Receivers{
		Recv: func(ctx context.Context) (*msg.Message, error) { return c.RecvOne(ctx, r.Recv, back) },
		TryRecv: func() (*msg.Message, error) {
			return c.RecvOne(context.Background(), func(context.Context) (*msg.Message, error) { return r.TryRecv() }, back)
		},
		RecvMany: func(ctx context.Context, dst []*msg.Message) (int, error) {
			if len(dst) == 0 {
				return 0, nil
			}
			return c.recv(ctx, dst, r.RecvMany, back)
		},
		Unreceive: back,
	}
}

// RecvOne passes a message that recv returns through the chain. If the interceptors discard it, it waits for the next. back puts
// a message back; nil if recv returns none that was put back.
func (c *Chain) RecvOne(ctx context.Context, recv Recv, back Unreceive) (*msg.Message, error) {
	var dst [1]*msg.Message
	many := func(ctx context.Context, dst []*msg.Message) (n int, err error) {
		if dst[0], err = recv(ctx); err != nil {
			return 0, err
		}
		return 1, nil
	}
	if _, err := c.recv(ctx, dst[:], many, back); err != nil {
		return nil, err
	}
	return dst[0], nil
}

// recvReply is RecvOne for the only message that there will be: if the interceptors discard it, it fails.
func (c *Chain) recvReply(ctx context.Context, recv Recv) (*msg.Message, error) {
	asked := false
	var failed error
	return c.RecvOne(ctx, func(ctx context.Context) (m *msg.Message, err error) {
		if asked {
			return nil, cmp.Or(failed, ErrIntercepted)
		}
		asked = true
		m, failed = recv(ctx)
		return m, failed
	}, nil)
}

// recv leaves no message in dst that it does not return.
func (c *Chain) recv(ctx context.Context, dst []*msg.Message, recv RecvMany, back Unreceive) (got int, _ error) {
	ctx = scope.OrBackground(ctx)
	filled := 0
	defer func() { clear(dst[got:max(got, filled)]) }()
	var failure error // of an interceptor, for which messages were dropped
	for {
		var failed error // of recv, which an interceptor may have kept for itself
		o := &Operation{failure: &failure, do: func(ctx context.Context, o *Operation) error {
			if len(o.messages)+len(o.back) > 0 { // called again
				return failed
			}
			n, err := recv(ctx, dst)
			filled = max(filled, n)
			if err == ErrIntercepted && failure != nil { //nolint:errorlint // itself, of recvReply: there is no other message than the one that failed
				err = failure
			}
			failed = err
			for _, m := range dst[:n] {
				if p := m.Passed(); p != nil && p.Before {
					o.back = append(o.back, m)
				} else {
					o.messages = append(o.messages, m.Stamp())
				}
			}
			return err
		}}
		err := c.guard(ctx, c.Recv, o)
		switch {
		case err != nil:
			o.drop()
			for _, m := range slices.Backward(o.back) {
				back(m)
			}
			return 0, err
		case !o.ran:
			return 0, ErrIntercepted
		}
		// Messages that were put back are the first of their pipe.
		if n := copy(dst, o.back); n+copy(dst[n:], o.messages) > 0 {
			return n + len(o.messages), nil
		}
		if failed != nil {
			return 0, failed
		}
	}
}

// turn is how many bodies Bodies takes at a time.
const turn = 64

// Bodies yields the bodies of messages that r, of Receivers, returns: see [pattern.Bodies].
func Bodies(ctx context.Context, s *engine.Socket, r Receivers, wrap func(error) error) iter.Seq2[[]byte, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func([]byte, error) bool) {
		var taken [turn]*msg.Message
		var rest []*msg.Message
		s.Handling(1)
		giveBack := func() {
			for _, m := range slices.Backward(rest) {
				r.Unreceive(m)
			}
			rest = nil
		}
		defer func() { // also where the loop's body panics
			giveBack()
			s.Handling(-1)
		}()
		for {
			n, err := r.RecvMany(ctx, taken[:])
			rest = taken[:n]
			for err == nil && len(rest) > 0 {
				m := rest[0]
				rest = rest[1:]
				more := yield(m.Bytes(), nil)
				m.Release()
				if !more {
					return
				}
				if len(rest) > 0 {
					err = ctx.Err() // the loop ends with its ctx, even if messages are queued
				}
			}
			if err != nil {
				giveBack() // before the loop's body hears of the error
				if !errors.Is(err, engine.ErrClosed) {
					yield(nil, wrap(err))
				}
				return
			}
		}
	}
}
