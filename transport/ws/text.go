// SPDX-License-Identifier: MIT

package ws

import (
	"fmt"
	"math"
	"net/url"
	"unicode/utf8"

	"github.com/sprymq/spry/internal/textform"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

// A format is what messages are in a link.
type format uint8

const (
	binary format = iota
	text          // a body without its routing header
	object        // an object of JSON, with both
)

var formats = [...]string{"binary", "text", "json"}

func (f format) String() string { return formats[f] }

// kind is the kind of frames that messages are in.
func (f format) kind() wsframe.Opcode {
	if f == binary {
		return wsframe.Binary
	}
	return wsframe.Text
}

// suits reports whether a socket can use the format. One that asks needs the id in each answer.
func (f format) suits(o transport.Offer) bool { return f != text || !textform.Asks(o.Protocol) }

const noAnswers = "an answer as text cannot say which question it is for: use ?format=json on connections of req and surveyor sockets"

func parseFormat(name string) (format, error) {
	for f, known := range formats {
		if name == known || name == "" {
			return format(f), nil
		}
	}
	return binary, fmt.Errorf("there is no format %.20q: it is text, json or binary", name)
}

// formatOf is the format that the parameters of a URL name.
func formatOf(query string) (f format, named bool, err error) {
	if query == "" {
		return binary, false, nil
	}
	values, _ := url.ParseQuery(query) // the rest is not ours
	if named = values.Has("format"); named {
		f, err = parseFormat(values.Get("format"))
	}
	return f, named, err
}

// texts is what a link with text needs besides.
type texts struct {
	envelope textform.Envelope // of its messages
	limit    int64             // of a message with its header; 0 = none
	lastID   uint32            // of a question that came without one
}

// longest is how many times longer the object of a message may be than the message, if each byte is escaped. The rest is for
// its other fields.
const (
	longest     = 6
	otherFields = 8 << 10
)

// beginText is begin for a link with text.
func (k *link) beginText(o transport.Offer) {
	k.texts = texts{envelope: textform.EnvelopeOf(o.Protocol), limit: o.MaxMessage}
	switch s := &k.reader.sequence; {
	case s.Limit <= 0:
	case k.format == text:
		s.Limit = max(s.Limit-int64(textform.HeaderLen(k.texts.envelope)), 1)
	case s.Limit < math.MaxInt64/longest-otherFields:
		s.Limit = longest*s.Limit + otherFields
	default:
		s.Limit = 0
	}
}

// readText is ReadMessages of a link with text. It reads one message into memory with room for a header before it.
func (k *link) readText(dst [][]byte, alloc func(have []byte, size int) []byte) (n int, err error) {
	var whole []byte
	room := textform.HeaderLen(k.texts.envelope)
	n, err = k.reader.read(dst[:1], func(have []byte, size int) []byte {
		if have == nil {
			whole = alloc(nil, room+size)
		} else {
			whole = alloc(whole[:room+len(have)], room+size)
		}
		return whole[room:]
	})
	if n == 0 {
		return 0, err
	}
	payload := dst[0]
	if !utf8.Valid(payload) {
		return 0, k.unreadable("text that is not UTF-8")
	}
	m := textform.Message{Frames: [][]byte{payload}}
	if k.format == object {
		if m, err = textform.Parse(payload); err != nil {
			return 0, k.unreadable("text that is no message: " + err.Error())
		}
		if len(m.Frames) != 1 {
			return 0, k.unreadable("a message of several frames, which the Scalability Protocols have no place for")
		}
	}
	k.texts.lastID = (k.texts.lastID + 1) &^ (1 << 31)
	header, herr := m.Append(make([]byte, 0, textform.HeaderLen(k.texts.envelope)), k.texts.envelope, k.texts.lastID)
	if herr != nil {
		return 0, k.unreadable("text that is no message: " + herr.Error())
	}
	size := len(header) + len(m.Frames[0])
	if k.texts.limit > 0 && int64(size) > k.texts.limit {
		return 0, k.fail(&wsframe.ProtocolError{Code: wsframe.StatusTooLarge, Reason: fmt.Sprintf("a message of %d bytes, where at most %d are allowed", size, k.texts.limit)})
	}
	if size > len(whole) {
		whole = alloc(whole, size)
	}
	copy(whole, header)
	copy(whole[len(header):], m.Frames[0])
	dst[0] = whole[:size]
	return 1, nil
}

func (k *link) unreadable(reason string) error {
	return k.fail(&wsframe.ProtocolError{Code: wsframe.StatusInvalidData, Reason: reason})
}

// toText makes packets of text out of messages.
func (k *link) toText(ps []transport.Packet) ([]transport.Packet, error) {
	texts := make([]transport.Packet, 0, len(ps))
	for _, p := range ps {
		if k.format == object {
			body, err := textform.AppendObject(nil, k.texts.envelope, p.Header, p.Body)
			if err != nil {
				return nil, err
			}
			p.Body = body
		}
		texts = append(texts, transport.Packet{Body: p.Body})
	}
	return texts, nil
}
