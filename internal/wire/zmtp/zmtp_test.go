// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"testing"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// meet lets two ends shake hands, in pieces of size bytes; every question is answered with yes.
func meet(t *testing.T, a, b wire.Config, size int) (sessions [2]*wire.Session) {
	t.Helper()
	b.Listening = true
	ends := [2]wire.Handshake{zmtp.Dialect.Handshake(a), zmtp.Dialect.Handshake(b)}
	var in [2][]byte
	for range 5000 {
		for i, h := range ends {
			if sessions[i] != nil {
				continue
			}
			piece := in[i][:min(size, len(in[i]))]
			n, out, s, err := h.Step(piece)
			if err != nil {
				t.Fatalf("end %d: %v", i, err)
			}
			in[i] = in[i][n:]
			in[1-i] = append(in[1-i], out...)
			sessions[i] = s
			if asker, ok := h.(wire.Asker); ok && asker.Question() != nil {
				asker.Answer(wire.Verdict{Accept: true, User: "alice"})
			}
		}
		if sessions[0] != nil && sessions[1] != nil {
			return sessions
		}
	}
	t.Fatal("the handshake does not end")
	return sessions
}

func decode(t *testing.T, s *wire.Session, data []byte) []msg.Message {
	t.Helper()
	b := &msg.Batch{Msgs: make([]msg.Message, 0, 8), Chunk: buf.Wrap(data, nil), Origin: new(msg.Origin)}
	if n, _, err := s.Decoder.Decode(data, b); n != len(data) || err != nil {
		t.Fatalf("consumed %d of %d: %v", n, len(data), err)
	}
	return b.Msgs
}

func TestTwoEndsOfEveryMechanism(t *testing.T) {
	client, server := zmtp.Key{1: 7}, zmtp.Key{1: 9}
	serverKey, err := server.Public()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range [][2]wire.Security{
		{nil, nil},
		{zmtp.PlainClient{Username: "alice", Password: "secret"}, zmtp.PlainServer{}},
		{zmtp.CurveClient{Secret: client, ServerKey: serverKey}, zmtp.CurveServer{Secret: server}},
	} {
		for _, size := range []int{1, 7, 1 << 16} {
			s := meet(t, wire.Config{Hello: zmtp.Dealer.Hello(), Security: m[0]},
				wire.Config{Hello: zmtp.Router.Hello(), Security: m[1]}, size)
			one := msg.New(0)
			_, _ = one.Write([]byte("one"))
			one.AppendFrame(bytes.Repeat([]byte("x"), 300))
			stream := s[0].Framing.(wire.Multipart).AppendMessage(nil, nil, one)
			stream = s[0].Framing.AppendFrame(stream, nil, []byte("two"))
			got := decode(t, s[1], stream)
			if len(got) != 2 || got[0].Len() != 303 || !got[0].Multipart() || string(got[1].Body()) != "two" {
				t.Errorf("%v: got %d messages", m[0], len(got))
			}
		}
	}
}

func TestCurveRefusesReplayAndBitFlips(t *testing.T) {
	server := zmtp.Key{1: 9}
	serverKey, _ := server.Public()
	s := meet(t, wire.Config{Hello: zmtp.Push.Hello(), Security: zmtp.CurveClient{Secret: zmtp.Key{1: 7}, ServerKey: serverKey}},
		wire.Config{Hello: zmtp.Pull.Hello(), Security: zmtp.CurveServer{Secret: server}}, 1<<16)
	frame := s[0].Framing.AppendFrame(nil, nil, []byte("body"))
	refused := func(data []byte) {
		t.Helper()
		b := &msg.Batch{Msgs: make([]msg.Message, 0, 8), Chunk: buf.Wrap(data, nil)}
		if _, _, err := s[1].Decoder.Decode(data, b); err == nil || len(b.Msgs) > 0 {
			t.Errorf("[% x] was accepted", data)
		}
	}
	for bit := 16; bit < 8*len(frame); bit++ { // the head is not sealed
		flipped := bytes.Clone(frame)
		flipped[bit/8] ^= 1 << (bit % 8)
		refused(flipped)
	}
	if got := decode(t, s[1], bytes.Clone(frame)); len(got) != 1 || string(got[0].Body()) != "body" {
		t.Error("the frame itself does not open")
	}
	refused(bytes.Clone(frame))
}
