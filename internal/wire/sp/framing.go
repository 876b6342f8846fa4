// SPDX-License-Identifier: MIT

package sp

import (
	"encoding/binary"
	"math"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Framing encodes frames for one kind of stream; it implements [wire.Framing]. A frame holds the routing
// header and the body, one after the other, and nothing in it depends on the protocol.
type Framing transport.Framing

// The framings of streams.
const (
	FramingLength = Framing(transport.FramingLength) // an 8-byte length: tcp, tls+tcp
	FramingTyped  = Framing(transport.FramingTyped)  // a type byte, then the length: ipc
)

// frameType is the only type of frame that ipc has: a message, whole and in band.
const frameType = 1

const lengthLen = 8

// AppendFrame implements [wire.Framing].
func (f Framing) AppendFrame(dst, header, body []byte) []byte {
	return append(f.AppendHead(dst, header, len(body)), body...)
}

// AppendHead implements [wire.Framing].
func (f Framing) AppendHead(dst, header []byte, body int) []byte {
	if f == FramingTyped {
		dst = append(dst, frameType)
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(header)+body))
	return append(dst, header...)
}

// prefixLen is how many bytes of a frame come before the message.
func (f Framing) prefixLen() int {
	if f == FramingTyped {
		return 1 + lengthLen
	}
	return lengthLen
}

// maxLength is the longest message that a frame may announce, whatever the limit of the socket.
const maxLength = 1<<60 - 1

// A decoder decodes messages of a stream. It has no state but its settings: an incomplete frame is read again when more of
// it has arrived.
type decoder struct {
	limit     uint64 // longest message
	prefix    int    // bytes of a frame before the message
	typed     bool   // the first of these is a type
	enveloped bool   // messages have a routing header
	splitter  splitter
}

func newDecoder(c wire.Config, split splitter) *decoder {
	f := Framing(c.Framing)
	d := &decoder{
		limit:     maxLength,
		prefix:    f.prefixLen(),
		typed:     f == FramingTyped,
		enveloped: split.envelope != wire.EnvelopeNone,
		splitter:  split,
	}
	if c.MaxMessage > 0 {
		d.limit = min(d.limit, uint64(c.MaxMessage))
	}
	d.limit = min(d.limit, uint64(math.MaxInt-d.prefix)) // the limit of a 32-bit machine
	return d
}

// Decode implements [wire.Decoder]. It allocates nothing: messages are slices of data.
func (d *decoder) Decode(data []byte, b *msg.Batch) (n, need int, err error) {
	for n < len(data) && !b.Full() {
		rest := data[n:]
		if len(rest) < d.prefix {
			need, err = d.startOfFrame(rest)
			return n, need, err
		}
		length := binary.BigEndian.Uint64(rest[d.prefix-lengthLen:])
		if length > d.limit || d.typed && rest[0] != frameType {
			return n, 0, d.badFrame(rest[0], length)
		}
		end := d.prefix + int(length)
		if len(rest) < end {
			return n, end, nil
		}
		message := rest[d.prefix:end:end]
		head := 0
		if d.enveloped {
			var expired bool
			head, expired, err = d.splitter.Split(message)
			if err != nil {
				return n, 0, err
			}
			if expired {
				b.Expired++
				n += end
				continue
			}
		}
		b.Add(message, head)
		n += end
	}
	return n, 0, nil
}

// startOfFrame returns the minimum length of data, if a frame has begun and its length is not known yet.
func (d *decoder) startOfFrame(rest []byte) (need int, err error) {
	if d.typed && rest[0] != frameType {
		return 0, d.badFrame(rest[0], 0)
	}
	return d.prefix, nil
}

// badFrame describes the fault in the bytes before a message.
func (d *decoder) badFrame(first byte, length uint64) error {
	if d.typed && first != frameType {
		return wire.Errorf(reasons.FrameType,
			"peer sent a frame of type 0x%02x and only type 0x%02x is known: check that both ends use ipc://",
			first, frameType)
	}
	return wire.Errorf(reasons.Oversize,
		"peer announced a message of %d bytes and at most %d are taken: raise MaxMessageSize here, or send less",
		length, d.limit)
}
