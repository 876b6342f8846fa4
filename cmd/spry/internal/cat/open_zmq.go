// SPDX-License-Identifier: MIT

package cat

import (
	"bytes"
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/zmq"
)

func openDealer(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewDealer(&zmq.DealerOptions{Options: options})
	return exchanges(s), s, nil
}

func openClient(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewClient(&options)
	return exchanges(s), s, nil
}

func openChannel(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewChannel(&options)
	return exchanges(s), s, nil
}

func openScatter(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewScatter(&options)
	return sends(s), s, nil
}

func openGather(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewGather(&options)
	return receives(s), s, nil
}

func openXPub(_ *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewXPub(&zmq.XPubOptions{Options: options, Overflow: overflow})
	return func(r *run, ctx context.Context) error {
		r.ready = r.wanted(s.WaitSubscribers)
		return r.exchange(ctx, s, through(s))
	}, s, nil
}

func openXSub(o *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewXSub(&zmq.XSubOptions{Options: options, Overflow: overflow})
	return exchanges(s), s, subscribe(s, o.Subscribe)
}

func openRadio(o *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewRadio(&zmq.RadioOptions{Options: options, Overflow: overflow})
	send := through(s)
	if o.Group != "" {
		send = func(ctx context.Context, frames [][]byte) error {
			return s.SendMsg(ctx, zmq.NewMessage([]byte(o.Group), bytes.Join(frames, nil)))
		}
	}
	return func(r *run, ctx context.Context) error {
		wanted := r.wanted(s.WaitMembers)
		r.ready = func(ctx context.Context, first [][]byte) error {
			if o.Group != "" {
				first = [][]byte{[]byte(o.Group)}
			}
			return wanted(ctx, first)
		}
		return r.sendAll(ctx, send)
	}, s, nil
}

func openDish(o *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewDish(&zmq.DishOptions{Options: options, Overflow: overflow})
	return receives(s), s, s.Join(o.Join...)
}

func openServer(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewServer(&options)
	return func(r *run, ctx context.Context) error {
		if r.Reply == nil {
			return receives(s)(r, ctx)
		}
		return r.answer(ctx, backThrough(s))
	}, s, nil
}

func openPeer(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := zmq.NewPeer(&options)
	return func(r *run, ctx context.Context) error {
		if r.Reply != nil {
			return r.answer(ctx, backThrough(s))
		}
		return r.exchange(ctx, s, toEach(s))
	}, s, nil
}

// directed is a socket that sends each message to the pipe that it is for.
type directed interface {
	endpoint.Socket
	spry.Receiver
	SendMsgTo(ctx context.Context, to *spry.Pipe, m *spry.Message) error
}

// toEach sends every message to all peers that are there.
func toEach(s directed) sendFunc {
	return func(ctx context.Context, frames [][]byte) error {
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
	}
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
