// SPDX-License-Identifier: MIT

package sp_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/testkit"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// vectors is docs/wire/vectors/sp.json, which explains its fields.
type vectors struct {
	About     []string
	Protocols []struct {
		Name, Number, Peer, Envelope string
		PeerNumber                   string `json:"peer_number"`
	}
	Handshakes []handshakeVector
	Frames     []streamVector
	Malformed  []streamVector
}

type handshakeVector struct {
	Name, Why     string
	Local         string
	Alternatives  []string
	Listening     bool
	Receive, Send hexBytes

	Peer, Settles string // succeeds
	Left          hexBytes

	Reason    reasons.Reason // is refused
	DecidedBy int            `json:"decided_by"`
}

type streamVector struct {
	Name, Why         string
	Protocol, Framing string
	TTL               int
	MaxMessage        int64 `json:"max_message"`
	Stream            hexBytes
	Messages          []struct{ Header, Body hexBytes }
	Expired           int

	Reason    reasons.Reason // malformed
	DecidedBy int            `json:"decided_by"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// readVectors fails on a field that no test knows, for it would not be checked.
func readVectors(tb testing.TB) vectors {
	tb.Helper()
	file, err := os.Open("../../../docs/wire/vectors/sp.json")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var v vectors
	if err := decoder.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	if len(v.Protocols) == 0 || len(v.Handshakes) == 0 || len(v.Frames) == 0 || len(v.Malformed) == 0 {
		tb.Fatal("a part of the vectors is missing")
	}
	return v
}

// named returns the protocol with a short name.
func named(tb testing.TB, name string) sp.Protocol {
	tb.Helper()
	for number := range 1 << 16 {
		if p, ok := sp.Lookup(uint16(number)); ok && p.Name == name {
			return p
		}
	}
	tb.Fatalf("no protocol is named %q", name)
	return sp.Protocol{}
}

// config is what the vector's local end starts from.
func (v handshakeVector) config(tb testing.TB) wire.Config {
	tb.Helper()
	c := wire.Config{Hello: named(tb, v.Local).Hello(), Listening: v.Listening, TTL: 8}
	for _, name := range v.Alternatives {
		c.Alternatives = append(c.Alternatives, named(tb, name).Hello())
	}
	return c
}

func (v streamVector) framing(tb testing.TB) sp.Framing {
	tb.Helper()
	switch v.Framing {
	case "length":
		return sp.FramingLength
	case "typed":
		return sp.FramingTyped
	}
	tb.Fatalf("no framing is named %q", v.Framing)
	return 0
}

func (v streamVector) decoder(tb testing.TB) wire.Decoder {
	tb.Helper()
	ttl := v.TTL
	if ttl == 0 {
		ttl = 8
	}
	return session(tb, named(tb, v.Protocol).Number, v.framing(tb), v.MaxMessage, ttl).Decoder
}

// outcome is what decoding the vector's stream must come to.
func (v streamVector) outcome() outcome {
	o := outcome{expired: v.Expired, reason: v.Reason}
	for _, m := range v.Messages {
		o.messages = append(o.messages, fmt.Sprintf("%x|%x", m.Header, m.Body))
	}
	return o
}

func TestProtocolsAreThoseOfTheVectors(t *testing.T) {
	envelopes := map[wire.Envelope]string{
		wire.EnvelopeNone: "none", wire.EnvelopeHops: "hops", wire.EnvelopeBacktrace: "backtrace",
	}
	v := readVectors(t)
	for _, want := range v.Protocols {
		p := named(t, want.Name)
		if number := fmt.Sprintf("%04x", p.Number); number != want.Number {
			t.Errorf("%s is %s, want %s", p.Name, number, want.Number)
		}
		if peer := fmt.Sprintf("%04x", p.Peer); peer != want.PeerNumber || p.PeerName != want.Peer {
			t.Errorf("%s talks to %s %s, want %s %s", p.Name, p.PeerName, peer, want.Peer, want.PeerNumber)
		}
		if envelopes[p.Envelope] != want.Envelope {
			t.Errorf("%s has the envelope %q, want %q", p.Name, envelopes[p.Envelope], want.Envelope)
		}
		if back, ok := sp.Lookup(p.Peer); !ok || back.Peer != p.Number || back.PeerName != p.Name {
			t.Errorf("%s talks to %s, which talks to %s", p.Name, p.PeerName, back.PeerName)
		}
		hello := p.Hello()
		if hello.Protocol != p.Number || hello.Peer != p.Peer || hello.Name != p.Name || hello.PeerName != p.PeerName {
			t.Errorf("%s introduces itself as %+v", p.Name, hello)
		}
	}
	known := 0
	for number := range 1 << 16 {
		if _, ok := sp.Lookup(uint16(number)); ok {
			known++
		}
	}
	if known != len(v.Protocols) {
		t.Errorf("%d protocols are known, the vectors have %d", known, len(v.Protocols))
	}
}

func TestVectorsOfHandshakes(t *testing.T) {
	for _, v := range readVectors(t).Handshakes {
		t.Run(v.Name, func(t *testing.T) {
			for cut := 0; cut <= len(v.Receive); cut++ {
				v.check(t, shake(t, v.config(t), v.Receive[:cut], v.Receive[cut:]))
			}
			v.check(t, shake(t, v.config(t), slices.Collect(slices.Chunk([]byte(v.Receive), 1))...))

			if v.Reason == "" {
				return
			}
			if early := shake(t, v.config(t), v.Receive[:v.DecidedBy-1]); early.err != nil {
				t.Errorf("refused %d bytes already: %v", v.DecidedBy-1, early.err)
			}
			v.check(t, shake(t, v.config(t), v.Receive[:v.DecidedBy]))
		})
	}
}

// check compares a handshake with what the vector says of it.
func (v handshakeVector) check(t *testing.T, got exchange) {
	t.Helper()
	if string(got.sent) != string(v.Send) {
		t.Errorf("sent [% x], want [% x]", got.sent, v.Send)
	}
	if r := reason(t, got.err); r != v.Reason {
		t.Errorf("refused for %q (%v), want %q", r, got.err, v.Reason)
	}
	if (got.session != nil) != (v.Peer != "") {
		t.Fatalf("session %+v, want one: %v", got.session, v.Peer != "")
	}
	if got.session == nil {
		return
	}
	local, peer := named(t, v.Settles), named(t, v.Peer)
	s := got.session
	if s.Dialect != "sp" || s.Peer != peer.Number || s.Local.Protocol != local.Number || s.Local.Peer != peer.Number ||
		s.Local.Name != local.Name || s.Local.PeerName != peer.Name {
		t.Errorf("settled on %+v with peer 0x%02x, want %s and %s", s.Local, s.Peer, local.Name, peer.Name)
	}
	if string(got.left) != string(v.Left) {
		t.Errorf("left [% x], want [% x]", got.left, v.Left)
	}
}

func TestVectorsOfFrames(t *testing.T) {
	for _, v := range readVectors(t).Frames {
		t.Run(v.Name, func(t *testing.T) {
			decodeEveryWay(t, v.decoder(t), v.Stream, v.outcome())
			if v.Expired > 0 {
				return
			}
			var whole, parts []byte
			f := v.framing(t)
			for _, m := range v.Messages {
				whole = f.AppendFrame(whole, m.Header, m.Body)
				parts = append(f.AppendHead(parts, m.Header, len(m.Body)), m.Body...)
			}
			if string(whole) != string(v.Stream) {
				t.Errorf("AppendFrame gave\n%x, want\n%x", whole, v.Stream)
			}
			if string(parts) != string(v.Stream) {
				t.Errorf("AppendHead and bodies gave\n%x, want\n%x", parts, v.Stream)
			}
		})
	}
}

func TestVectorsOfMalformedStreams(t *testing.T) {
	for _, v := range readVectors(t).Malformed {
		t.Run(v.Name, func(t *testing.T) {
			if v.Reason == "" {
				t.Fatal("the vector names no reason")
			}
			decodeEveryWay(t, v.decoder(t), v.Stream, v.outcome())

			early := v.outcome()
			early.reason = ""
			if got := decode(t, v.decoder(t), 64, v.Stream[:v.DecidedBy-1]); !got.equal(early) {
				t.Errorf("%d bytes gave\n%v, want\n%v", v.DecidedBy-1, got, early)
			}
			if got := decode(t, v.decoder(t), 64, v.Stream[:v.DecidedBy]); !got.equal(v.outcome()) {
				t.Errorf("%d bytes gave\n%v, want\n%v", v.DecidedBy, got, v.outcome())
			}
		})
	}
}

// TestVectorsCoverEveryReason reads the sources, so that a new reason must get a vector.
func TestVectorsCoverEveryReason(t *testing.T) {
	covered := map[reasons.Reason]bool{}
	v := readVectors(t)
	for _, h := range v.Handshakes {
		covered[h.Reason] = true
	}
	for _, m := range v.Malformed {
		covered[m.Reason] = true
	}
	for name, r := range testkit.UsedReasons(t, "../../..", ".") {
		if !covered[r] {
			t.Errorf("no vector shows the reason %s", name)
		}
	}
}

// exchange is what a handshake came to.
type exchange struct {
	sent    []byte
	left    []byte // received, not consumed
	session *wire.Session
	err     error
}

// shake feeds a handshake the parts of what the peer sends, one after the other, as an engine does: a
// dialing end is stepped with nothing first, and nothing is fed after the end.
func shake(tb testing.TB, c wire.Config, parts ...[]byte) (e exchange) {
	tb.Helper()
	h := sp.Dialect.Handshake(c)
	step := func(in []byte) {
		e.left = slices.Clip(append(e.left, in...))
		if e.session != nil || e.err != nil {
			return
		}
		n, out, s, err := h.Step(e.left)
		if n < 0 || n > len(e.left) {
			tb.Fatalf("consumed %d of %d bytes", n, len(e.left))
		}
		if s != nil && err != nil {
			tb.Fatalf("both a session and an error: %v", err)
		}
		e.sent = append(e.sent, out...)
		e.left, e.session, e.err = e.left[n:], s, err
	}
	if !c.Listening {
		step(nil)
	}
	for _, part := range parts {
		step(part)
	}
	return e
}
