// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// A decoder decodes messages and commands of an unencrypted stream. For an incomplete message it remembers its position, so
// that many small frames are not read again and again.
type decoder struct {
	receiver
	plain bool // messages of one frame are for the socket as they are
	brief bool // and this, in an envelope

	seen     int      // bytes of the message that were read
	count    int      // frames in these
	total    uint64   // bytes in these frames
	commands int      // bytes of commands among these
	parts    [][]byte // frames of the current message, when it is whole
}

func newDecoder(r receiver) *decoder {
	return &decoder{receiver: r, plain: r.direct(), brief: hasEnvelope(r.local) && r.ttl > 0 && r.frames > 2}
}

// Decode implements [wire.Decoder]. Small messages of one frame are frequent and decoded without a call.
func (d *decoder) Decode(data []byte, b *msg.Batch) (n, need int, err error) {
	for !b.Full() {
		rest := data[n:]
		if d.plain && d.seen == 0 && len(rest) >= shortHead && rest[0] == 0 && uint64(rest[1]) <= d.limit {
			end := shortHead + int(rest[1])
			if len(rest) < end {
				return n, end, nil
			}
			b.Add(rest[shortHead:end:end], 0)
			n += end
			continue
		}
		used, more := d.usual(rest, b)
		if used == 0 && more == 0 {
			used, more, err = d.message(rest, b)
		}
		if err != nil || used == 0 {
			return n, more, err
		}
		n += used
	}
	return n, 0, nil
}

// usual decodes the most frequent messages directly: those of one frame, or of one frame in an envelope that has an id or
// nothing. Both results are 0 for others.
func (d *decoder) usual(rest []byte, b *msg.Batch) (used, need int) {
	at := 0
	switch {
	case d.seen > 0:
		return 0, 0
	case d.brief:
		at = briefEnvelope(rest)
	case !d.plain:
		return 0, 0
	}
	if at < 0 || len(rest) < at+longHead || rest[at]&^flagLong != 0 {
		return 0, 0
	}
	body, size := at+shortHead, uint64(rest[at+1])
	if rest[at] == flagLong {
		body, size = at+longHead, binary.BigEndian.Uint64(rest[at+1:])
	}
	if size > d.limit || size+uint64(at) > d.limit {
		return 0, 0 // or very near
	}
	end := body + int(size)
	if len(rest) < end {
		return 0, end
	}
	head := 0
	switch {
	case at == withID:
		head = copy(rest[body-wordLen:body], rest[shortHead:])
	case at == withoutID && d.local == Rep:
		head = wordLen
		binary.BigEndian.PutUint32(rest[body-head:], packedID)
	}
	b.Add(rest[body-head:end:end], head)
	return end, 0
}

// message takes one message, or one command before it, off the front. Used is 0 if it is not whole.
func (d *decoder) message(rest []byte, b *msg.Batch) (used, need int, err error) {
	for {
		at := rest[d.seen:]
		h, more := parseTolerantHead(at)
		if more > 0 {
			if len(rest) == 0 {
				return 0, 0, nil
			}
			return 0, d.seen + more, nil
		}
		if err := d.check(h); err != nil {
			return 0, 0, err
		}
		end := h.len + int(h.size)
		if len(at) < end {
			return 0, d.seen + end, nil
		}
		d.seen += end
		if h.flags&flagCommand != 0 {
			if err := d.command(at[h.len:end]); err != nil {
				return 0, 0, err
			}
			if d.count > 0 {
				d.commands += end
				continue // between the frames of a message
			}
			used, d.seen = d.seen, 0
			return used, 0, nil
		}
		d.count++
		d.total += h.size
		if h.flags&flagMore != 0 {
			continue
		}
		used = d.seen
		frames := d.split(rest[:used])
		err := d.deliver(rest[:used], frames, b)
		clear(frames) // or their memory could not be freed
		d.seen, d.count, d.total, d.commands = 0, 0, 0, 0
		return used, 0, err
	}
}

// check judges a frame before its body is there.
func (d *decoder) check(h frameHead) error {
	if h.flags&flagCommand == 0 {
		return d.admit(h.size, d.count, d.total)
	}
	if h.size > maxCommand || d.commands > maxCommand {
		return wire.Errorf(reasons.Oversize,
			"peer announced a command of %d bytes after %d of them within a message, and at most %d are taken: send less",
			h.size, d.commands, maxCommand)
	}
	return checkCommandFlags(h.flags)
}

// split returns the frames of a whole message. They are valid until the next call.
func (d *decoder) split(whole []byte) [][]byte {
	if cap(d.parts) < d.count || cap(d.parts) > keepParts {
		d.parts = make([][]byte, 0, d.count)
	}
	d.parts = d.parts[:0]
	for len(whole) > 0 {
		h, _ := parseTolerantHead(whole)
		end := h.len + int(h.size)
		if h.flags&flagCommand == 0 {
			d.parts = append(d.parts, whole[h.len:end:end])
		}
		whole = whole[end:]
	}
	return d.parts
}

// keepParts is the most frames that a decoder keeps room for.
const keepParts = 64
