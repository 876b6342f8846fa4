// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// meet lets two ends shake hands, in pieces of size bytes; every question is answered with yes.
func meet(tb testing.TB, a, b wire.Config, size int) (sessions [2]*wire.Session) {
	tb.Helper()
	b.Listening = true
	for _, c := range []*wire.Config{&a, &b} {
		if c.TTL == 0 {
			c.TTL = 8
		}
	}
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
				tb.Fatalf("end %d: %v", i, err)
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
	tb.Fatal("the handshake does not end")
	return sessions
}

// plainPair returns the sessions of two ends without security.
func plainPair(tb testing.TB, dialing, listening zmtp.Socket) (d, l *wire.Session) {
	tb.Helper()
	s := meet(tb, wire.Config{Hello: dialing.Hello()}, wire.Config{Hello: listening.Hello()}, 1<<16)
	return s[0], s[1]
}

var (
	clientSecret = zmtp.Key{1: 7}
	serverSecret = zmtp.Key{1: 9}
)

// public returns the public key of a secret one.
func public(tb testing.TB, secret zmtp.Key) zmtp.Key {
	tb.Helper()
	p, err := secret.Public()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func curveClient(tb testing.TB, random io.Reader) zmtp.CurveClient {
	tb.Helper()
	return zmtp.CurveClient{Secret: clientSecret, ServerKey: public(tb, serverSecret), Random: random}
}

// curvePair returns the sessions of a client and a server of CURVE.
func curvePair(tb testing.TB, dialing, listening zmtp.Socket) (d, l *wire.Session) {
	tb.Helper()
	s := meet(tb, wire.Config{Hello: dialing.Hello(), Security: curveClient(tb, nil)},
		wire.Config{Hello: listening.Hello(), Security: zmtp.CurveServer{Secret: serverSecret}}, 1<<16)
	return s[0], s[1]
}

// newBatch returns an empty batch for messages in data.
func newBatch(data []byte, capacity int) *msg.Batch {
	chunk := buf.Wrap(data, nil)
	chunk.From = new(msg.Origin)
	return &msg.Batch{Msgs: make([]msg.Message, 0, capacity), Chunk: chunk}
}

// message returns a message of these frames.
func message(frames ...string) *msg.Message {
	m := msg.New(0)
	_, _ = m.Write([]byte(frames[0]))
	for _, f := range frames[1:] {
		m.AppendFrame([]byte(f))
	}
	return m
}

// encode returns the bytes of a message with this header.
func encode(s *wire.Session, header []byte, frames ...string) []byte {
	return s.Multipart.AppendMessage(nil, header, message(frames...))
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

// outcome is what decoding a stream came to.
type outcome struct {
	messages []string // header and frames, as "hex|hex|hex"
	events   []string
	expired  int
	reason   reasons.Reason
}

func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.messages, p.messages) && slices.Equal(o.events, p.events) && o.expired == p.expired && o.reason == p.reason
}

var controlNames = map[wire.ControlKind]string{
	wire.ControlSubscribe: "subscribe", wire.ControlCancel: "cancel", wire.ControlJoin: "join", wire.ControlLeave: "leave",
	wire.ControlPing: "ping", wire.ControlPong: "pong", wire.ControlError: "error", wire.ControlDropped: "dropped",
}

// describe writes an event as the vectors do.
func describe(c wire.Control) string {
	s := controlNames[c.Kind]
	if c.Kind == wire.ControlPing {
		s += fmt.Sprintf(" %d", c.TTL)
	}
	if c.Kind != wire.ControlDropped {
		s += fmt.Sprintf(" %x", c.Data)
	}
	return s
}

// describeMessage writes a message down.
func describeMessage(m *msg.Message) string {
	s := fmt.Sprintf("%x", m.Header())
	for _, f := range m.Frames() {
		s += fmt.Sprintf("|%x", f)
	}
	return s
}

// decode feeds a decoder the parts of a stream as a reader does, with batches of the given capacity, and checks what
// Decode promises of each call. Each piece is shown in memory of its own, as if it had come with another chunk.
func decode(tb testing.TB, d wire.Decoder, capacity int, parts ...[]byte) (o outcome) {
	tb.Helper()
	d.(wire.Controlled).OnControl(func(c wire.Control) { o.events = append(o.events, describe(c)) })
	var held []byte
	need := 0
	for _, part := range parts {
		held = append(bytes.Clone(held), part...)
		if len(held) < need {
			continue // a reader may wait until there is enough
		}
		for {
			b := newBatch(held, capacity)
			n, more, err := d.Decode(held, b)
			if n < 0 || n > len(held) {
				tb.Fatalf("consumed %d of %d bytes", n, len(held))
			}
			for i := range b.Msgs {
				if m := &b.Msgs[i]; m.Origin() != b.Chunk.From || m.Owner() != b.Chunk {
					tb.Fatal("the message does not know its batch's chunk and origin")
				}
				o.messages = append(o.messages, describeMessage(&b.Msgs[i]))
			}
			o.expired += b.Expired
			held, need = held[n:], more
			if err != nil {
				o.reason = reason(tb, err)
				return o
			}
			if more > 0 && more <= len(held) {
				tb.Fatalf("%d bytes are there and %d are said to be needed", len(held), more)
			}
			if more > 0 || len(held) == 0 {
				break
			}
			if !b.Full() && n == 0 {
				tb.Fatalf("%d bytes are left and nothing is said to be needed", len(held))
			}
		}
	}
	return o
}
