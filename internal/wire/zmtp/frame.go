// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

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

// appendHead appends the bytes before a frame's body.
func appendHead(dst []byte, flags byte, size int) []byte {
	if size <= maxShort {
		return append(dst, flags, byte(size))
	}
	return binary.BigEndian.AppendUint64(append(dst, flags|flagLong), uint64(size))
}

func appendFrame(dst []byte, flags byte, body []byte) []byte {
	return append(appendHead(dst, flags, len(body)), body...)
}

// A frameHead is the bytes before a frame's body.
type frameHead struct {
	flags byte
	len   int
	size  uint64
}

// parseHead reads the head of a frame. If it is not whole, need is how many bytes it takes at least.
func parseHead(data []byte) (h frameHead, need int) {
	switch {
	case len(data) < shortHead:
		return h, shortHead
	case data[0]&flagLong == 0:
		return frameHead{flags: data[0], len: shortHead, size: uint64(data[1])}, 0
	case len(data) < longHead:
		return h, longHead
	}
	return frameHead{flags: data[0], len: longHead, size: binary.BigEndian.Uint64(data[1:])}, 0
}

// parseTolerantHead is parseHead, and knows the frames that libzmq up to 4.3.4 sends for subscriptions to topics of
// 246 to 255 bytes: commands with a long size that are not flagged as long. Their first two bytes look like a command
// of size 0, which does not exist.
func parseTolerantHead(data []byte) (h frameHead, need int) {
	if len(data) < shortHead || data[0] != flagCommand || data[1] != 0 {
		return parseHead(data)
	}
	if len(data) < longHead {
		return h, longHead
	}
	if size := binary.BigEndian.Uint64(data[1:]); size > maxShort && size <= maxShort+uint64(1+len(nameSubscribe)) {
		return frameHead{flags: flagCommand, len: longHead, size: size}, 0
	}
	return parseHead(data)
}

// checkCommandFlags refuses a command that says that more frames follow.
func checkCommandFlags(flags byte) error {
	if flags&flagMore != 0 {
		return wire.Errorf(reasons.FrameType, "peer sent a command in several frames, flags 0x%02x: check its framing", flags)
	}
	return nil
}
