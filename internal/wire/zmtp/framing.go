// SPDX-License-Identifier: MIT

package zmtp

import (
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// A framing encodes plain frames. It has no state, and the framings of peers with the same version and type are equal.
type framing struct {
	local  Socket
	minor  byte
	legacy bool
}

// AppendFrame implements [wire.Framing]. Small frames without an envelope, which are the most, need no detour.
func (f framing) AppendFrame(dst, header, body []byte) []byte {
	if len(body) > maxShort || hasEnvelope(f.local) {
		return append(f.AppendHead(dst, header, len(body)), body...)
	}
	return append(append(dst, 0, byte(len(body))), body...)
}

// AppendHead implements [wire.Framing].
func (f framing) AppendHead(dst, header []byte, body int) []byte {
	return appendHead(f.withEnvelope(dst, header), 0, body)
}

// withEnvelope appends the envelope for a routing header, before the first frame of a message.
func (f framing) withEnvelope(dst, header []byte) []byte {
	if !hasEnvelope(f.local) {
		return dst
	}
	return f.appendEnvelope(dst, header)
}

// AppendMessage implements [wire.Multipart].
func (f framing) AppendMessage(dst, header []byte, m *msg.Message) []byte {
	dst = f.withEnvelope(dst, header)
	forEachFrame(m, func(body []byte, more bool) { dst = append(appendHead(dst, moreFlag(more), len(body)), body...) })
	return dst
}

// Frames implements [wire.Multipart].
func (f framing) Frames(encoded []byte) (frames [][]byte) {
	envelope := hasEnvelope(f.local)
	for len(encoded) > 0 {
		h, _ := parseHead(encoded)
		end := h.len + int(h.size)
		if !envelope {
			frames = append(frames, encoded[h.len:end:end])
		}
		envelope = envelope && h.size > 0
		encoded = encoded[end:]
	}
	return frames
}

// appendEnvelope appends the frames that a message's header stands for, and the empty one.
func (f framing) appendEnvelope(dst, header []byte) []byte {
	var room [128]byte
	r := readEnvelope(f.local, header, room[:0])
	for part := r.next(); part != nil; part = r.next() {
		dst = appendFrame(dst, flagMore, part)
	}
	return appendHead(dst, flagMore, 0)
}

// AppendControl implements [wire.Commander].
func (f framing) AppendControl(dst []byte, c wire.Control) []byte {
	if prefix, ok := f.asMessage(c.Kind); ok {
		return append(append(appendHead(dst, 0, 1+len(c.Data)), prefix), c.Data...)
	}
	body := appendControlBody(nil, c)
	if f.legacy || len(body) == 0 {
		return dst
	}
	return appendFrame(dst, flagCommand, body)
}

// asMessage returns the byte that makes a message a subscription, for peers older than the command.
func (f framing) asMessage(k wire.ControlKind) (prefix byte, ok bool) {
	if f.minor > 0 {
		return 0, false
	}
	switch k {
	case wire.ControlSubscribe:
		return 1, true
	case wire.ControlCancel:
		return 0, true
	default:
		return 0, false
	}
}

func moreFlag(more bool) byte {
	if more {
		return flagMore
	}
	return 0
}

func forEachFrame(m *msg.Message, do func(body []byte, more bool)) {
	var last []byte
	for i, f := range m.Frames() {
		if i > 0 {
			do(last, true)
		}
		last = f
	}
	do(last, false)
}

// A sealedFraming encodes frames for one CURVE connection. Its nonces count up with each.
type sealedFraming struct {
	framing
	seal *sealer
}

// AppendFrame implements [wire.Framing].
func (f *sealedFraming) AppendFrame(dst, header, body []byte) []byte {
	return f.seal.append(f.withEnvelope(dst, header), 0, body)
}

// AppendHead appends nothing: a sealed body cannot be written from where it is, which [wire.Session] says.
func (f *sealedFraming) AppendHead(dst, _ []byte, _ int) []byte { return dst }

// AppendMessage implements [wire.Multipart].
func (f *sealedFraming) AppendMessage(dst, header []byte, m *msg.Message) []byte {
	dst = f.withEnvelope(dst, header)
	forEachFrame(m, func(body []byte, more bool) { dst = f.seal.append(dst, moreFlag(more), body) })
	return dst
}

// AppendControl implements [wire.Commander].
func (f *sealedFraming) AppendControl(dst []byte, c wire.Control) []byte {
	if prefix, ok := f.asMessage(c.Kind); ok {
		return f.seal.append(dst, 0, append([]byte{prefix}, c.Data...))
	}
	if body := appendControlBody(nil, c); len(body) > 0 {
		return f.seal.append(dst, sealedCommand, body)
	}
	return dst
}

// withEnvelope appends the envelope for a routing header, before the first frame of a message.
func (f *sealedFraming) withEnvelope(dst, header []byte) []byte {
	if !hasEnvelope(f.local) {
		return dst
	}
	var room [128]byte
	r := readEnvelope(f.local, header, room[:0])
	for part := r.next(); part != nil; part = r.next() {
		dst = f.seal.append(dst, sealedMore, part)
	}
	return f.seal.append(dst, sealedMore, nil)
}
