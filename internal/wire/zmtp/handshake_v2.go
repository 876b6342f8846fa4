// SPDX-License-Identifier: MIT

package zmtp

import (
	"github.com/sprymq/spry/internal/wire"

	"github.com/sprymq/spry/internal/reasons"
)

// beginV2 continues with a peer of ZMTP 2.0: socket types and identities are exchanged, and there is no security.
func (h *handshake) beginV2() error {
	if h.name != mechanismNull {
		return wire.Errorf(reasons.Version,
			"peer speaks ZMTP 2.0, which has no security, and this end wants %s: use ZeroMQ 4 or newer there", h.name)
	}
	if h.local > lastInV2 {
		return wire.Errorf(reasons.Version,
			"peer speaks ZMTP 2.0, which has no %s sockets: use ZeroMQ 4 or newer there", h.local.Name())
	}
	h.legacy = true
	h.out = append(h.out, byte(inV2(h.local)))
	h.out = appendFrame(h.out, 0, cut(h.config.Identity, maxIdentity))
	h.held = h.held[:0]
	h.expect(1, h.socketV2)
	return nil
}

// inV2 is the type that a socket sends in ZMTP 2.0, in which PUB and XPUB are the same.
func inV2(s Socket) Socket {
	switch s {
	case XPub:
		return Pub
	case XSub:
		return Sub
	default:
		return s
	}
}

func (h *handshake) socketV2() error {
	peer := Socket(h.held[0])
	if peer > lastInV2 {
		return wire.Errorf(reasons.UnknownProtocol, "peer is a socket of type %d, which ZMTP 2.0 does not have: check the address", peer)
	}
	if err := checkPeer(h.local, peer); err != nil {
		return err
	}
	h.peer = peer.Number()
	h.metadata = map[string]string{propertySocket: peer.Name()}
	h.nextFrame(h.identityHead)
	return nil
}

func (h *handshake) identityHead() error {
	if flags := h.held[0]; flags&(flagMore|flagCommand) != 0 {
		return wire.Errorf(reasons.FrameType, "peer sent a frame with flags 0x%02x where its identity belongs: check its version of ZMTP", flags)
	}
	return h.sized(h.identityV2)
}

func (h *handshake) identityV2() error {
	head, _ := parseHead(h.held)
	if head.size > maxIdentity {
		return wire.Errorf(reasons.Metadata, "peer has an identity of %d bytes and at most %d are possible: shorten it", head.size, maxIdentity)
	}
	h.metadata[propertyIdentity] = string(h.held[head.len:])
	h.done = true
	return nil
}
