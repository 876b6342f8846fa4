// SPDX-License-Identifier: MIT

package sp_test

import (
	"errors"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// protocol returns a protocol that must exist.
func protocol(tb testing.TB, number uint16) sp.Protocol {
	tb.Helper()
	p, ok := sp.Lookup(number)
	if !ok {
		tb.Fatalf("no protocol 0x%02x", number)
	}
	return p
}

// session returns the session of a dialing socket that has met the peer it wants.
func session(tb testing.TB, number uint16, f sp.Framing, limit int64, ttl int) *wire.Session {
	tb.Helper()
	p := protocol(tb, number)
	h := sp.Dialect.Handshake(wire.Config{
		Hello: p.Hello(), Framing: transport.Framing(f), MaxMessage: limit, TTL: ttl,
	})
	_, _, s, err := h.Step(sp.AppendHeader(nil, p.Peer))
	if err != nil || s == nil {
		tb.Fatalf("handshake of %s: session %v, error %v", p.Name, s, err)
	}
	return s
}

// reason returns the class of a protocol error, "" for nil, and fails on any other error.
func reason(tb testing.TB, err error) reasons.Reason {
	tb.Helper()
	if err == nil {
		return ""
	}
	var p *wire.ProtocolError
	if !errors.As(err, &p) {
		tb.Fatalf("error %v (%T) is not a ProtocolError", err, err)
	}
	if p.Detail == "" {
		tb.Fatalf("error of class %s says nothing", p.Reason)
	}
	return p.Reason
}
