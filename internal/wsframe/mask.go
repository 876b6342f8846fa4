// SPDX-License-Identifier: MIT

package wsframe

import (
	"crypto/subtle"
	"encoding/binary"
)

const (
	patternSize = 1 << 10 // of repeated keys
	patternFrom = 2 << 10 // bytes from which a pattern saves more time than it costs
)

// Mask applies a key to b, the bytes of a payload from offset on. The same again takes it off.
func Mask(key [4]byte, offset int, b []byte) { MaskCopy(key, offset, b, b) }

// MaskCopy is Mask of src, whose result goes to dst. The two are the same memory, or do not overlap, and dst is no shorter.
func MaskCopy(key [4]byte, offset int, dst, src []byte) {
	var turned [4]byte
	for i := range turned {
		turned[i] = key[(offset+i)%4]
	}
	word := uint64(binary.LittleEndian.Uint32(turned[:]))
	word |= word << 32
	if len(src) >= patternFrom {
		var pattern [patternSize]byte
		for i := 0; i < patternSize; i += 8 {
			binary.LittleEndian.PutUint64(pattern[i:], word)
		}
		for len(src) >= patternSize {
			n := subtle.XORBytes(dst, src[:patternSize], pattern[:])
			dst, src = dst[n:], src[n:]
		}
	}
	for len(src) >= 32 && len(dst) >= 32 {
		from, to := src[:32:32], dst[:32:32]
		binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from)^word)
		binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(from[8:])^word)
		binary.LittleEndian.PutUint64(to[16:], binary.LittleEndian.Uint64(from[16:])^word)
		binary.LittleEndian.PutUint64(to[24:], binary.LittleEndian.Uint64(from[24:])^word)
		dst, src = dst[32:], src[32:]
	}
	for len(src) >= 8 && len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^word)
		dst, src = dst[8:], src[8:]
	}
	for i, b := range src {
		dst[i] = b ^ turned[i%4]
	}
}
