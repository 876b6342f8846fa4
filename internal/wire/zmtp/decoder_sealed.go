// SPDX-License-Identifier: MIT

package zmtp

import (
	"bytes"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// A sealedDecoder takes messages and commands out of a stream that is sealed by CURVE. Frames are opened in place, each
// once and as soon as it is there.
type sealedDecoder struct {
	receiver
	open *opener

	parts [][]byte // frames of the message that has begun; copies, for they may come in other memory than its end
	total uint64   // bytes in these
}

// Decode implements [wire.Decoder].
func (d *sealedDecoder) Decode(data []byte, b *msg.Batch) (n, need int, err error) {
	for !b.Full() && n < len(data) {
		rest := data[n:]
		h, more := parseHead(rest)
		if more > 0 {
			return n, more, nil
		}
		if h.size > max(d.limit-d.total, maxCommand)+uint64(overhead) { // only the decrypted frame shows whether it is a command
			return n, 0, d.admit(h.size, len(d.parts), d.total)
		}
		end := h.len + int(h.size)
		if len(rest) < end {
			return n, end, nil
		}
		if err := d.frame(rest[:end:end], h.len, b); err != nil {
			return n, 0, err
		}
		n += end
	}
	return n, 0, nil
}

// frame decrypts one frame and, if it is the last of a message, delivers the message. Some peers flag encrypted frames as
// commands, as in the specification's text; libzmq does not. Both are accepted.
func (d *sealedDecoder) frame(frame []byte, head int, b *msg.Batch) error {
	if frame[0]&flagMore != 0 {
		return wire.Errorf(reasons.FrameType, "peer sent a sealed frame with flags 0x%02x, which belong inside: check its version of CURVE", frame[0])
	}
	flags, body, err := d.open.open(frame[head:])
	if err != nil {
		return err
	}
	if flags&sealedCommand != 0 {
		if flags&sealedMore != 0 {
			return wire.Errorf(reasons.FrameType, "peer sealed a command in several frames, flags 0x%02x: check its framing", flags)
		}
		if len(body) > maxCommand {
			return wire.Errorf(reasons.Oversize, "peer sent a command of %d bytes and at most %d are taken: send less", len(body), maxCommand)
		}
		return d.command(body)
	}
	if err := d.admit(uint64(len(body)), len(d.parts), d.total); err != nil {
		return err
	}
	if flags&sealedMore != 0 {
		d.total += uint64(len(body))
		d.parts = append(d.parts, bytes.Clone(body))
		return nil
	}
	d.parts = append(d.parts, body)
	err = d.deliver(frame, d.parts, b)
	clear(d.parts)
	d.parts, d.total = d.parts[:0], 0
	if cap(d.parts) > keepParts {
		d.parts = nil
	}
	return err
}
