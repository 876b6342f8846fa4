// SPDX-License-Identifier: MIT

package zmtp

import (
	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
)

// ZWS 2.0, RFC 45 of ZeroMQ, carries each frame as a message of a WebSocket: a byte of flags, then the body. There is no
// greeting: what it agrees on is in the name of the subprotocol. Peers subscribe by messages, as in ZMTP 3.0, and ping by
// WebSocket's own pings.
const (
	carriedMore    = 1
	carriedCommand = 2
)

// Mechanisms implements [wire.Framed]. Without security, a peer may leave out the handshake.
func (dialect) Mechanisms(s wire.Security) []string {
	if s == nil {
		return []string{mechanismNull, ""}
	}
	return []string{s.Mechanism()}
}

// Frame implements [wire.Framed].
func (dialect) Frame(dst, message []byte) (head, body []byte, err error) {
	if len(message) == 0 || message[0] > carriedCommand {
		return dst, nil, wire.Errorf(reasons.FrameType,
			"peer sent a message that does not begin with the flags of a frame, 00, 01 or 02, but % x: check that it speaks ZWS 2.0", message[:min(len(message), 4)])
	}
	flags := message[0]
	if flags == carriedCommand {
		flags = flagCommand
	}
	return appendHead(dst, flags, len(message)-1), message[1:], nil
}

// Cut implements [wire.Framed].
func (dialect) Cut(stream []byte) (first byte, rest []byte, n, need int) {
	h, more := parseHead(stream)
	if more > 0 {
		return 0, nil, 0, more
	}
	n = h.len + int(h.size)
	if len(stream) < n {
		return 0, nil, 0, n
	}
	if first = h.flags & flagMore; h.flags&flagCommand != 0 {
		first = carriedCommand
	}
	return first, stream[h.len:n], n, 0
}

// beginCarried begins a handshake without a greeting.
func (h *handshake) beginCarried() error {
	if !h.config.Bare {
		return h.mechanism.begin(h)
	}
	h.out = appendFrame(h.out, 0, cut(h.config.Identity, maxIdentity))
	return nil
}

// identity takes the peer's identity, which is all that it says of itself.
func (h *handshake) identity() error {
	head, _ := parseHead(h.held)
	if head.flags != 0 || head.size > maxIdentity {
		return wire.Errorf(reasons.Metadata,
			"peer began with a frame of %d bytes and flags 0x%02x where its identity belongs, of up to %d bytes: check that it speaks ZWS2.0", head.size, head.flags, maxIdentity)
	}
	h.metadata = map[string]string{propertyIdentity: string(h.held[head.len:])}
	h.done = true
	return nil
}
