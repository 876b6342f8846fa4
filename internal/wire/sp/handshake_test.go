// SPDX-License-Identifier: MIT

package sp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

func TestMatchFindsTheFamily(t *testing.T) {
	for _, tc := range []struct {
		prefix    string
		yes, more bool
	}{
		{"", false, true},
		{"\x00", false, true},
		{"\x00S", false, true},
		{"\x00SP", true, false},
		{"\x00SP\x00\x00\x30\x00\x00", true, false},
		{"\x00SP\x01", true, false}, // another version of this family
		{"\x00SQ", false, false},
		{"\x00T", false, false},
		{"\xff", false, false},
		{"GET / HTTP/1.1", false, false},
	} {
		if yes, more := sp.Dialect.Match([]byte(tc.prefix)); yes != tc.yes || more != tc.more {
			t.Errorf("Match(%q) = %v, %v, want %v, %v", tc.prefix, yes, more, tc.yes, tc.more)
		}
	}
	if name := sp.Dialect.Name(); name != "sp" {
		t.Errorf("the dialect is named %q", name)
	}
}

// TestEveryPairOfProtocols lets every protocol dial every other one, both ends being Spry's.
func TestEveryPairOfProtocols(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			dialing, ok := sp.Lookup(uint16(a))
			listening, ok2 := sp.Lookup(uint16(b))
			if !ok || !ok2 {
				continue
			}
			l := shake(t, wire.Config{Hello: listening.Hello(), Listening: true}, sp.AppendHeader(nil, dialing.Number))
			d := shake(t, wire.Config{Hello: dialing.Hello()}, l.sent)
			want := reasons.Reason("")
			if dialing.Peer != listening.Number {
				want = reasons.RoleMismatch
			}
			if got := reason(t, l.err); got != want || (l.session != nil) != (want == "") {
				t.Errorf("%s, listening, takes %s with %q, want %q", listening.Name, dialing.Name, got, want)
			}
			if got := reason(t, d.err); got != want || (d.session != nil) != (want == "") {
				t.Errorf("%s, dialing, takes %s with %q, want %q", dialing.Name, listening.Name, got, want)
			}
		}
	}
}

// TestPeerThatWaitsForAnAnswer dials with three bytes, as some peers do, and goes on when it was answered.
func TestPeerThatWaitsForAnAnswer(t *testing.T) {
	rest := map[string]reasons.Reason{
		"\x00\x00\x30\x00\x00": "",
		"\x01\x00\x30\x00\x00": reasons.Version,
		"\x00\x00\x20\x00\x00": reasons.RoleMismatch,
		"\x00\x00\x99\x00\x00": reasons.UnknownProtocol,
		"\x00\x00\x30\x00\x01": reasons.Reserved,
	}
	for bytes, want := range rest {
		h := sp.Dialect.Handshake(wire.Config{Hello: protocol(t, sp.Rep).Hello(), Listening: true})
		_, out, s, err := h.Step([]byte("\x00SP"))
		if string(out) != "\x00SP\x00\x00\x31\x00\x00" || s != nil || err != nil {
			t.Fatalf("three bytes were answered by [% x], session %v, error %v", out, s, err)
		}
		_, out, s, err = h.Step([]byte(bytes))
		if len(out) != 0 {
			t.Errorf("the header was sent twice: [% x]", out)
		}
		if got := reason(t, err); got != want || (s != nil) != (want == "") {
			t.Errorf("[% x] ended with %q and session %v, want %q", bytes, got, s, want)
		}
	}
}

func TestDialerDoesNotAdapt(t *testing.T) {
	c := wire.Config{Hello: protocol(t, sp.Pair1).Hello(), Alternatives: []transport.Hello{protocol(t, sp.Pair0).Hello()}}
	e := shake(t, c, sp.AppendHeader(nil, sp.Pair0))
	if got := reason(t, e.err); got != reasons.RoleMismatch {
		t.Errorf("a header that was sent already was changed: %q, want %q", got, reasons.RoleMismatch)
	}
	e = shake(t, c, sp.AppendHeader(nil, sp.Pair1))
	if e.session == nil || e.session.Local != c.Hello {
		t.Errorf("session %+v, want one that has settled", e.session)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		receive string
		says    []string
	}{
		{"GET / HTTP/1.1\r\n", []string{"47 45 54", "00 53 50 00", "HTTP", "port"}},
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", []string{"ff 00", "ZeroMQ", "zmtp+"}},
		{"\x16\x03\x01", []string{"16 03 01", "TLS", "tls+tcp://"}},
		{"\x7f", []string{"7f", "address"}},
		{"\x00SP\x02", []string{"version 2", "version 0"}},
		{"\x00SP\x00\x06\x40", []string{"0x0640", "rep", "req"}},
		{"\x00SP\x00\x00\x20", []string{"pub", "0x20", "rep", "0x31", "req", "sub"}},
		{"\x00SP\x00\x00\x30\x12\x34", []string{"12 34", "00 00"}},
	} {
		e := shake(t, wire.Config{Hello: protocol(t, sp.Rep).Hello(), Listening: true}, []byte(tc.receive))
		var p *wire.ProtocolError
		if !errors.As(e.err, &p) {
			t.Fatalf("%q gave %v", tc.receive, e.err)
		}
		for _, part := range tc.says {
			if !strings.Contains(p.Detail, part) {
				t.Errorf("the error for %q does not say %q: %s", tc.receive, part, p.Detail)
			}
		}
	}
}

// TestSessionFramesAsTheLinkDoes checks that the session takes its framing from the link.
func TestSessionFramesAsTheLinkDoes(t *testing.T) {
	for _, f := range []sp.Framing{sp.FramingLength, sp.FramingTyped} {
		s := session(t, sp.Pull, f, 0, 8)
		if s.Framing != wire.Framing(f) {
			t.Errorf("framing %v became %v", f, s.Framing)
		}
		stream := s.Framing.AppendFrame(nil, nil, []byte("hi"))
		if got := decode(t, s.Decoder, 1, stream); !got.equal(outcome{messages: []string{"|6869"}}) {
			t.Errorf("the session does not read its own framing: %v", got)
		}
	}
}
