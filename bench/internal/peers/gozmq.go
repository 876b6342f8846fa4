// SPDX-License-Identifier: MIT

package peers

import (
	"context"

	"github.com/go-zeromq/zmq4"
)

// gozmqSocket drives go-zeromq.
type gozmqSocket struct{ zmq4.Socket }

func openGozmq(kind string) (simpleSocket, error) {
	open := map[string]func(context.Context, ...zmq4.Option) zmq4.Socket{
		"push": zmq4.NewPush, "pull": zmq4.NewPull, "req": zmq4.NewReq,
		"rep": zmq4.NewRep, "pub": zmq4.NewPub, "sub": zmq4.NewSub,
	}
	socket := open[kind](context.Background())
	if kind == "sub" {
		return gozmqSocket{socket}, socket.SetOption(zmq4.OptionSubscribe, "")
	}
	return gozmqSocket{socket}, nil
}

func (s gozmqSocket) Send(body []byte) error { return s.Socket.Send(zmq4.NewMsg(body)) }

func (s gozmqSocket) Recv() (int, error) {
	m, err := s.Socket.Recv()
	if err != nil {
		return 0, err
	}
	return len(m.Bytes()), nil
}

func (s gozmqSocket) Echo() error {
	m, err := s.Socket.Recv()
	if err != nil {
		return err
	}
	return s.Socket.Send(m)
}
