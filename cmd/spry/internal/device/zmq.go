// SPDX-License-Identifier: MIT

package device

import (
	"context"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/zmq"
)

// zmqKinds make the sockets of a proxy between ZeroMQ peers, front and back.
var zmqKinds = map[string]func(front, back zmq.Options) (endpoint.Socket, endpoint.Socket){
	"reqrep": func(front, back zmq.Options) (endpoint.Socket, endpoint.Socket) {
		return zmq.NewRouter(&zmq.RouterOptions{Options: front}), zmq.NewDealer(&zmq.DealerOptions{Options: back})
	},
	"pubsub": func(front, back zmq.Options) (endpoint.Socket, endpoint.Socket) {
		return zmq.NewXSub(&zmq.XSubOptions{Options: front}), zmq.NewXPub(&zmq.XPubOptions{Options: back})
	},
	"pipeline": func(front, back zmq.Options) (endpoint.Socket, endpoint.Socket) {
		return zmq.NewPull(&zmq.PullOptions{Options: front}), zmq.NewPush(&zmq.PushOptions{Options: back})
	},
	"pair": func(front, back zmq.Options) (endpoint.Socket, endpoint.Socket) {
		return zmq.NewPair(&front), zmq.NewPair(&back)
	},
}

// newZMQ makes the sockets of a proxy between ZeroMQ peers, and what passes their messages on.
func newZMQ(kind string, o zmq.Options) *joint {
	front, back := zmqKinds[kind](o, o)
	control := new(zmq.ProxyControl)
	return &joint{
		front: front, back: back,
		run: func(ctx context.Context) error {
			return zmq.Proxy(ctx, front, back, &zmq.ProxyOptions{Control: control})
		},
		lost: func() (atFront, atBack uint64) {
			stats := control.Stats()
			return stats.BToA.Dropped, stats.AToB.Dropped
		},
	}
}
