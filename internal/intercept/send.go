// SPDX-License-Identifier: MIT

package intercept

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
)

type (
	// Send sends a copy of body, or the contents of m.
	Send func(ctx context.Context, wait bool, body []byte, m *msg.Message) error
	// SendMany sends the contents of ms and returns how many it sent.
	SendMany func(ctx context.Context, ms []*msg.Message) (int, error)
	// SendAll sends copies of bodies and returns how many it sent.
	SendAll func(ctx context.Context, bodies [][]byte) (int, error)
)

// Senders returns the ways of sending with the chain around them. many may be nil: then send does it, one by one.
func (c *Chain) Senders(send Send, many SendMany) (Send, SendMany, SendAll) {
	if many == nil {
		many = each(send)
	}
	single := func(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
		return c.SendOne(ctx, nil, body, m, func(ctx context.Context, m *msg.Message) error { return send(ctx, wait, nil, m) })
	}
	batch := func(ctx context.Context, ms []*msg.Message) (int, error) {
		return c.send(ctx, new(Operation), ms, many)
	}
	bodies := func(ctx context.Context, bodies [][]byte) (int, error) {
		return c.send(ctx, new(Operation), copies(bodies), many)
	}
	return single, batch, bodies
}

// each makes of a way to send one message a way to send many.
func each(send Send) SendMany {
	return func(ctx context.Context, ms []*msg.Message) (n int, err error) {
		for n < len(ms) && err == nil {
			if err = send(ctx, true, nil, ms[n]); err == nil {
				n++
			}
		}
		return n, err
	}
}

// copies returns messages of copies of bodies.
func copies(bodies [][]byte) []*msg.Message {
	size := 0
	for _, b := range bodies {
		size += len(b)
	}
	memory, values, ms := make([]byte, 0, size), make([]msg.Message, len(bodies)), make([]*msg.Message, len(bodies))
	for i, b := range bodies {
		from := len(memory)
		memory = append(memory, b...)
		values[i] = msg.Of(memory[from:len(memory):len(memory)])
		ms[i] = &values[i]
	}
	return ms
}

// SendOne passes a copy of body, or the contents of m, through the chain to send, which takes the contents of its message.
// Afterwards m is empty; on an error it is unchanged. to may be nil.
func (c *Chain) SendOne(
	ctx context.Context, to *engine.Pipe, body []byte, m *msg.Message, send func(ctx context.Context, m *msg.Message) error,
) error {
	if m == nil {
		m = copies([][]byte{body})[0]
	}
	_, err := c.send(ctx, &Operation{to: to}, []*msg.Message{m}, one(send))
	return err
}

// one makes of a way to send one message a way to send batches of one.
func one(send func(ctx context.Context, m *msg.Message) error) SendMany {
	return func(ctx context.Context, ms []*msg.Message) (int, error) {
		if err := send(ctx, ms[0]); err != nil {
			return 0, err
		}
		return 1, nil
	}
}

// send passes messages through the chain, as those of o. The interceptors have clones, because a message that is not sent must stay as it is.
func (c *Chain) send(ctx context.Context, o *Operation, ms []*msg.Message, send SendMany) (n int, err error) {
	if len(ms) == 0 {
		return send(ctx, ms)
	}
	clones, values := make([]*msg.Message, len(ms)), cloned(ms)
	for i := range values {
		clones[i] = values[i].Stamp()
	}
	o.messages, o.sends = clones, true
	var failed error
	o.do = func(ctx context.Context, o *Operation) error {
		if o.sent < len(o.messages) { // else it is called again
			var n int
			n, failed = send(ctx, o.messages[o.sent:])
			o.sent += n
		}
		return failed
	}
	err = c.guard(scope.OrBackground(ctx), c.Send, o)
	for i := range values {
		if i < o.sent || err == nil {
			ms[i].Release()
			n++
		}
		values[i].Release()
	}
	return n, err
}

// cloned returns clones of ms.
func cloned(ms []*msg.Message) []msg.Message {
	values := make([]msg.Message, len(ms))
	for i, m := range ms {
		m.CloneInto(&values[i])
	}
	return values
}
