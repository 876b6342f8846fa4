// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// requests is what Rep and Respondent have in common.
type requests interface {
	Recv(ctx context.Context) (*spry.Request, error)
}

// answer prints requests and answers them, several at once, until --count requests came.
func (r *run) answer(ctx context.Context, from requests) error {
	var working sync.WaitGroup
	defer working.Wait()
	slots := make(chan struct{}, max(r.Workers, 1))
	for n := int64(0); r.Count == 0 || n < r.Count; n++ {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		request, err := r.nextRequest(ctx, from)
		if r.timedOut(ctx, err) {
			return r.silence(r.Count > 0)
		}
		if err != nil {
			return err
		}
		if err := r.print(request.Bytes(), request.Pipe()); err != nil {
			return err
		}
		working.Go(func() {
			defer func() { <-slots }()
			r.answerOne(ctx, request)
		})
	}
	return nil
}

func (r *run) nextRequest(ctx context.Context, from requests) (*spry.Request, error) {
	receiving, cancel := within(ctx, r.RecvTimeout)
	defer cancel()
	return from.Recv(receiving)
}

// answerOne answers a request. One that cannot be answered is told of, and the run goes on.
func (r *run) answerOne(ctx context.Context, request *spry.Request) {
	peer, _ := endpoint.Peer(request.Pipe())
	body, err := r.Reply(ctx, request.Bytes(), peer)
	if err != nil {
		request.Discard()
	} else {
		sending, cancel := within(ctx, r.SendTimeout)
		defer cancel()
		err = request.Reply(sending, body)
	}
	if err != nil {
		r.failed.Add(1)
		r.complain("no answer to %s: %v", peer, err)
		return
	}
	r.replied.Add(1)
}
