// SPDX-License-Identifier: MIT

package cat

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/zmq"
)

// directed is a socket that sends each message to the pipe that it is for.
type directed interface {
	endpoint.Socket
	receiver
	SendMsgTo(ctx context.Context, to *spry.Pipe, m *spry.Message) error
}

// toEach sends every message to all peers that are there.
func toEach(s directed) way {
	return way{one: func(ctx context.Context, frames [][]byte) error {
		sent := false
		for pipe := range s.Pipes() {
			err := s.SendMsgTo(ctx, pipe, zmq.NewMessage(frames...))
			if err != nil && pipe.Err() == nil {
				return err
			}
			sent = sent || err == nil
		}
		if !sent {
			return exit.Errorf(exit.NoPeer, "send: %w", spry.ErrNoPeer)
		}
		return nil
	}}
}

// backThrough receives messages of a directed socket, each with its way back.
func backThrough(s directed) func(ctx context.Context) (request, error) {
	return func(ctx context.Context) (request, error) {
		m, err := s.RecvMsg(ctx)
		if err != nil {
			return nil, err
		}
		return &direct{s, m}, nil
	}
}

// direct is a message that is answered over the pipe that it came from.
type direct struct {
	socket  directed
	message *spry.Message
}

func (d *direct) Message() *spry.Message { return d.message }
func (d *direct) Discard()               { d.message.Release() }

func (d *direct) ReplyMsg(ctx context.Context, m *spry.Message) error {
	return d.socket.SendMsgTo(ctx, d.message.Pipe(), m)
}
