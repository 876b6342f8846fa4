// SPDX-License-Identifier: MIT

package stream

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/sprymq/spry/internal/wsframe"
)

const (
	// largestFragment is the largest payload that is sent in one frame: NNG takes none above 1 MiB.
	largestFragment = 64 << 10

	// maxEmptyFrames is how many frames of a message may be empty. Each costs time, and a message no memory.
	maxEmptyFrames = 1000
)

// A webSocket is the framing of WebSocket, as a [Framer].
type webSocket struct {
	client   bool
	kind     wsframe.Opcode // of messages
	sequence wsframe.Sequence
	message  []byte // whose further fragments are to come
	empty    int    // fragments of it without bytes
	due      answer // a control frame
}

// Read implements [Framer]. After a control frame that needs an answer it returns errAnswer.
func (w *webSocket) Read(ctx context.Context, below *Bytes, _ int) ([]byte, error) {
	for {
		h, err := w.header(ctx, below)
		if err == nil {
			_, err = w.sequence.Next(h)
		}
		if err == nil && !h.Opcode.IsControl() && h.Opcode != wsframe.Continuation && h.Opcode != w.kind {
			err = &wsframe.ProtocolError{Code: wsframe.StatusUnsupported, Reason: "a message of another kind, text or binary"}
		}
		if err != nil {
			return nil, w.refuse(err)
		}
		payload, err := readBody(ctx, below, int(h.Length)) // not above the limit of the sequence
		if err != nil {
			return nil, err
		}
		if h.Masked {
			wsframe.Mask(h.Key, 0, payload)
		}
		if h.Opcode.IsControl() {
			if err := w.control(h.Opcode, payload); err != nil {
				return nil, err
			}
			continue
		}
		if w.empty++; len(payload) > 0 {
			w.empty--
		}
		if w.empty > maxEmptyFrames {
			return nil, w.refuse(&wsframe.ProtocolError{Code: wsframe.StatusPolicy, Reason: "too many empty frames in one message"})
		}
		if w.message = append(w.message, payload...); !h.Final {
			continue
		}
		m := w.message
		if w.message, w.empty = nil, 0; m == nil {
			m = payload
		}
		if w.kind == wsframe.Text && !utf8.Valid(m) {
			return nil, w.refuse(&wsframe.ProtocolError{Code: wsframe.StatusInvalidData, Reason: "text that is not UTF-8"})
		}
		return m, nil
	}
}

// header reads the header of a frame.
func (w *webSocket) header(ctx context.Context, below *Bytes) (h wsframe.Header, err error) {
	for size := 2; ; {
		head, err := below.Peek(ctx, size)
		if err != nil {
			return h, noEnd(err)
		}
		h, n, err := wsframe.ParseHeader(head, !w.client)
		if err == nil && n == 0 {
			size++
			continue
		}
		if err == nil {
			err = below.Discard(ctx, n)
		}
		return h, err
	}
}

// control takes a control frame.
func (w *webSocket) control(op wsframe.Opcode, payload []byte) error {
	switch op {
	case wsframe.Ping:
		w.due = answer{bytes: w.appendControl(nil, wsframe.Pong, payload)} // the latest of many
		return errAnswer
	case wsframe.Close:
		code, reason, err := wsframe.ParseClose(payload)
		switch {
		case err != nil:
			return w.refuse(err)
		case code != wsframe.StatusNormal && code != wsframe.StatusGoingAway && code != wsframe.StatusNone:
			return fmt.Errorf("the peer ended the WebSocket with status %d and said %q", code, reason)
		}
		return io.EOF
	}
	return nil
}

// refuse has a close frame sent that says how the peer broke the protocol.
func (w *webSocket) refuse(err error) error {
	breach, ok := errors.AsType[*wsframe.ProtocolError](err)
	if !ok {
		return err
	}
	w.due = answer{w.appendControl(nil, wsframe.Close, wsframe.AppendClose(nil, breach.Code, breach.Reason)), true}
	if breach.Code == wsframe.StatusTooLarge {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// answer takes the control frame that is to be sent.
func (w *webSocket) answer() answer {
	due := w.due
	w.due = answer{}
	return due
}

// Append implements [Framer].
func (w *webSocket) Append(buffers [][]byte, message []byte) ([][]byte, error) {
	if w.kind == wsframe.Text && !utf8.Valid(message) {
		return buffers, errors.New("the message is not UTF-8, and the WebSocket has text")
	}
	h := wsframe.Header{Opcode: w.kind, Masked: w.client}
	for {
		n := min(len(message), largestFragment)
		h.Length, h.Final = int64(n), n == len(message)
		payload := message[:n]
		if w.client {
			_, _ = rand.Read(h.Key[:])
			payload = bytes.Clone(payload)
			wsframe.Mask(h.Key, 0, payload)
		}
		buffers = append(buffers, wsframe.AppendHeader(nil, h), payload)
		if message = message[n:]; h.Final {
			return buffers, nil
		}
		h.Opcode = wsframe.Continuation
	}
}

// End implements [Framer].
func (w *webSocket) End() []byte {
	return w.appendControl(nil, wsframe.Close, wsframe.AppendClose(nil, wsframe.StatusNormal, ""))
}

func (w *webSocket) appendControl(dst []byte, op wsframe.Opcode, payload []byte) []byte {
	h := wsframe.Header{Opcode: op, Final: true, Masked: w.client, Length: int64(len(payload))}
	if w.client {
		_, _ = rand.Read(h.Key[:])
	}
	dst = append(wsframe.AppendHeader(dst, h), payload...)
	if w.client {
		wsframe.Mask(h.Key, 0, dst[len(dst)-len(payload):])
	}
	return dst
}
