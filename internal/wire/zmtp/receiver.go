// SPDX-License-Identifier: MIT

package zmtp

import (
	"bytes"
	"math"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// The limits of a session without configured ones.
const (
	defaultFrames = 4096
	maxLength     = 1<<60 - 1
)

// maxCommand bounds commands, whatever the limit of messages is.
const maxCommand = 64 << 10

// A receiver turns frames into messages and control events for the local socket.
type receiver struct {
	local  Socket
	limit  uint64 // bytes of a message, over all frames
	frames int    // frames of a message
	ttl    int    // frames of an envelope
	handle func(wire.Control)
}

func newReceiver(c wire.Config, local Socket) receiver {
	r := receiver{local: local, limit: min(maxLength, math.MaxInt/2), frames: defaultFrames, ttl: c.TTL}
	if c.MaxMessage > 0 {
		r.limit = min(r.limit, uint64(c.MaxMessage))
	}
	if c.MaxFrames > 0 {
		r.frames = c.MaxFrames
	}
	return r
}

// OnControl implements [wire.Controlled].
func (r *receiver) OnControl(handle func(wire.Control)) { r.handle = handle }

// direct reports whether every message of one frame is for the socket as it is.
func (r *receiver) direct() bool {
	switch r.local {
	case Pub, XPub, Req, Rep, Radio, Dish:
		return false
	default:
		return true
	}
}

// single reports whether the socket has messages of one frame only.
func (r *receiver) single() bool {
	switch r.local {
	case Server, Client, Gather, Scatter, Peer, Channel:
		return true
	default:
		return false
	}
}

// admit checks the size of a frame before its body is read. The message has count frames and total bytes so far.
func (r *receiver) admit(size uint64, count int, total uint64) error {
	switch {
	case size > r.limit-total:
		return wire.Errorf(reasons.Oversize,
			"peer announced a frame of %d bytes after %d of its message and at most %d are taken together: raise MaxMessageSize here, or send less",
			size, total, r.limit)
	case count == r.frames:
		return wire.Errorf(reasons.Oversize, "peer sent a message of more than %d frames: send fewer, or larger ones", r.frames)
	}
	return nil
}

// command forwards commands that the local socket uses. It ignores all others.
func (r *receiver) command(body []byte) error {
	c, ok, err := parseControl(body)
	if err == nil && ok && r.wants(c.Kind) {
		r.emit(c)
	}
	return err
}

func (r *receiver) wants(k wire.ControlKind) bool {
	switch k {
	case wire.ControlSubscribe, wire.ControlCancel:
		return r.local == Pub || r.local == XPub
	case wire.ControlJoin, wire.ControlLeave:
		return r.local == Radio
	default:
		return true
	}
}

func (r *receiver) emit(c wire.Control) {
	if r.handle != nil {
		r.handle(c)
	}
}

func (r *receiver) drop() { r.emit(wire.Control{Kind: wire.ControlDropped}) }

// deliver adds a whole message to the batch, or turns it into an event. The last frame is the end of whole; the bytes before
// it are no longer used.
func (r *receiver) deliver(whole []byte, frames [][]byte, b *msg.Batch) error {
	switch {
	case hasEnvelope(r.local):
		return r.deliverEnveloped(whole, frames, b)
	case len(frames) == 1 && r.subscription(frames[0]):
	case r.local == Pub, r.local == Radio, r.single() && len(frames) > 1, r.local == Dish && len(frames) != 2:
		r.drop()
	default:
		b.AddFrames(nil, frames)
	}
	return nil
}

// subscription takes the subscriptions that peers older than the command send as messages.
func (r *receiver) subscription(body []byte) bool {
	if !r.wants(wire.ControlSubscribe) || len(body) == 0 || body[0] > 1 {
		return false
	}
	kind := wire.ControlCancel
	if body[0] == 1 {
		kind = wire.ControlSubscribe
	}
	r.emit(wire.Control{Kind: kind, Data: body[1:]})
	return true
}

// deliverEnveloped adds a request or an answer and turns its envelope into its header.
func (r *receiver) deliverEnveloped(whole []byte, frames [][]byte, b *msg.Batch) error {
	end := 0
	for end < len(frames) && len(frames[end]) > 0 {
		end++
	}
	switch parts := frames[:end]; {
	case end >= len(frames)-1: // no empty frame, or nothing after it
		if r.local == Req {
			return noEnvelope()
		}
		r.drop()
	case r.local == Rep && len(parts) > r.ttl:
		b.Expired++
	case r.local == Req && len(parts) > 0 && !isBacktrace(parts): // an answer to no request of this socket
		r.drop()
	default:
		r.addEnveloped(whole, parts, frames[end+1:], b)
	}
	return nil
}

// addEnveloped adds a message and turns its envelope into its header. If the body is one frame, the header is written before
// it in the same memory; most headers are shorter than their envelopes.
func (r *receiver) addEnveloped(whole []byte, parts, frames [][]byte, b *msg.Batch) {
	var header []byte
	if r.local == Rep || len(parts) > 0 { // else it answers a request that had no id
		var room [128]byte
		var ok bool
		if header, ok = appendBacktrace(room[:0], r.local, parts); !ok {
			r.drop()
			return
		}
	}
	body := len(whole) - len(frames[0])
	if len(frames) > 1 || len(header) > body {
		b.AddFrames(bytes.Clone(header), frames)
		return
	}
	copy(whole[body-len(header):], header)
	b.Add(whole[body-len(header):len(whole):len(whole)], len(header))
}
