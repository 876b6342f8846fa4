// SPDX-License-Identifier: MIT

// Package port serves many protocols on one port. A [Port] looks at the first bytes of each connection and passes it to the
// listener that has claimed its protocol:
//
//	p, err := port.Listen(ctx, "tcp://:443", &port.Config{TLS: certificates})
//	_, err = pull.ListenOn(p.Claim(port.Sockets), nil)
//	go server.Serve(p.Claim(port.HTTP))
//	err = p.Serve()
//
// A connection begins with TLS, or with its protocol at once. TLS ends at the port if [Config].TLS is set. The protocol inside is
// the one that ALPN has negotiated; without ALPN, the first bytes inside of TLS decide. So every claim serves both kinds of
// clients, unless it is limited by Over or ServerNames of its [Protocol].
//
//	protocol                  first bytes                    ALPN name
//	HTTP/1                    a method and a target          http/1.1
//	HTTP/2                    PRI * HTTP/2.0                 h2
//	Scalability Protocols     00 53 50                       sp
//	ZeroMQ (ZMTP)             FF                             zmtp
//	TLS                       16 03
//
// The names sp and zmtp are Spry's: NNG, mangos and ZeroMQ name no protocol, and their first bytes decide. A server that has
// negotiated no name should not expect one, so a client may leave ALPN out, or offer the names of what it speaks.
//
// # Refusals
//
// A connection without a claim is refused in its own language: HTTP/1 with the status 404, or 426 if it is served over TLS
// only; HTTP/2 with GOAWAY; TLS with an alert; ZMTP 3 with ERROR. Others are closed. Where a protocol is claimed, but its
// listener has a full backlog, HTTP/1 is answered 503, and others are closed: clients of ZeroMQ do not come back after an ERROR.
//
// # Slow clients
//
// A connection is undecided until its protocol is known. Each one has a goroutine of its own and at most [Config].Timeout, so it
// delays no other. Their number is limited: beyond [Config].MaxUndecided, the oldest silent one of the address with the most
// makes room. Every connection is counted: see [Stats].
package port
