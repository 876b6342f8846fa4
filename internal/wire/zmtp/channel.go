// SPDX-License-Identifier: MIT

package zmtp

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"golang.org/x/crypto/poly1305"      //nolint:staticcheck // a box is made of it; nacl/secretbox would derive the same key again for each message
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // CURVE is made of it, and the protocol has no other cipher

	"github.com/sprymq/spry/internal/salsa20"
	"github.com/sprymq/spry/internal/wire"
)

// A sealed message is a frame of a name, a nonce's tail, an authenticator, flags and data. The flags of the
// plain frame are not those of a ZMTP frame.
const (
	messageName   = "\x07MESSAGE"
	sealedPrefix  = len(messageName) + shortNonce + poly1305.TagSize
	sealedMore    = 1 << 0
	sealedCommand = 1 << 1
	overhead      = sealedPrefix + 1

	prefixFromClient = "CurveZMQMESSAGEC"
	prefixFromServer = "CurveZMQMESSAGES"
)

// An authenticator's key and the stream that covers the data come from one key stream. The key is its first 32 bytes, as
// many as the bytes before the flags. See [sealer.append].
const streamHead = 32

var _ = [1]struct{}{}[sealedPrefix-streamHead]

// streamBegin is how much of the key stream is made before a message is authenticated: a cipher makes this much at once for
// little more than the cost of the head.
const streamBegin = 4 * salsa20.BlockLen

// A sealer makes sealed messages. The part of the work that depends only on the nonce's prefix is done once.
type sealer struct {
	key   Key
	nonce uint64 // of the next message
}

// An opener opens sealed messages, each once and in the order in which they were made.
type opener struct {
	key  Key
	last uint64 // nonce of the last message
}

func messageKey(shared Key, prefix string) (key Key) {
	in := [16]byte([]byte(prefix))
	salsa.HSalsa20((*[32]byte)(&key), &in, (*[32]byte)(&shared), &salsa.Sigma)
	return key
}

func counter(nonce, block uint64) (c [16]byte) {
	binary.BigEndian.PutUint64(c[:], nonce)
	binary.LittleEndian.PutUint64(c[8:], block)
	return c
}

// append appends a whole frame with a sealed body. The 32 bytes before the flags are first zeros, so that
// the key stream leaves the authenticator's key there, and then what belongs there: nothing is copied twice.
func (s *sealer) append(dst []byte, flags byte, body []byte) []byte {
	dst = appendHead(dst, 0, overhead+len(body))
	from := len(dst)
	var head [streamHead + 1]byte
	head[streamHead] = flags
	dst = append(append(dst, head[:]...), body...)
	sealed := dst[from:]

	c := counter(s.nonce, 0)
	salsa20.XORKeyStream(sealed, sealed, &c, (*[32]byte)(&s.key))
	macKey := [32]byte(sealed)
	var tag [poly1305.TagSize]byte
	poly1305.Sum(&tag, sealed[sealedPrefix:], &macKey)

	copy(sealed, messageName)
	binary.BigEndian.PutUint64(sealed[len(messageName):], s.nonce)
	copy(sealed[sealedPrefix-len(tag):], tag[:])
	s.nonce++
	return dst
}

// open decrypts the body of a frame in place: body is a part of sealed.
func (o *opener) open(sealed []byte) (flags byte, body []byte, err error) {
	if len(sealed) < overhead || string(sealed[:len(messageName)]) != messageName {
		return 0, nil, wire.Errorf(reasons.Authentication,
			"peer sent a frame of %d bytes that is not sealed on a connection with CURVE: check for something in between", len(sealed))
	}
	nonce := binary.BigEndian.Uint64(sealed[len(messageName):])
	if nonce <= o.last {
		return 0, nil, wire.Errorf(reasons.Authentication,
			"peer sent a message with nonce %d after %d, a replay: check for something in between", nonce, o.last)
	}
	plain := sealed[sealedPrefix:]
	var begin [streamBegin]byte
	stream := begin[:min(streamHead+len(plain), len(begin))]
	c := counter(nonce, 0)
	salsa20.XORKeyStream(stream, stream, &c, (*[32]byte)(&o.key))
	macKey := [32]byte(stream)
	tag := [poly1305.TagSize]byte(sealed[sealedPrefix-poly1305.TagSize:])
	if !poly1305.Verify(&tag, plain, &macKey) {
		return 0, nil, wire.Errorf(reasons.Authentication, "peer sent a sealed message that does not open: check for something in between")
	}
	o.last = nonce

	n := subtle.XORBytes(plain, plain, stream[streamHead:])
	if rest := plain[n:]; len(rest) > 0 {
		c = counter(nonce, streamBegin/salsa20.BlockLen)
		salsa20.XORKeyStream(rest, rest, &c, (*[32]byte)(&o.key))
	}
	return plain[0], plain[1:], nil
}
