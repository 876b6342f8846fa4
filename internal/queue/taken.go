// SPDX-License-Identifier: MIT

package queue

import (
	"context"

	"github.com/sprymq/spry/internal/msg"
)

// A Taken is what one receiver took at once: a message, and the rest of its turn. One goroutine uses it, for one turn after
// the other.
type Taken struct {
	current *msg.Message // which the receiver is at
	turn    *turn
	at      int  // index of the next one in turn
	left    int  // how many come after current
	whole   bool // the receiver took all of turn, a slab of messages
	done    msg.Releaser
}

// RecvTurn releases the messages of the last turn and waits for the next message. It takes the rest of that message's turn
// too, by one locked instruction for all. They all count as delivered. The message is valid until the next call for t.
func (q *Inbox) RecvTurn(ctx context.Context, t *Taken) (*msg.Message, error) {
	t.Release()
	m, err := q.Recv(ctx)
	if err != nil {
		return nil, err
	}
	t.current, t.turn = m, q.turn.Load()
	t.at = t.turn.takeRest()
	t.left = t.turn.n - t.at
	t.whole = t.at == 1 && t.turn.n == Turn && t.turn.parts == nil && m == &t.turn.run[0]
	return m, nil
}

// More reports whether messages are left.
func (t *Taken) More() bool { return t.left > 0 }

// Next returns the next message, if More reports one, and empties the one before.
func (t *Taken) Next() *msg.Message {
	t.done.Add(t.current)
	m := t.turn.at(t.at)
	t.current = m
	t.at++
	t.left--
	return m
}

// Release releases the messages that the receiver has had. If they are a slab, it is used again: no other code has seen them.
func (t *Taken) Release() {
	if t.current == nil {
		return
	}
	t.done.Here = true
	t.done.Add(t.current)
	t.current = nil
	t.done.Flush()
	t.done = msg.Releaser{}
	if t.whole && t.left == 0 {
		msg.Reuse(t.turn.run)
	}
}

// Rest takes the messages out that Next has not returned.
func (t *Taken) Rest() (rest []*msg.Message) {
	t.whole = t.whole && t.left == 0
	for ; t.left > 0; t.left-- {
		rest = append(rest, t.turn.at(t.at))
		t.at++
	}
	return rest
}
