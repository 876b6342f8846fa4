// SPDX-License-Identifier: MIT

package cat

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// A Work is the work of a verb on its socket.
type Work func(r *run, ctx context.Context) error

// An Opener makes the socket of a verb.
type Opener func(o *Options, library spry.Options, overflow spry.Overflow) (Work, endpoint.Socket, error)

// open makes a socket.
func open(opener Opener, o *Options) (Work, endpoint.Socket, error) {
	options, err := o.Socket.library()
	if err != nil {
		return nil, nil, err
	}
	overflow, err := endpoint.Overflow(o.Socket.Overflow)
	if err != nil {
		return nil, nil, err
	}
	return opener(o, options, overflow)
}

// library makes the library's options.
func (o SocketOptions) library() (spry.Options, error) {
	if o.TTL < 0 || o.TTL > 255 {
		return spry.Options{}, exit.Errorf(exit.Usage, "--ttl %d: it must be from 1 to 255", o.TTL)
	}
	security, err := o.Security.Library()
	if err != nil {
		return spry.Options{}, err
	}
	var dialects []string
	if o.ZMTP || security != nil { // which the Scalability Protocols have no use for
		dialects = []string{"zmtp"}
	}
	return spry.Options{
		Transports: endpoint.Transports(),
		Dialects:   dialects, Identity: o.Identity, Security: security,
		SendQueue: o.Queue, RecvQueue: o.Queue, SendQueueBytes: o.QueueBytes, RecvQueueBytes: o.QueueBytes,
		MaxMessageSize: o.MaxMessage, TTL: o.TTL,
	}, nil
}
