// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"net"

	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

// A MessageListener accepts streams of messages. Its methods are safe for concurrent use.
type MessageListener struct {
	stack *messageStack
	below *stack
	all   *acceptor[*Messages]
}

// ListenMessages binds a URL, whose forms are those of [DialMessages], except that proxies are for dialing. ctx bounds the binding.
//
// A WebSocket is accepted at the path ws-path alone, with any parameters in the request; other paths are answered with 404. With
// ws-subprotocol, a client has to offer that one. A web page may connect if it comes from the host that it connects to. For other
// rules, such as credentials, use [Listen], [ReadHTTPRequest] and [WebSocketServer].
func ListenMessages(ctx context.Context, url string, o *ListenOptions) (*MessageListener, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &ListenOptions{}
	}
	s, err := parseMessages(u, setup{listen: true, trace: o.Trace})
	if err != nil {
		return nil, err
	}
	below, err := parseStack(s.below, setup{listen: true, tls: o.TLS, trace: o.Trace})
	if err != nil {
		return nil, urls.Rename(err, s.below, u)
	}
	inner, err := below.bind(ctx, o)
	if err != nil {
		return nil, urls.Rename(err, s.below, u)
	}
	return &MessageListener{stack: s, below: below, all: newAcceptor(inner, o, func(ctx context.Context, link transport.Link) (*Messages, error) {
		b, err := below.accepted(ctx, link)
		if err != nil {
			return nil, urls.Rename(err, s.below, u)
		}
		return s.attach(ctx, b)
	})}, nil
}

// Accept waits for the next stream, whose layers are attached. Slow and silent clients do not delay others, as with
// [Listener.Accept]. After Close, the error is a [net.ErrClosed].
func (l *MessageListener) Accept(ctx context.Context) (*Messages, error) { return l.all.accept(ctx) }

// Addr returns the bound address.
func (l *MessageListener) Addr() net.Addr { return l.all.inner.Addr() }

// URL returns the address that a local client can dial: with the protocol and its parameters, and the layers of bytes without theirs,
// such as ws+tls+tcp://127.0.0.1:40123?ws-path=%2Ffeed.
func (l *MessageListener) URL() string {
	return l.stack.dialable(l.below.dialable(l.all.inner.URL()))
}

// Close stops listening, makes blocked calls of Accept return, and closes the streams that were not accepted. A second Close
// returns the same.
func (l *MessageListener) Close() error { return l.all.close() }
