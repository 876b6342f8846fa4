// SPDX-License-Identifier: MIT

package device

import (
	"context"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/zmq"
)

// A zmqSocket is one of the two of a proxy between ZeroMQ peers.
type zmqSocket interface {
	endpoint.Socket
	zmq.ProxySocket
}

// newZMQ makes the sockets of a proxy between ZeroMQ peers, and what passes their messages on.
func newZMQ(kind Kind, o zmq.Options) *joint {
	front, back := kind.zmq(o, o)
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
