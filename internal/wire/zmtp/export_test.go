// SPDX-License-Identifier: MIT

package zmtp

import "github.com/sprymq/spry/internal/wire"

// SealedEnds are the two directions' ends of a session with CURVE, without its handshake, which costs more than all else:
// what seals frames with any flags, and the decoder that opens them.
func SealedEnds(c wire.Config, local Socket) (seal func(dst []byte, flags byte, body []byte) []byte, d wire.Decoder) {
	key := Key{1, 2, 3}
	s := &sealer{key: key, nonce: 1}
	return s.append, &sealedDecoder{receiver: newReceiver(c, local), open: &opener{key: key}}
}
