// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/zmq"
)

// A request is a message that must be answered: a request, a survey, or a message of a router, a server or a peer.
type request interface {
	Message() *spry.Message
	ReplyMsg(ctx context.Context, m *spry.Message) error
	Discard()
}

// answer prints requests and answers them, several at once, until --count requests came.
func (r *run) answer(ctx context.Context, next func(ctx context.Context) (request, error)) error {
	ctx = r.untilDrained(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	slots := make(chan struct{}, max(r.Workers, 1))
	for n := int64(0); r.Count == 0 || n < r.Count; n++ {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		question, err := r.nextRequest(ctx, next)
		if r.timedOut(ctx, err) {
			return r.silence(r.Count > 0)
		}
		if err != nil {
			return err
		}
		if err := r.print(question.Message()); err != nil {
			return err
		}
		working.Go(func() {
			defer func() { <-slots }()
			r.answerOne(ctx, question)
		})
	}
	return nil
}

func (r *run) nextRequest(ctx context.Context, next func(ctx context.Context) (request, error)) (request, error) {
	receiving, cancel := within(ctx, r.RecvTimeout)
	defer cancel()
	return next(receiving)
}

// answerOne answers a request. A failure is reported, and the run continues.
func (r *run) answerOne(ctx context.Context, question request) {
	peer, _ := endpoint.Peer(question.Message().Pipe())
	answer, err := r.Reply(ctx, payload(question), peer)
	if err != nil {
		question.Discard()
	} else {
		sending, cancel := within(ctx, r.SendTimeout)
		defer cancel()
		err = question.ReplyMsg(sending, zmq.NewMessage(answer...))
	}
	if err != nil {
		r.failed.Add(1)
		r.complain("no answer to %s: %v", peer, err)
		return
	}
	r.replied.Add(1)
}

// payload are the frames of a request that an answer is made of.
func payload(question request) [][]byte {
	var frames [][]byte
	for _, frame := range question.Message().Frames() {
		frames = append(frames, frame)
	}
	if routed, ok := question.(*routed); ok {
		return frames[routed.envelope:]
	}
	return frames
}
