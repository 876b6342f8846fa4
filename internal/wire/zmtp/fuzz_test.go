// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// checkHandshake lets an end without random bytes of its own receive bytes, whole and in parts, and demands the same
// outcome.
func checkHandshake(t *testing.T, c func() wire.Config, receive []byte, size int) exchange {
	t.Helper()
	whole := shake(t, c(), "accept", receive)
	parts := shake(t, c(), "accept", slices.Collect(slices.Chunk(receive, size))...)
	if string(whole.sent) != string(parts.sent) {
		t.Fatalf("sent [% x] in one piece and [% x] in parts", whole.sent, parts.sent)
	}
	if reason(t, whole.err) != reason(t, parts.err) || (whole.session == nil) != (parts.session == nil) {
		t.Fatalf("in one piece: %+v, %v; in parts: %+v, %v", whole.session, whole.err, parts.session, parts.err)
	}
	if whole.session != nil && (!bytes.HasSuffix(receive, whole.left) || string(parts.left) != string(whole.left)) {
		t.Fatal("early data was touched")
	}
	return whole
}

// FuzzGreeting checks that a handshake comes to the same end however its bytes are cut, and that a socket is met only
// if it may be.
func FuzzGreeting(f *testing.F) {
	for _, v := range readVectors(f).Handshakes {
		if v.Security == "" {
			f.Add([]byte(v.Receive), byte(named(f, v.Local)), v.Listening, byte(1))
		}
	}
	f.Fuzz(func(t *testing.T, receive []byte, number byte, listening bool, size byte) {
		local := zmtp.Socket(number)
		if local.Name() == "" {
			return
		}
		e := checkHandshake(t, func() wire.Config {
			return wire.Config{Hello: local.Hello(), Listening: listening, TTL: 8}
		}, receive, int(size)%9+1)
		if e.session == nil {
			return
		}
		if peer := zmtp.Socket(e.session.Peer); e.session.Peer != 0 && !local.TalksTo(peer) {
			t.Fatalf("%s met %s", local.Name(), peer.Name())
		}
		if e.session.Peer == 0 && e.session.Metadata["Socket-Type"] != "" {
			t.Fatalf("%v was not looked at", e.session.Metadata)
		}
	})
}

// FuzzLegacy is FuzzGreeting for peers of ZMTP 2.0, what they send after their handshake included.
func FuzzLegacy(f *testing.F) {
	f.Add([]byte("\x02\x00\x00"), byte(zmtp.Pub), byte(1))
	f.Add([]byte("\x06\x00\x03you\x01\x01a\x00\x00"), byte(zmtp.Dealer), byte(2))
	f.Add([]byte("\x02\x02\x00\x00\x00\x00\x00\x00\x00\x01x\x00\x02\x01a\x00\x01\x00"), byte(zmtp.XPub), byte(3))
	f.Fuzz(func(t *testing.T, after []byte, number, size byte) {
		local := zmtp.Socket(number)
		if local.Name() == "" {
			return
		}
		receive := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01"), after...)
		e := checkHandshake(t, func() wire.Config { return wire.Config{Hello: local.Hello(), TTL: 8} }, receive, int(size)%9+1)
		if e.session == nil {
			return
		}
		if len(e.session.Metadata["Identity"]) > 255 {
			t.Fatal("an identity passed its limit")
		}
		decode(t, e.session.Decoder, 3, e.left)
	})
}

// FuzzMetadata checks that properties are taken whole and once, or not at all.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte("\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x01x"))
	f.Add([]byte("\x01a\x00\x00\x00\x00\x01A\x00\x00\x00\x00"))
	f.Add([]byte("\x01a\x7f\xff\xff\xff"))
	f.Add([]byte("\x07User-Id\x00\x00\x00\x04root"))
	f.Fuzz(func(t *testing.T, properties []byte) {
		receive := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL"), make([]byte, 48)...)
		receive = binary.BigEndian.AppendUint64(append(receive, 6), uint64(6+len(properties)))
		receive = append(append(receive, "\x05READY"...), properties...)
		e := shake(t, wire.Config{Hello: zmtp.Router.Hello(), Listening: true, TTL: 8}, "", receive)
		if e.session == nil {
			if e.err == nil {
				t.Fatal("whole metadata decided nothing")
			}
			return
		}
		size := 0
		for name, value := range e.session.Metadata {
			size += 1 + len(name) + 4 + len(value)
		}
		if size != len(properties) {
			t.Fatalf("%d bytes of properties became %d: %v", len(properties), size, e.session.Metadata)
		}
		if _, claimed := e.session.Metadata[zmtp.UserKey]; claimed {
			t.Fatal("the peer said which user it is")
		}
	})
}

