// SPDX-License-Identifier: MIT

package sp_test

import (
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// FuzzHandshake checks that a handshake comes to the same end however its bytes are cut, sends at most one
// header, and takes nothing but the 8 bytes of the peer's.
func FuzzHandshake(f *testing.F) {
	for _, v := range readVectors(f).Handshakes {
		local := named(f, v.Local).Number
		f.Add([]byte(v.Receive), local, v.Listening, len(v.Alternatives) > 0, byte(1))
		f.Add([]byte(v.Receive), local, v.Listening, len(v.Alternatives) > 0, byte(3))
	}
	f.Fuzz(func(t *testing.T, receive []byte, number uint16, listening, adaptive bool, size byte) {
		p, ok := sp.Lookup(number)
		if !ok {
			return
		}
		c := wire.Config{Hello: p.Hello(), Listening: listening, TTL: 8}
		if adaptive {
			c.Alternatives = append(c.Alternatives, protocol(t, sp.Pair0).Hello())
		}
		whole := shake(t, c, receive)
		parts := shake(t, c, slices.Collect(slices.Chunk(receive, int(size)%8+1))...)

		if len(whole.sent) != 0 && len(whole.sent) != sp.HeaderLen || string(whole.sent) != string(parts.sent) {
			t.Fatalf("sent [% x] in one piece and [% x] in parts", whole.sent, parts.sent)
		}
		if reason(t, whole.err) != reason(t, parts.err) {
			t.Fatalf("in one piece: %v; in parts: %v", whole.err, parts.err)
		}
		if (whole.session == nil) != (parts.session == nil) {
			t.Fatalf("in one piece: session %v; in parts: %v", whole.session, parts.session)
		}
		if s := whole.session; s != nil {
			if want := sp.AppendHeader(nil, s.Peer); string(receive[:sp.HeaderLen]) != string(want) || s.Local.Peer != s.Peer {
				t.Fatalf("[% x] made a session of %+v with 0x%04x", receive, s.Local, s.Peer)
			}
			if string(whole.left) != string(receive[sp.HeaderLen:]) || string(parts.left) != string(whole.left) {
				t.Fatal("early data was touched")
			}
		}
		if whole.err == nil && whole.session == nil && len(receive) >= sp.HeaderLen {
			t.Fatalf("a whole header [% x] decided nothing", receive[:sp.HeaderLen])
		}
	})
}

// FuzzDecode checks that a stream gives the same messages and the same error however it is cut, and that
// encoding the messages gives back the bytes they came from.
func FuzzDecode(f *testing.F) {
	v := readVectors(f)
	for _, s := range slices.Concat(v.Frames, v.Malformed) {
		f.Add([]byte(s.Stream), named(f, s.Protocol).Number, s.Framing == "typed", s.MaxMessage, byte(s.TTL), uint16(1))
		f.Add([]byte(s.Stream), named(f, s.Protocol).Number, s.Framing == "typed", s.MaxMessage, byte(s.TTL), uint16(5))
	}
	f.Fuzz(func(t *testing.T, stream []byte, number uint16, typed bool, limit int64, ttl byte, size uint16) {
		if _, ok := sp.Lookup(number); !ok {
			return
		}
		framing := sp.FramingLength
		if typed {
			framing = sp.FramingTyped
		}
		d := session(t, number, framing, limit, max(int(ttl), 1)).Decoder

		whole := decode(t, d, 1024, stream)
		parts := decode(t, d, int(size)%7+1, slices.Collect(slices.Chunk(stream, int(size)+1))...)
		if !whole.equal(parts) {
			t.Fatalf("in one piece:\n%v\nin parts:\n%v", whole, parts)
		}

		data := slices.Clip(stream)
		b := newBatch(data, len(data)/8+1)
		n, _, _ := d.Decode(data, b)
		var again []byte
		for i := range b.Msgs {
			m := &b.Msgs[i]
			if limit > 0 && int64(len(m.Header())+m.Len()) > limit {
				t.Fatalf("a message of %d bytes passed the limit of %d", len(m.Header())+m.Len(), limit)
			}
			again = framing.AppendFrame(again, m.Header(), m.Body())
		}
		if b.Expired == 0 && string(again) != string(data[:n]) {
			t.Fatalf("encoding gave\n%x, want\n%x", again, data[:n])
		}
	})
}
