// SPDX-License-Identifier: MIT

package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

func isWebSocket(url string) bool {
	u, err := endpoint.Parse(url)
	return err == nil && strings.HasPrefix(u.Scheme, "ws")
}

// lookUpgraded asks for one subprotocol after the other, each on a connection of its own, because NNG refuses lists.
func (r *Report) lookUpgraded(ctx context.Context, o Options) error {
	u, err := endpoint.Parse(r.URL)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	d, err := ws.Transport{}.Dialer(u, transport.DialOptions{TLS: o.TLS})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	var last error
	for _, offer := range upgrades() {
		last, err = r.upgrade(ctx, d, offer, o)
		if err != nil || last == nil {
			return err
		}
		pe, ok := errors.AsType[*transport.PeerError](last)
		if r.Dialect = HTTP; !ok || pe.Reason == "bad_header" {
			break // another subprotocol would not help
		}
	}
	r.Detail = last.Error()
	return ctx.Err()
}

// upgrades are the ends that the peers of all protocols talk to.
func upgrades() (offers []transport.Offer) {
	for number := range uint16(0x100) {
		if p, known := sp.Lookup(number); known {
			offers = append(offers, transport.Offer{Dialect: SP, Hello: p.Hello()})
		}
	}
	return append(offers, transport.Offer{Dialect: ZMTP, Mechanism: "NULL"}, transport.Offer{Dialect: ZMTP, Mechanism: "PLAIN"}, transport.Offer{Dialect: ZMTP, Mechanism: "CURVE"})
}

// upgrade tries one subprotocol. refused says why the peer does not speak it; err is that of a connection.
func (r *Report) upgrade(ctx context.Context, d transport.Dialer, offer transport.Offer, o Options) (refused, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	start := time.Now()
	l, err := d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	if r.Remote == "" {
		r.ConnectUS, r.Remote = microseconds(time.Since(start)), l.RemoteAddr().String()
	}
	link := l.(interface {
		transport.Messages
		transport.Handshaker
	})
	if err := link.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if state := link.Info().TLS; state != nil && r.TLS == nil {
		r.TLS = describe(*state, nil, clientConfig(r.URL, o.TLS))
	}
	start = time.Now()
	_, peer, err := link.Handshake(ctx, []transport.Offer{offer}, false)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return err, nil
	}
	_ = link.CloseWrite()
	r.AnswerUS, r.Dialect = microseconds(time.Since(start)), offer.Dialect
	if r.Detail = "WebSocket, " + offer.Mechanism; offer.Dialect == SP {
		r.Protocol, r.Number, r.Peer, r.Detail = peer.Name, peer.Protocol, peer.PeerName, "WebSocket"
	}
	return nil, nil
}
