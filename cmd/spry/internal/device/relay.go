// SPDX-License-Identifier: MIT

package device

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// A Relay joins clients, which a handler attaches to its front, to the peers of its back.
type Relay struct {
	front, back *rawSide
	clients     *spry.Raw // that front is
}

// NewRelay makes the two sockets. o is that of the back, which is for the peers of a set; its security is not for clients.
func NewRelay(front, back spry.Protocol, o spry.Options, peers *endpoint.Set) (*Relay, error) {
	clients := o
	clients.Security, clients.Dialects = nil, nil
	near, err := newRawSide(front, clients, false)
	if err != nil {
		return nil, err
	}
	far, err := newRawSide(back, o, onlyZMTP(peers))
	if err != nil {
		_ = near.Close()
		return nil, err
	}
	return &Relay{near, far, near.rawSocket.(*spry.Raw)}, nil
}

// Front is the socket for clients.
func (r *Relay) Front() *spry.Raw { return r.clients }

// Back is the socket for peers.
func (r *Relay) Back() endpoint.Socket { return r.back }

// Run passes messages on until ctx ends, or one of the sockets.
func (r *Relay) Run(ctx context.Context) error { return joinRaw(ctx, r.front, r.back, joiner{}) }

// Lost is the number of messages that could not be sent, by whom they were for.
func (r *Relay) Lost() (clients, peers uint64) { return r.front.lost.Load(), r.back.lost.Load() }

// newRawSide makes a socket. framed says that every peer speaks ZeroMQ.
func newRawSide(protocol spry.Protocol, o spry.Options, framed bool) (*rawSide, error) {
	if framed {
		o.Dialects = []string{"zmtp"}
	}
	raw, err := spry.NewRaw(protocol, &o)
	if err != nil {
		return nil, err
	}
	return &rawSide{rawSocket: raw, framed: framed}, nil
}
