// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"fmt"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A Raw socket shows routing headers instead of keeping state. It is for proxies and tools.
//
//	REQ, SURVEYOR    the header is pipe ids, then the request's id, as they are on the wire
//	REP, RESPONDENT  the same, after the id of the pipe that the message came from, or is for
//	BUS              the id of the pipe that the message came from; it is not sent back there
//	PAIR 1           the hop count, to which sending adds one
//	others           no header
//
// If the protocol only receives, sending fails with errors.ErrUnsupported; if it only sends, so does receiving.
//
// The words of a header have 4 bytes, most significant first. The highest bit of a request's id is set; that of pipe ids and
// hop counts is not.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Raw struct {
	Socket
	sending
	receiving
	pattern  *pattern.Raw
	protocol Protocol
}

// NewRaw returns a raw socket of protocol without endpoints. o may be nil. It fails with [ErrConfig] if the protocol is none
// of the constants of this package. Sockets that send to all pipes drop the oldest message of a full queue. Sockets that
// answer drop messages for a full or ended pipe. Both are counted.
func NewRaw(protocol Protocol, o *Options) (*Raw, error) {
	if o == nil {
		o = new(Options)
	}
	known, ok := sp.Lookup(uint16(protocol))
	if !ok {
		return nil, opErr("open", fmt.Errorf("%w: %v does not exist", ErrConfig, protocol))
	}
	r := rawProtocols[protocol]
	r.Hello, r.Envelope = known.Hello(), known.Envelope
	var p *pattern.Raw
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = pattern.NewRaw(s, r, engine.DropOldest)
		return p
	})
	s := &Raw{Socket: Socket{core}, pattern: p, protocol: protocol}
	c := newChain(core, o.Interceptors, false)
	s.sending = newSending(c, func(ctx context.Context, wait bool, body []byte, m *msg.Message) error {
		if m == nil {
			own := msg.Of(append([]byte(nil), body...))
			m = &own
		}
		return p.Send(ctx, wait, m.Header(), m)
	}, p.SendBatch, nil)
	s.receiving = newReceiving(c, core, intercept.Receivers{
		Unreceive: p.Unreceive,
		Recv: func(ctx context.Context) (*msg.Message, error) {
			m, err := p.Recv(ctx)
			return p.Show(m), err
		},
		TryRecv: func() (*msg.Message, error) {
			m, err := p.TryRecv()
			return p.Show(m), err
		},
		RecvMany: func(ctx context.Context, dst []*msg.Message) (int, error) {
			n, err := p.RecvBatch(ctx, dst)
			for _, m := range dst[:n] {
				p.Show(m)
			}
			return n, err
		},
	}, p)
	return s, nil
}

// Protocol is the socket's protocol.
func (s *Raw) Protocol() Protocol { return s.protocol }
