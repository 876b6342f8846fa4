// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"math"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
)

// A receiver is an inbox with one source for each pipe: what the patterns that receive have in common. A full
// source stops its pipe's reader, which is the back-pressure that the peer feels.
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
	p.State = p.NewSource(r.inbox)
	r.inbox.AddLeader(p)
}

// throttle is for patterns that reply, after attach: nothing is received from a pipe whose peer does not read what it
// is sent.
func (r receiver) throttle(p *engine.Pipe) { p.HoldWhileFull(p.State.(*queue.Source)) }

// detach says that nothing comes from the pipe any more.
func (r receiver) detach(p *engine.Pipe) { r.inbox.RemoveLeader(p) }

func (r receiver) receive(p *engine.Pipe, run []msg.Message) int {
	return p.State.(*queue.Source).Put(run)
}

// Owed is a part of engine.Drainer, for patterns without replies.
func (r receiver) Owed(*engine.Pipe) int { return 0 }

// Empty is a part of engine.Drainer.
func (r receiver) Empty() bool { return r.inbox.Empty() }

// EndReceiving is a part of engine.Drainer.
func (r receiver) EndReceiving(err error) { r.inbox.Close(err) }

// Recv waits for the next message.
func (r receiver) Recv(ctx context.Context) (*msg.Message, error) { return r.inbox.Recv(ctx) }

// TryRecv returns the next message, or ErrWouldBlock.
func (r receiver) TryRecv() (*msg.Message, error) {
	m, err := r.inbox.TryRecv()
	if m == nil && err == nil {
		err = engine.ErrWouldBlock
	}
	return m, err
}

// RecvBatch waits for at least one message and fills dst with as many as are at hand.
func (r receiver) RecvBatch(ctx context.Context, dst []*msg.Message) (int, error) {
	return r.inbox.RecvBatch(ctx, dst)
}

// unwanted drops what a peer sent although its role is to receive.
func unwanted(p *engine.Pipe, run []msg.Message) int {
	for i := range run {
		p.Drop(engine.DropUnwanted, &run[i])
	}
	return len(run)
}

// keepsNothing is embedded by patterns whose accepted messages are all in pipes' queues.
type keepsNothing struct{}

// Pending implements engine.Pattern.
func (keepsNothing) Pending() int { return 0 }

// Close implements engine.Pattern.
func (keepsNothing) Close() int { return 0 }
