// SPDX-License-Identifier: MIT

package zmtp

import (
	"bytes"
	"slices"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// maxCommand bounds commands, whatever the limit of messages is.
const maxCommand = 64 << 10

// A decoder takes messages and commands out of a stream. Of a message whose frames are not all there it
// remembers how far it has looked, so that a peer who sends many small ones costs no more than they are.
type decoder struct {
	local  Socket
	limit  uint64 // bytes of a message, over all frames
	frames int    // frames of a message
	open   *opener
	handle func(wire.Control)

	parts [][]byte // frames of the message that is being opened; CURVE only
	seen  int      // bytes of the message that were looked at
	count int      // frames in these
	total uint64   // bytes in these frames
}

// OnControl implements [wire.Controlled].
func (d *decoder) OnControl(handle func(wire.Control)) { d.handle = handle }

// Decode implements [wire.Decoder].
func (d *decoder) Decode(data []byte, b *msg.Batch) (n, need int, err error) {
	for !b.Full() {
		rest := data[n:]
		used, more, err := d.message(rest, b)
		if err != nil || used == 0 {
			return n, more, err
		}
		n += used
	}
	return n, 0, nil
}

// message takes one message, or one command before it, off the front. Used is 0 if it is not whole.
func (d *decoder) message(rest []byte, b *msg.Batch) (used, need int, err error) {
	for {
		at := rest[d.seen:]
		h, more := parseHead(at)
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
		flags, body := h.flags, at[h.len:end:end]
		if d.open != nil {
			if flags, body, err = d.unseal(body); err != nil {
				return 0, 0, err
			}
		}
		d.seen += end
		if flags&flagCommand != 0 {
			if err := d.command(body); err != nil {
				return 0, 0, err
			}
			if d.count > 0 {
				continue // between the frames of a message
			}
			used, d.seen = d.seen, 0
			return used, 0, nil
		}
		d.count++
		d.total += uint64(len(body))
		follows := flags&flagMore != 0
		if d.open != nil {
			d.keep(body, follows)
		}
		if follows {
			continue
		}
		used = d.seen
		d.deliver(rest[:used], body, b)
		d.seen, d.count, d.total, d.parts = 0, 0, 0, nil
		return used, 0, nil
	}
}

// check judges a frame before its body is there.
func (d *decoder) check(h frameHead) error {
	limit := d.limit - d.total
	if d.open != nil {
		limit = max(limit, maxCommand) + uint64(overhead)
	}
	switch {
	case h.flags&flagCommand != 0 && d.open == nil:
		if h.size > maxCommand {
			return wire.Errorf(wire.ReasonOversize, "peer announced a command of %d bytes and at most %d are taken: send less", h.size, maxCommand)
		}
		return checkCommandFlags(h.flags)
	case h.size > limit:
		return d.oversize(h.size)
	case d.count == d.frames:
		return wire.Errorf(wire.ReasonOversize, "peer sent a message of more than %d frames: send fewer, or larger ones", d.frames)
	}
	return nil
}

func (d *decoder) oversize(size uint64) error {
	return wire.Errorf(wire.ReasonOversize,
		"peer announced a frame of %d bytes after %d of its message and at most %d are taken together: raise MaxMessageSize here, or send less",
		size, d.total, d.limit)
}

// unseal opens a frame in place and translates its flags.
func (d *decoder) unseal(sealed []byte) (flags byte, body []byte, err error) {
	inner, body, err := d.open.open(sealed)
	if err != nil {
		return 0, nil, err
	}
	if inner&sealedCommand != 0 {
		return flagCommand, body, nil
	}
	if uint64(len(body)) > d.limit-d.total {
		return 0, nil, d.oversize(uint64(len(body)))
	}
	return inner & sealedMore, body, nil
}

// keep remembers an opened frame. One that is followed by others is copied, for they may come with another
// chunk, and it cannot be opened again.
func (d *decoder) keep(body []byte, follows bool) {
	if follows {
		body = slices.Clip(bytes.Clone(body))
	}
	d.parts = append(d.parts, body)
}

// command hands on what the local socket has a use for.
func (d *decoder) command(body []byte) error {
	c, ok, err := parseControl(body)
	if err == nil && ok && d.wants(c.Kind) {
		d.emit(c)
	}
	return err
}

func (d *decoder) wants(k wire.ControlKind) bool {
	switch k {
	case wire.ControlSubscribe, wire.ControlCancel:
		return d.local == Pub || d.local == XPub
	case wire.ControlJoin, wire.ControlLeave:
		return d.local == Radio
	default:
		return true
	}
}

func (d *decoder) emit(c wire.Control) {
	if d.handle != nil {
		d.handle(c)
	}
}

// deliver adds a whole message to the batch, or makes an event of it.
func (d *decoder) deliver(whole, last []byte, b *msg.Batch) {
	if d.count == 1 && d.subscription(last) {
		return
	}
	switch {
	case d.local == Pub:
		d.emit(wire.Control{Kind: wire.ControlDropped})
	case d.local == Rep:
		d.deliverRequest(d.framesOf(whole), b)
	case d.count == 1:
		b.Add(last[:len(last):len(last)], 0)
	default:
		addFrames(b, nil, d.framesOf(whole))
	}
}

// subscription takes the subscriptions that peers older than the command send as messages.
func (d *decoder) subscription(body []byte) bool {
	if !d.wants(wire.ControlSubscribe) || len(body) == 0 || body[0] > 1 {
		return false
	}
	kind := wire.ControlCancel
	if body[0] == 1 {
		kind = wire.ControlSubscribe
	}
	d.emit(wire.Control{Kind: kind, Data: body[1:]})
	return true
}

// framesOf collects the frames of a whole message.
func (d *decoder) framesOf(whole []byte) [][]byte {
	if d.open != nil {
		return d.parts
	}
	frames := make([][]byte, 0, d.count)
	for len(whole) > 0 {
		h, _ := parseHead(whole)
		end := h.len + int(h.size)
		if h.flags&flagCommand == 0 {
			frames = append(frames, whole[h.len:end:end])
		}
		whole = whole[end:]
	}
	return frames
}

// deliverRequest adds a request, with the frames up to the first empty one as its header.
func (d *decoder) deliverRequest(frames [][]byte, b *msg.Batch) {
	var header []byte
	for i, f := range frames[:len(frames)-1] {
		header = appendFrame(header, flagMore, f)
		if len(f) == 0 {
			addFrames(b, header, frames[i+1:])
			return
		}
	}
	d.emit(wire.Control{Kind: wire.ControlDropped})
}

func addFrames(b *msg.Batch, header []byte, frames [][]byte) {
	b.Add(frames[0], 0)
	m := &b.Msgs[len(b.Msgs)-1]
	if header != nil {
		m.SetHeader(header)
	}
	for _, f := range frames[1:] {
		m.AppendFrame(f)
	}
}
