// SPDX-License-Identifier: MIT

package sp

import (
	"encoding/binary"

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
