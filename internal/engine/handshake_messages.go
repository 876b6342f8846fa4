// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// messageHandshake lets the transport find out in which of its dialects and protocols the socket speaks on a link.
func (e *Endpoint) messageHandshake(ctx context.Context, link transport.Messages, pending *pendingLink) (*Pipe, error) {
	stop := scope.Watch(ctx, func() { _ = link.Close() })
	defer stop()
	if err := rawconn.SetBuffers(link.Info().Conn, e.config.ReadBuffer, e.config.WriteBuffer); err != nil {
		return nil, handshakeError(err, "")
	}
	if h, ok := link.(transport.Handshaker); ok {
		if err := h.HandshakeContext(ctx); err != nil {
			return nil, securityError(ctx, e.listen, err)
		}
		if link.Info().TLS != nil {
			e.spoke(pending)
		}
	}
	c := e.wireConfig()
	offers, dialects := e.offers(c)
	chosen, peer, err := link.Handshake(ctx, offers, e.listen)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, handshakeError(linkError(err), "")
	}
	e.spoke(pending)
	i := slices.IndexFunc(offers, func(o transport.Offer) bool {
		return o.Dialect == chosen.Dialect && o.Hello == chosen.Hello && o.Mechanism == chosen.Mechanism
	})
	if i < 0 {
		return nil, fmt.Errorf("transport %s chose %v, which it was not offered", e.url.Scheme, chosen)
	}
	if err := e.checkPromises(link.Info().Properties); err != nil {
		return nil, err
	}
	c.Hello, c.Alternatives = chosen.Hello, nil
	if d, ok := dialects[i].(wire.Framed); ok {
		c.Carried, c.Bare = true, chosen.Mechanism == ""
		conn := newFramedConn(link, d)
		s := &transport.Stream{Conn: conn}
		carrier, err := e.speak(ctx, &streamHandshake{endpoint: e, pending: pending, link: s, config: c, dialects: dialects[i : i+1]}, stop)
		if err != nil {
			return nil, err
		}
		carrier.carryFramed(conn)
		return carrier.pipe, nil
	}
	session, err := dialects[i].Session(c, peer)
	if err != nil {
		return nil, err
	}
	if !stop() {
		return nil, handshakeError(ctx.Err(), "")
	}
	p := e.newPipe(link, session)
	p.carryMessages(link)
	return p, nil
}

// offers lists what the socket can speak on a link of whole messages, and the dialect of each.
func (e *Endpoint) offers(c wire.Config) (offers []transport.Offer, dialects []wire.Dialect) {
	for _, d := range e.spoken {
		mechanisms := []string{""}
		if f, ok := d.(wire.Framed); ok {
			mechanisms = f.Mechanisms(c.Security)
		}
		for _, h := range append([]transport.Hello{c.Hello}, c.Alternatives...) {
			for _, m := range mechanisms {
				offers = append(offers, transport.Offer{Dialect: d.Name(), Hello: h, Mechanism: m, MaxMessage: c.MaxMessage})
				dialects = append(dialects, d)
			}
		}
	}
	return offers, dialects
}

// linkError makes an error of a link that is the peer's fault one of the dialects.
func linkError(err error) error {
	if pe, ok := errors.AsType[*transport.PeerError](err); ok {
		return &wire.ProtocolError{Reason: reasons.OfTransport(pe.Reason), Detail: pe.Error()}
	}
	return err
}
