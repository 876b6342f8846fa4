// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
)

func TestMatch(t *testing.T) {
	for prefix, want := range map[string][2]bool{
		"": {false, true}, "\xff": {true, false}, "\xff\x00": {true, false}, "\x00SP\x00": {false, false}, "GET": {false, false}, "\x01\x00": {false, false},
	} {
		if yes, more := zmtp.Dialect.Match([]byte(prefix)); yes != want[0] || more != want[1] {
			t.Errorf("[% x] matches: %v, may do so later: %v", prefix, yes, more)
		}
	}
	if yes, _ := sp.Dialect.Match([]byte{0xff}); yes {
		t.Error("two dialects take the same bytes")
	}
}

func TestLinksOfWholeMessagesAreRefused(t *testing.T) {
	if s, err := zmtp.Dialect.Session(wire.Config{Hello: zmtp.Pull.Hello()}, transport.Hello{}); s != nil || err == nil {
		t.Errorf("session %v, error %v", s, err)
	}
}

// Sockets of the Scalability Protocols meet their twins; those that have none say so.
func TestCounterparts(t *testing.T) {
	counterparts := map[uint16]zmtp.Socket{
		sp.Pair0: zmtp.Pair, sp.Pair1: zmtp.Pair, sp.Pub: zmtp.Sub, sp.Sub: zmtp.Pub, sp.Req: zmtp.Rep, sp.Rep: zmtp.Req,
		sp.Push: zmtp.Pull, sp.Pull: zmtp.Push,
	}
	for number := range 1 << 8 {
		p, ok := sp.Lookup(uint16(number))
		if !ok {
			continue
		}
		peer, has := counterparts[p.Number]
		if !has {
			e := shake(t, wire.Config{Hello: p.Hello(), Listening: true, TTL: 8}, "", []byte{0xff})
			if reason(t, e.err) != reasons.UnknownProtocol || !strings.Contains(e.err.Error(), p.Name) {
				t.Errorf("%s has no twin, and says %v", p.Name, e.err)
			}
			continue
		}
		local := wire.Config{Hello: p.Hello(), Alternatives: []transport.Hello{mustLookup(t, sp.Pair0).Hello()}}
		s := meet(t, wire.Config{Hello: peer.Hello()}, local, 1<<16)
		if l := s[1].Local; l.Protocol != p.Number || s[1].Peer != p.Peer {
			t.Errorf("%s settled on %+v with %x", p.Name, l, s[1].Peer)
		}
	}
}

// Hop counts have no place here.
func TestHopCountsAreLeftOut(t *testing.T) {
	s := meet(t, wire.Config{Hello: mustLookup(t, sp.Pair1).Hello()}, wire.Config{Hello: zmtp.Pair.Hello()}, 1<<16)
	got := decode(t, s[1].Decoder, 1, s[0].Framing.AppendFrame(nil, []byte{0, 0, 0, 1}, []byte("hi")))
	if len(got.messages) != 1 || got.messages[0] != "|6869" {
		t.Errorf("got %v", got)
	}
}

// What the local end says wrongly of itself is an error, or cut, and nothing that confuses the peer.
func TestOwnMistakes(t *testing.T) {
	c := wire.Config{
		Hello: zmtp.Dealer.Hello(), Identity: make([]byte, 300),
		Metadata: map[string]string{"": "nameless", strings.Repeat("n", 256): "too long", "X-Good": "yes"},
	}
	s := meet(t, c, wire.Config{Hello: zmtp.Router.Hello()}, 1<<16)
	if got := s[1].Metadata; len(got["Identity"]) != 255 || got["X-Good"] != "yes" || len(got) != 3 {
		t.Errorf("the peer knows %d properties: %v", len(got), got)
	}
	e := shake(t, wire.Config{Hello: zmtp.Dealer.Hello(), Security: gssapi{}}, "")
	if reason(t, e.err) != reasons.Mechanism {
		t.Errorf("a mechanism that does not exist: %v", e.err)
	}
}

type gssapi struct{}

func (gssapi) Mechanism() string { return "GSSAPI" }

// No TTL of more than 655 tenths is sent, no longer context, and no longer reason than there is room for.
func TestControlsAreCut(t *testing.T) {
	d, l := plainPair(t, zmtp.Push, zmtp.Pull)
	f := d.Commander
	long := []byte(strings.Repeat("x", 300))
	stream := f.AppendControl(nil, wire.Control{Kind: wire.ControlPing, TTL: 660, Data: long})
	stream = f.AppendControl(stream, wire.Control{Kind: wire.ControlPong, Data: long})
	stream = f.AppendControl(stream, wire.Control{Kind: wire.ControlError, Data: long})
	stream = f.AppendControl(stream, wire.Control{Kind: wire.ControlDropped})
	x16, x255 := strings.Repeat("78", 16), strings.Repeat("78", 255)
	if got := decode(t, l.Decoder, 1, stream); strings.Join(got.events, ";") != "ping 655 "+x16+";pong "+x16+";error "+x255 {
		t.Errorf("heard %v", got.events)
	}
}