// FuzzFrames checks that a stream gives the same messages, events and error however it is cut, that no message passes
// the limits, and that what was decoded can be encoded and decoded again.
func FuzzFrames(f *testing.F) {
	v := readVectors(f)
	for _, s := range slices.Concat(v.Frames, v.Malformed) {
		if s.Security == "" {
			f.Add([]byte(s.Stream), byte(named(f, s.Local)), uint16(s.MaxMessage), byte(s.MaxFrames), byte(1))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, number byte, limit uint16, frames, size byte) {
		local := zmtp.Socket(number)
		if local.Name() == "" {
			return
		}
		peer := zmtp.Socket(local.Hello().Peer)
		config := wire.Config{Hello: local.Hello(), MaxMessage: int64(limit), MaxFrames: int(frames)}
		s := meet(t, wire.Config{Hello: peer.Hello()}, config, 1<<16)
		whole := decode(t, s[1].Decoder, 1024, bytes.Clone(stream))
		parts := decode(t, meet(t, wire.Config{Hello: peer.Hello()}, config, 1<<16)[1].Decoder, int(size)%7+1,
			slices.Collect(slices.Chunk(stream, int(size)%11+1))...)
		if !whole.equal(parts) {
			t.Fatalf("in one piece:\n%v\nin parts:\n%v", whole, parts)
		}
		s = meet(t, wire.Config{Hello: peer.Hello()}, config, 1<<16)
		data := bytes.Clone(stream)
		b := newBatch(data, len(data)/2+1)
		_, _, _ = s[1].Decoder.Decode(data, b)
		back := s[1].Multipart
		for i := range b.Msgs {
			m := &b.Msgs[i]
			if limit > 0 && m.Len() > int(limit) {
				t.Fatalf("a message of %d bytes passed the limit of %d", m.Len(), limit)
			}
			count := 0
			for range m.Frames() {
				count++
			}
			if frames > 0 && count > int(frames) {
				t.Fatalf("a message of %d frames passed the limit of %d", count, frames)
			}
			back.AppendMessage(nil, m.Header(), m)
		}
	})
}

// FuzzCommands checks that whatever is in a command, what is told of it can be said again and is the same then.
func FuzzCommands(f *testing.F) {
	for _, body := range []string{
		"\x04PING\x00\x01abc", "\x04PONGabc", "\x09SUBSCRIBEa", "\x06CANCEL", "\x04JOINg", "\x05LEAVEg", "\x05ERROR\x03bye", "\x05ERROR", "\x00", "\xff",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		command := append(binary.BigEndian.AppendUint64([]byte{6}, uint64(len(body))), body...)
		for _, local := range []zmtp.Socket{zmtp.XPub, zmtp.Radio, zmtp.Pull} {
			peer := zmtp.Socket(local.Hello().Peer)
			_, l := plainPair(t, peer, local)
			heard := decode(t, l.Decoder, 4, bytes.Clone(command))
			if len(heard.events) == 0 || heard.reason != "" {
				continue
			}
			d, l := plainPair(t, peer, local)
			c := control(t, heard.events[0])
			again := decode(t, l.Decoder, 4, d.Commander.AppendControl(nil, c))
			if c.Kind == wire.ControlPing && c.TTL > 655 {
				continue // is cut, see the documentation of the dialect
			}
			if !again.equal(heard) {
				t.Fatalf("%v became %v", heard, again)
			}
		}
	})
}

// FuzzSealed checks that nothing but what the peer sealed, once and in order, comes out of a sealed stream.
func FuzzSealed(f *testing.F) {
	v := readVectors(f)
	for _, s := range slices.Concat(v.Frames, v.Malformed) {
		if s.Security == "curve-server" {
			f.Add([]byte(s.Stream), byte(3))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, size byte) {
		v := streamVector{Local: "PULL", Peer: "PUSH", Security: "curve-server"}
		local, peer := v.sessions(t, readVectors(t).Keys)
		honest := peer.Framing.AppendFrame(nil, nil, []byte("first"))
		if got := decode(t, local.Decoder, 4, bytes.Clone(honest)); len(got.messages) != 1 {
			t.Fatalf("an honest message gave %v", got)
		}
		got := decode(t, local.Decoder, 4, slices.Collect(slices.Chunk(stream, int(size)+1))...)
		for _, m := range got.messages {
			if !slices.Contains(sealedInVectors(t), m) {
				t.Fatalf("[% x] gave %s", stream, m)
			}
		}
	})
}

// sealedInVectors are the messages that the vectors show sealed, which are all that can have been sealed.
func sealedInVectors(tb testing.TB) (all []string) {
	tb.Helper()
	v := readVectors(tb)
	for _, s := range slices.Concat(v.Frames, v.Malformed) {
		if s.Security == "curve-server" {
			all = append(all, s.outcome().messages...)
		}
	}
	return all
}

// FuzzCurveHandshake gives a server and a client what is not quite a handshake: they may come to a session only with
// what the vectors say is one.
func FuzzCurveHandshake(f *testing.F) {
	v := readVectors(f)
	good := map[bool][]byte{}
	for _, h := range v.Handshakes {
		if h.Security == "curve-server" || h.Security == "curve-client" {
			f.Add([]byte(h.Receive), h.Listening, byte(7))
		}
		if h.Sealed && good[h.Listening] == nil {
			good[h.Listening] = h.Receive
		}
	}
	f.Fuzz(func(t *testing.T, receive []byte, server bool, size byte) {
		e := checkHandshake(t, func() wire.Config {
			if server {
				return wire.Config{Hello: zmtp.Pull.Hello(), Listening: true, TTL: 8, Security: v.Keys.security(t, "curve-server", "", "")}
			}
			return wire.Config{Hello: zmtp.Push.Hello(), TTL: 8, Security: v.Keys.security(t, "curve-client", "", "")}
		}, receive, int(size)+1)
		if e.asked != "" && e.asked[:6] != "CURVE " {
			t.Fatalf("asked %q", e.asked)
		}
		if e.session != nil && !e.session.Sealed {
			t.Fatal("a session without CURVE")
		}
	})
}
