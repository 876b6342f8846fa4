// SPDX-License-Identifier: MIT

package sp_test

import (
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// messageSession returns the session that a socket has with the peer it wants on a link of whole messages.
func messageSession(tb testing.TB, p sp.Protocol, ttl int) *wire.Session {
	tb.Helper()
	s, err := sp.Dialect.Session(wire.Config{Hello: p.Hello(), TTL: ttl}, protocol(tb, p.Peer).Hello())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestMessageLinksSplitAsStreamsDo puts the messages of the stream vectors through a splitter.
func TestMessageLinksSplitAsStreamsDo(t *testing.T) {
	v := readVectors(t)
	for _, stream := range slices.Concat(v.Frames, v.Malformed) {
		p := named(t, stream.Protocol)
		s := messageSession(t, p, max(stream.TTL, 8))
		if s.Framing != nil || s.Decoder != nil {
			t.Fatalf("%s: a session without a stream has framing %v and decoder %v", stream.Name, s.Framing, s.Decoder)
		}
		if (s.Splitter == nil) != (p.Envelope == wire.EnvelopeNone) {
			t.Fatalf("%s: splitter %v", stream.Name, s.Splitter)
		}
		if s.Splitter == nil {
			continue
		}
		for _, m := range stream.Messages {
			head, expired, err := s.Splitter.Split(slices.Concat(m.Header, m.Body))
			if head != len(m.Header) || expired || err != nil {
				t.Errorf("%s: header of %d bytes, expired %v, error %v; want %d bytes", stream.Name, head, expired, err, len(m.Header))
			}
		}
		if stream.Reason == reasons.Envelope && len(stream.Messages) == 0 {
			payload := stream.Stream[len(header(stream.framing(t), 0)):]
			if _, _, err := s.Splitter.Split(payload); reason(t, err) != reasons.Envelope {
				t.Errorf("%s: error %v", stream.Name, err)
			}
		}
	}
}

func TestSplitterExpiresMessages(t *testing.T) {
	for number, message := range map[uint16]string{
		sp.Pair1:      "\x00\x00\x00\x02hi",
		sp.Rep:        "\x00\x00\x00\x01\x80\x00\x00\x00hi",
		sp.Respondent: "\x00\x00\x00\x01\x80\x00\x00\x00hi",
	} {
		for ttl, want := range map[int]bool{1: true, 2: false} {
			s := messageSession(t, protocol(t, number), ttl)
			if _, expired, err := s.Splitter.Split([]byte(message)); expired != want || err != nil {
				t.Errorf("protocol 0x%02x with a TTL of %d: expired %v, error %v, want %v", number, ttl, expired, err, want)
			}
		}
	}
}

func TestSessionChecksThePeer(t *testing.T) {
	adaptive := wire.Config{Hello: protocol(t, sp.Pair1).Hello(), Alternatives: []transport.Hello{protocol(t, sp.Pair0).Hello()}}
	req := wire.Config{Hello: protocol(t, sp.Req).Hello()}
	for _, tc := range []struct {
		local     wire.Config
		listening bool
		peer      uint16
		settled   uint16
		reason    reasons.Reason
	}{
		{req, false, sp.Rep, sp.Req, ""},
		{req, false, sp.Req, 0, reasons.RoleMismatch},
		{req, true, 0x99, 0, reasons.UnknownProtocol},
		{adaptive, true, sp.Pair1, sp.Pair1, ""},
		{adaptive, true, sp.Pair0, sp.Pair0, ""},
		{adaptive, true, sp.Bus, 0, reasons.RoleMismatch},
		{adaptive, false, sp.Pair0, 0, reasons.RoleMismatch},
	} {
		tc.local.Listening = tc.listening
		s, err := sp.Dialect.Session(tc.local, transport.Hello{Protocol: tc.peer})
		if got := reason(t, err); got != tc.reason || (s != nil) != (tc.reason == "") {
			t.Errorf("%s meets 0x%02x: session %v, error %v, want %q", tc.local.Hello.Name, tc.peer, s, err, tc.reason)
			continue
		}
		if s != nil && (s.Dialect != "sp" || s.Local.Protocol != tc.settled || s.Peer != tc.peer) {
			t.Errorf("%s met 0x%02x and settled on %+v", tc.local.Hello.Name, tc.peer, s)
		}
	}
}

// A connection takes the session of an earlier one if its own would be equal.
func TestEqualSessionsAreShared(t *testing.T) {
	c := wire.Config{Hello: protocol(t, sp.Pair1).Hello(), Alternatives: []transport.Hello{protocol(t, sp.Pair0).Hello()}, Listening: true}
	first := shake(t, c, sp.AppendHeader(nil, sp.Pair1)).session
	if first == nil || !first.Stateless {
		t.Fatalf("session %+v, want one that others may share", first)
	}
	c.Previous = first
	if again := shake(t, c, sp.AppendHeader(nil, sp.Pair1)).session; again != first {
		t.Error("an equal connection made a session of its own")
	}
	if other := shake(t, c, sp.AppendHeader(nil, sp.Pair0)).session; other == first || other.Peer != sp.Pair0 {
		t.Error("a peer with another protocol has the session of the one before")
	}
	c.Framing = transport.FramingTyped
	if other := shake(t, c, sp.AppendHeader(nil, sp.Pair1)).session; other == first || other.Framing == first.Framing {
		t.Error("a connection with another framing has the session of the one before")
	}
}
