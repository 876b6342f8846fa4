// SPDX-License-Identifier: MIT

// Package tcp is the transport over plain TCP.
//
// Its schemes are tcp (both families), tcp4 and tcp6. To listen:
//
//	tcp://127.0.0.1:5555    one address
//	tcp://*:5555            every interface, in both families; also written tcp://:5555
//	tcp://0.0.0.0:5555      every interface, IPv4 only
//	tcp://eth0:5555         the address of an interface
//	tcp://127.0.0.1:0       a port of the system's choice, also written :*; see the endpoint's URL
//
// And to dial:
//
//	tcp://example.com:5555                a name; every attempt looks it up again and races all its addresses
//	tcp://_feed._tcp.example.com          a service: every attempt looks up its SRV records
//	tcp://[2001:db8::1]:5555              an IPv6 address, in brackets
//	tcp://eth0;example.com:5555           from an interface
//	tcp://10.0.0.7;example.com:5555       from a local address
//	tcp://10.0.0.7:6000;example.com:5555  from a local address and port
//
// A race begins with one address. The next one joins when an attempt has failed, or after 250 ms; families alternate, as in
// RFC 8305. The servers of a service join by the priority and weight of their records.
//
// Nagle's algorithm is off and keep-alive probes are on unless the options say otherwise.
package tcp

import (
	"context"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/internal/tcpnet"
)

// Transport is the TCP transport. Its zero value is ready, and safe for concurrent use.
type Transport struct{}

var _ transport.Transport = Transport{}

// Schemes returns tcp, tcp4 and tcp6.
func (Transport) Schemes() []string { return []string{"tcp", "tcp4", "tcp6"} }

// Dialer checks the address and returns a dialer for it. Errors of a malformed address wrap [transport.ErrURL].
func (Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	d, err := tcpnet.NewDialer(u, o)
	if err != nil {
		return nil, err
	}
	return dialer{d}, nil
}

// Listen binds the address and begins to listen. ctx bounds the look-up of a name. Errors of a malformed address wrap
// [transport.ErrURL].
func (Transport) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	l, err := tcpnet.Listen(ctx, u, o)
	if err != nil {
		return nil, err
	}
	return listener{l}, nil
}

type dialer struct{ *tcpnet.Dialer }

func (d dialer) Dial(ctx context.Context) (transport.Link, error) {
	conn, err := d.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &transport.Stream{Conn: conn, Framing: transport.FramingLength}, nil
}

type listener struct{ *tcpnet.Listener }

func (l listener) Accept() (transport.Link, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &transport.Stream{Conn: conn, Framing: transport.FramingLength}, nil
}
