// SPDX-License-Identifier: MIT

package cat

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// Routes is the work of a Router: it answers, or sends to the peer of the first frame or of identity.
func Routes(s *zmq.Router, identity string) Work {
	to := through(s)
	if identity != "" {
		to = way{one: func(ctx context.Context, frames [][]byte) error { return s.SendTo(ctx, identity, frames...) }}
	}
	return func(r *run, ctx context.Context) error {
		if r.Reply != nil {
			return r.answer(ctx, func(ctx context.Context) (request, error) {
				m, err := s.RecvMsg(ctx)
				if err != nil {
					return nil, err
				}
				return newRouted(s, m), nil
			})
		}
		r.ready = func(ctx context.Context, first [][]byte) error {
			peer := identity
			if peer == "" {
				peer = string(first[0])
			}
			return r.known(s, peer)(ctx, first)
		}
		return r.exchange(ctx, s, to)
	}
}

// routed is a message that a router received. Its envelope, which an answer begins with, are the sender's identity and,
// if there is an empty frame, all up to that, as REP sockets have it.
type routed struct {
	router   *zmq.Router
	message  *spry.Message
	envelope int // frames
}

func newRouted(s *zmq.Router, m *spry.Message) *routed {
	r := &routed{router: s, message: m, envelope: 1}
	for i, frame := range m.Frames() {
		if i > 0 && len(frame) == 0 {
			r.envelope = i + 1
			break
		}
	}
	return r
}

func (r *routed) Message() *spry.Message { return r.message }
func (r *routed) Discard()               { r.message.Release() }

func (r *routed) ReplyMsg(ctx context.Context, m *spry.Message) error {
	var all [][]byte
	for _, frame := range r.message.Frames() {
		if all = append(all, frame); len(all) == r.envelope {
			break
		}
	}
	for _, frame := range m.Frames() {
		all = append(all, frame)
	}
	return r.router.Send(ctx, all...)
}
