// SPDX-License-Identifier: MIT

package cat

import (
	"bytes"
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// Sends is the work of sockets that only send.
func Sends(s spry.Sender) Work {
	return func(r *run, ctx context.Context) error { return r.sendAll(ctx, through(s)) }
}

// Receives is the work of sockets that only receive.
func Receives(s receiver) Work {
	return func(r *run, ctx context.Context) error {
		if r.ConnectTimeout > 0 {
			if err := r.awaitPeers(ctx); err != nil {
				return err
			}
		}
		return r.receiveAll(r.untilDrained(ctx), s, r.Count)
	}
}

// twoWay is a socket that sends and receives.
type twoWay interface {
	receiver
	spry.Sender
}

// Exchanges is the work of sockets that do both, independently.
func Exchanges(s twoWay) Work {
	return func(r *run, ctx context.Context) error { return r.exchange(ctx, s, through(s)) }
}

// AfterSubscribers does a work; its first message waits until wait reports enough subscribers of its topic.
func AfterSubscribers(wait func(ctx context.Context, topic string, n int) error, work Work) Work {
	return func(r *run, ctx context.Context) error {
		r.ready = r.wanted(wait)
		return work(r, ctx)
	}
}

// Answers is the work of sockets that answer each message: Rep and Respondent.
func Answers(s interface {
	Recv(ctx context.Context) (*spry.Request, error)
},
) Work {
	return func(r *run, ctx context.Context) error {
		return r.answer(ctx, func(ctx context.Context) (request, error) {
			q, err := s.Recv(ctx)
			return q, err
		})
	}
}

// Asks is the work of a Req.
func Asks(s *spry.Req) Work {
	return func(r *run, ctx context.Context) error { return r.ask(ctx, s) }
}

// Surveys is the work of a Surveyor.
func Surveys(s *spry.Surveyor) Work {
	return func(r *run, ctx context.Context) error { return r.survey(ctx, s) }
}

// ReceivesOrAnswers is the work of a Server.
func ReceivesOrAnswers(s *zmq.Server) Work {
	return func(r *run, ctx context.Context) error {
		if r.Reply == nil {
			return Receives(s)(r, ctx)
		}
		return r.answer(ctx, backThrough(s))
	}
}

// ExchangesWithEach is the work of a Peer, which sends each message to all peers, or answers each.
func ExchangesWithEach(s *zmq.Peer) Work {
	return func(r *run, ctx context.Context) error {
		if r.Reply != nil {
			return r.answer(ctx, backThrough(s))
		}
		return r.exchange(ctx, s, toEach(s))
	}
}

// SendsToGroup is the work of a Radio: group is that of every message, or, if empty, the first frame is.
func SendsToGroup(s *zmq.Radio, group string) Work {
	to := through(s)
	if group != "" {
		to.one = func(ctx context.Context, frames [][]byte) error {
			return s.SendMsg(ctx, zmq.NewMessage([]byte(group), bytes.Join(frames, nil)))
		}
	}
	return func(r *run, ctx context.Context) error {
		wanted := r.wanted(s.WaitSubscribers)
		r.ready = func(ctx context.Context, first [][]byte) error {
			if group != "" {
				first = [][]byte{[]byte(group)}
			}
			return wanted(ctx, first)
		}
		return r.sendAll(ctx, to)
	}
}
