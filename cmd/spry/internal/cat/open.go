// SPDX-License-Identifier: MIT

package cat

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// work is what a verb does with its socket.
type work func(r *run, ctx context.Context) error

// open makes the socket of a verb.
func open(verb string, o *Options) (work, endpoint.Socket, error) {
	options, err := o.Socket.library()
	if err != nil {
		return nil, nil, err
	}
	overflow, err := endpoint.Overflow(o.Socket.Overflow)
	if err != nil {
		return nil, nil, err
	}
	switch verb {
	case "push":
		s := spry.NewPush(&spry.PushOptions{Options: options})
		return func(r *run, ctx context.Context) error { return r.sendAll(ctx, s.Send) }, s, nil
	case "pull":
		s := spry.NewPull(&spry.PullOptions{Options: options})
		return receiver(s), s, nil
	case "pub":
		s := spry.NewPub(&spry.PubOptions{Options: options, Overflow: overflow})
		return func(r *run, ctx context.Context) error { return r.sendAll(ctx, s.Send) }, s, nil
	case "sub":
		s := spry.NewSub(&spry.SubOptions{Options: options, Overflow: overflow})
		return receiver(s), s, subscribe(s, o.Subscribe)
	case "req":
		s := spry.NewReq(&spry.ReqOptions{Options: options, Retry: o.Retry})
		return func(r *run, ctx context.Context) error { return r.ask(ctx, s) }, s, nil
	case "rep":
		s := spry.NewRep(&spry.RepOptions{Options: options})
		return func(r *run, ctx context.Context) error { return r.answer(ctx, s) }, s, nil
	case "survey":
		s := spry.NewSurveyor(&spry.SurveyorOptions{Options: options, Deadline: o.Deadline})
		return func(r *run, ctx context.Context) error { return r.survey(ctx, s) }, s, nil
	case "respond":
		s := spry.NewRespondent(&spry.RespondentOptions{Options: options})
		return func(r *run, ctx context.Context) error { return r.answer(ctx, s) }, s, nil
	case "pair":
		pair := &spry.PairOptions{Options: options}
		if o.Socket.PairV0 {
			pair.Version = spry.PairV0
		}
		s := spry.NewPair(pair)
		return func(r *run, ctx context.Context) error { return r.exchange(ctx, s) }, s, nil
	case "bus":
		s := spry.NewBus(&spry.BusOptions{Options: options, Overflow: overflow})
		return func(r *run, ctx context.Context) error { return r.exchange(ctx, s) }, s, nil
	}
	return nil, nil, exit.Errorf(exit.Usage, "no verb %q", verb)
}

// library makes the library's options.
func (o SocketOptions) library() (spry.Options, error) {
	if o.TTL < 0 || o.TTL > 255 {
		return spry.Options{}, exit.Errorf(exit.Usage, "--ttl %d: it must be from 1 to 255", o.TTL)
	}
	return spry.Options{
		SendQueue: o.Queue, RecvQueue: o.Queue, SendQueueBytes: o.QueueBytes, RecvQueueBytes: o.QueueBytes,
		MaxMessageSize: o.MaxMessage, TTL: o.TTL,
	}, nil
}

// receiver is the work of sockets that only receive.
func receiver(s spry.Receiver) work {
	return func(r *run, ctx context.Context) error {
		if r.ConnectTimeout > 0 {
			if err := r.awaitPeers(ctx); err != nil {
				return err
			}
		}
		return r.receiveAll(ctx, s, r.Count)
	}
}

// subscribe subscribes to topics, or to everything.
func subscribe(s *spry.Sub, topics []string) error {
	if len(topics) == 0 {
		topics = []string{""}
	}
	for _, topic := range topics {
		if err := s.Subscribe(topic); err != nil {
			return err
		}
	}
	return nil
}
