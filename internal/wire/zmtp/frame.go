// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/wire"
)

// The flags of a frame; the other bits are reserved and ignored.
const (
	flagMore    = 1 << 0
	flagLong    = 1 << 1
	flagCommand = 1 << 2
)

const (
	shortHead = 2
	longHead  = 9
	maxShort  = 255
)

// appendHead appends what goes before a frame's body.
func appendHead(dst []byte, flags byte, size int) []byte {
	if size <= maxShort {
		return append(dst, flags, byte(size))
	}
	return binary.BigEndian.AppendUint64(append(dst, flags|flagLong), uint64(size))
}

func appendFrame(dst []byte, flags byte, body []byte) []byte {
	return append(appendHead(dst, flags, len(body)), body...)
}

// A frameHead is what goes before a frame's body. len is 0 while not enough of it is there.
type frameHead struct {
	flags byte
	len   int
	size  uint64
}

// parseHead reads the head of a frame. If it is not whole, need is how many bytes it takes at least.
func parseHead(data []byte) (h frameHead, need int) {
	if len(data) < shortHead {
		return h, shortHead
	}
	h.flags = data[0]
	if h.flags&flagLong == 0 && !longInDisguise(data) {
		h.len, h.size = shortHead, uint64(data[1])
		return h, 0
	}
	if len(data) < longHead {
		return h, longHead
	}
	h.size = binary.BigEndian.Uint64(data[1:])
	h.len = longHead
	if h.flags&flagLong == 0 && !disguisedSize(h.size) {
		h.len, h.size = shortHead, 0
	}
	return h, 0
}

// longInDisguise reports whether a frame may be one of those that libzmq up to 4.3.4 sends for subscriptions
// to topics of 246 to 255 bytes: a command with a long size that is not flagged as long. A command of size 0,
// which it looks like, does not exist.
func longInDisguise(data []byte) bool { return data[0] == flagCommand && data[1] == 0 }

// disguisedSize tells the sizes that such a frame can have.
func disguisedSize(size uint64) bool {
	return size > maxShort && size <= maxShort+uint64(len("\x09SUBSCRIBE"))
}

// checkCommandFlags refuses a command that says that more frames follow.
func checkCommandFlags(flags byte) error {
	if flags&flagMore != 0 {
		return wire.Errorf(wire.ReasonFrameType, "peer sent a command in several frames, flags 0x%02x: check its framing", flags)
	}
	return nil
}
