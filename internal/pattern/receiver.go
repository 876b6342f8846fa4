// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"math"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
)

// A receiver is an inbox with one source for each pipe: the receiving side of a pattern. A full source stops its pipe's
// reader, which is the back-pressure that the peer feels.
//
// The zero receiver is the receiving side of a pattern that only sends.
type receiver struct{ inbox *queue.Inbox }

func newReceiver(o engine.Options) receiver {
	return receiver{queue.NewInbox(o.RecvLimits(), queue.Wait)}
}

// newest limits a queue, with the policy DropOldest, to the newest message.
var newest = queue.Limits{Messages: 1, Bytes: math.MaxInt64}

// newConflatingReceiver returns a receiver that keeps the newest message of each pipe only.
func newConflatingReceiver() receiver {
	return receiver{queue.NewInbox(newest, queue.DropOldest)}
}

// attach gives the pipe its source, as the pipe's state.
func (r receiver) attach(p *engine.Pipe) {
	if r.inbox != nil {
		p.State = p.NewSource(r.inbox)
		r.inbox.AddReadable(p)
	}
}

// detach says that nothing comes from the pipe any more.
func (r receiver) detach(p *engine.Pipe) {
	if r.inbox != nil {
		r.inbox.RemoveReadable(p)
	}
}

// receive takes what there is room for. What a peer sends although its role is to receive is dropped.
func (r receiver) receive(p *engine.Pipe, run []msg.Message) int {
	if r.inbox != nil {
		return p.State.(*queue.Source).Put(run)
	}
	for i := range run {
		p.Drop(engine.DropUnwanted, &run[i])
	}
	return len(run)
}

// close makes receiving fail with err.
func (r receiver) close(err error) {
	if r.inbox != nil {
		r.inbox.Close(err)
	}
}

// Recv waits for the next message.
func (r receiver) Recv(ctx context.Context) (*msg.Message, error) {
	if r.inbox == nil {
		return nil, errOnlySends
	}
	return r.inbox.Recv(ctx)
}

// TryRecv returns the next message, or ErrWouldBlock.
func (r receiver) TryRecv() (*msg.Message, error) {
	if r.inbox == nil {
		return nil, errOnlySends
	}
	m, err := r.inbox.TryRecv()
	if m == nil && err == nil {
		err = engine.ErrWouldBlock
	}
	return m, err
}

// RecvBatch waits for at least one message and fills dst with as many as are at hand.
func (r receiver) RecvBatch(ctx context.Context, dst []*msg.Message) (int, error) {
	if r.inbox == nil {
		return 0, errOnlySends
	}
	return r.inbox.RecvBatch(ctx, dst)
}
