// SPDX-License-Identifier: MIT

package sendqueue

import (
	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/wire"
)

// A FrameLog encodes each message of a fan-out once for all pipes with the same framing. Its frames are contiguous in memory
// that the pipes share, so a pipe's queue is a few segments of the log, for any number of messages. Separate queues of many
// pipes would exceed the processor's cache. It is used under the pattern's lock.
type FrameLog struct {
	header, body []byte
	dialects     []frameLog
}

// A frameLog is the frames of one framing.
type frameLog struct {
	framing wire.Framing
	chunk   *buf.Chunk
	used    int         // bytes of the chunk
	frame   sharedFrame // of the current message
	encoded bool        // it is
}

// A sharedFrame is a frame in a chunk: the bytes between from and to. The first before of them precede the body.
type sharedFrame struct {
	chunk            *buf.Chunk
	from, to, before int
}

// Begin says what message the next offers are of.
func (l *FrameLog) Begin(header, body []byte) {
	l.header, l.body = header, body
	for i := range l.dialects {
		l.dialects[i].encoded = false
	}
}

// frame returns the message's frame.
func (l *FrameLog) frame(f wire.Framing) sharedFrame {
	for i := range l.dialects {
		if d := &l.dialects[i]; d.framing == f {
			if !d.encoded {
				d.encode(l.header, l.body)
			}
			return d.frame
		}
	}
	l.dialects = append(l.dialects, frameLog{framing: f})
	return l.frame(f)
}

func (d *frameLog) encode(header, body []byte) {
	n := headRoom(header) + len(body)
	if d.chunk == nil || n > len(d.chunk.Data)-d.used {
		size := smallBlock
		if d.chunk != nil {
			size = largeBlock
			d.chunk.Release(1)
		}
		d.chunk, d.used = buf.NewChunk(max(size, n)), 0
	}
	end := len(d.framing.AppendFrame(d.chunk.Data[:d.used], header, body))
	d.frame = sharedFrame{d.chunk, d.used, end, end - d.used - len(body)}
	d.used, d.encoded = end, true
}
