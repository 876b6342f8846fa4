// SPDX-License-Identifier: MIT

package intercept

import (
	"context"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
)

// Do sends a request, body or the contents of m, and receives its reply within, so that one interceptor sees both. m is unchanged
// only if the request is refused at once.
func (c *Chain) Do(ctx context.Context, req *pattern.Req, body []byte, m *msg.Message) (reply *msg.Message, err error) {
	if m == nil {
		m = msg.Around(body)
	}
	_, err = c.send(ctx, new(Operation), []*msg.Message{m}, func(ctx context.Context, ms []*msg.Message) (n int, err error) {
		reply, err = req.DoBy(ctx, nil, ms[0], func(ctx context.Context, call *pattern.Call) (*msg.Message, error) {
			n = 1
			return c.Wait(ctx, req, call)
		})
		return n, err
	})
	switch {
	case err == nil && reply == nil:
		return nil, ErrIntercepted
	case err != nil && reply != nil:
		discard(reply)
		return nil, err
	}
	return reply, err
}

// Wait waits for the reply to a call, and ends the call if the interceptors do not wait.
func (c *Chain) Wait(ctx context.Context, req *pattern.Req, call *pattern.Call) (*msg.Message, error) {
	waited := false
	reply, err := c.recvReply(ctx, func(ctx context.Context) (*msg.Message, error) {
		waited = true
		return req.Wait(ctx, call)
	})
	if !waited {
		req.Cancel(call, err)
		if late, _ := req.Wait(ctx, call); late != nil {
			discard(late)
		}
	}
	return reply, err
}

// Reply passes the reply to a request through the chain.
func (c *Chain) Reply(ctx context.Context, r *pattern.Request, body []byte, m *msg.Message) error {
	if m == nil {
		m = copies([][]byte{body})[0]
	}
	_, err := c.send(ctx, &Operation{to: r.Pipe(), request: r}, []*msg.Message{m}, one(func(ctx context.Context, m *msg.Message) error {
		return r.Answer(ctx, nil, m)
	}))
	if err == nil {
		r.Discard() // unless it is answered: an interceptor may have kept the reply
	}
	return err
}

// Serve passes a request through the chain to handle. It returns why the request failed, or nil. Panics are the caller's.
func (c *Chain) Serve(ctx context.Context, r *pattern.Request, handle func(ctx context.Context)) error {
	return c.Handle(ctx, &Operation{
		chain: c, request: r, messages: []*msg.Message{r.Message()},
		do: func(ctx context.Context, o *Operation) error {
			if o.sent++; o.sent == 1 { // not called again
				handle(ctx)
			}
			return r.Failure()
		},
	})
}
