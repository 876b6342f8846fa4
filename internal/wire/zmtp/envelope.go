// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// A request arrives in an envelope: frames up to and including the first empty one, which its answer returns. The rest of a
// socket knows only backtraces, as the Scalability Protocols have them: words; only the last has its highest bit set. So
// that requests and answers can go from one family to the other, each is written as the other.
//
// The requesting end sends every word as a frame. The answering end turns such frames back into words. It packs all other
// envelopes into words, followed by packedID in the place of a request's id.
const (
	wordLen  = 4
	endBit   = 1 << 31
	packedID = endBit // a request's own id that is this one is packed too

	packedBits = 31 // of a word that is not the last
	maxPart    = 255
)

// isBacktrace reports whether an envelope's frames are the words of a backtrace.
func isBacktrace(parts [][]byte) bool {
	for i, p := range parts {
		if len(p) != wordLen || (p[0]&0x80 != 0) != (i == len(parts)-1) {
			return false
		}
	}
	return len(parts) > 0
}

// staysWords reports whether an envelope is the backtrace that stands for it.
func staysWords(local Socket, parts [][]byte) bool {
	return isBacktrace(parts) && (local == Req || binary.BigEndian.Uint32(parts[len(parts)-1]) != packedID)
}

// appendBacktrace appends the backtrace for an envelope without its empty frame. It fails if a frame is longer than an
// identity can be.
func appendBacktrace(dst []byte, local Socket, parts [][]byte) (backtrace []byte, ok bool) {
	if staysWords(local, parts) {
		for _, p := range parts {
			dst = append(dst, p...)
		}
		return dst, true
	}
	var pack packer
	for _, p := range parts {
		if len(p) > maxPart {
			return nil, false
		}
		dst = pack.append(dst, byte(len(p)))
		for _, c := range p {
			dst = pack.append(dst, c)
		}
	}
	return binary.BigEndian.AppendUint32(pack.flush(dst), packedID), true
}

// Where the body's frame begins after the briefest envelopes.
const (
	withoutID = shortHead
	withID    = shortHead + wordLen + shortHead
)

// briefEnvelope recognizes the envelopes of one id, which is its backtrace, and of nothing. It returns where the body's
// frame begins, or -1.
func briefEnvelope(data []byte) int {
	switch {
	case len(data) < withID || data[0] != flagMore:
		return -1
	case data[1] == 0:
		return withoutID
	case data[1] == wordLen && data[withID-2] == flagMore && data[withID-1] == 0:
		if id := binary.BigEndian.Uint32(data[shortHead:]); id > packedID {
			return withID
		}
	}
	return -1
}

// A packer turns bytes into words with the highest bit clear.
type packer struct {
	bits  uint64
	count int
}

func (p *packer) append(dst []byte, c byte) []byte {
	p.bits, p.count = p.bits<<8|uint64(c), p.count+8
	if p.count < packedBits {
		return dst
	}
	p.count -= packedBits
	return binary.BigEndian.AppendUint32(dst, uint32(p.bits>>p.count)&^endBit)
}

// flush appends the last word, filled with zeros, which no frame begins with.
func (p *packer) flush(dst []byte) []byte {
	if p.count == 0 {
		return dst
	}
	return binary.BigEndian.AppendUint32(dst, uint32(p.bits<<(packedBits-p.count))&^endBit)
}

// unpack appends the bytes that were packed into words, and zeros.
func unpack(dst, words []byte) []byte {
	var bits uint64
	count := 0
	for ; len(words) >= wordLen; words = words[wordLen:] {
		bits, count = bits<<packedBits|uint64(binary.BigEndian.Uint32(words)&^endBit), count+packedBits
		for ; count >= 8; count -= 8 {
			dst = append(dst, byte(bits>>(count-8)))
		}
	}
	return dst
}

// An envelopeReader yields the frames of the envelope that a backtrace stands for, without the empty one.
type envelopeReader struct {
	rest   []byte
	packed bool
}

// readEnvelope reads the result of appendBacktrace, if the answering end returns it, and else words. room is used for
// unpacking.
func readEnvelope(local Socket, backtrace, room []byte) envelopeReader {
	last := len(backtrace) - wordLen
	if local != Rep || last < 0 || binary.BigEndian.Uint32(backtrace[last:]) != packedID {
		return envelopeReader{rest: backtrace}
	}
	return envelopeReader{rest: unpack(room, backtrace[:last]), packed: true}
}

// next returns the next frame, or nil. A header that no decoder made gives the frames that can be seen in it.
func (r *envelopeReader) next() (part []byte) {
	from, size := 0, wordLen
	if r.packed && len(r.rest) > 0 {
		from, size = 1, int(r.rest[0])
	}
	if len(r.rest) <= from || size == 0 {
		return nil
	}
	end := min(from+size, len(r.rest))
	part, r.rest = r.rest[from:end], r.rest[end:]
	return part
}

// hasEnvelope reports whether messages of the socket have an envelope.
func hasEnvelope(s Socket) bool { return s == Req || s == Rep }

// noEnvelope refuses an answer without an envelope.
func noEnvelope() error {
	return wire.Errorf(reasons.Envelope,
		"peer sent an answer without the empty frame that ends its envelope: check that the peer sends back the frames that the request began with")
}
