// SPDX-License-Identifier: MIT

//go:build !purego

package salsa20

import (
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // for its constant
	"golang.org/x/sys/cpu"
)

// unit is how much of the key stream is made at once. What the end of a message does not need of it costs nothing: one
// block would take as long.
const unit = 4 * BlockLen

// A state is what a block is made from: a square of words, in the order of its four diagonals. These are the operands of
// a quarter round, so that with each as a vector, four quarter rounds are one.
type state [16]uint32

// blockNumber is where the lower half of a block's number is.
const blockNumber = 8

func newState(counter *[16]byte, key *[32]byte) state {
	k := func(i int) uint32 { return binary.LittleEndian.Uint32(key[4*i:]) }
	c := func(i int) uint32 { return binary.LittleEndian.Uint32(counter[4*i:]) }
	constant := func(i int) uint32 { return binary.LittleEndian.Uint32(salsa.Sigma[4*i:]) }
	return state{
		constant(0), constant(1), constant(2), constant(3),
		k(3), c(3), k(7), k(2),
		c(2), k(6), k(1), c(1),
		k(5), k(0), c(0), k(4),
	}
}

// Processors with AVX-512 rotate words in one instruction, others in three.
var (
	hasVectors = cpu.X86.HasAVX2
	rotates    = cpu.X86.HasAVX512VL
)

// xorUnits xors n units of the key stream, at least one, to src. It counts blocks in 32 bits.
//
//go:noescape
func xorUnits(dst, src *byte, n int, s *state, rotate bool)

func accelerated(dst, src []byte, counter *[16]byte, key *[32]byte) bool {
	s := newState(counter, key)
	n := len(src) / unit
	if !hasVectors || uint64(s[blockNumber])+uint64(n+1)*(unit/BlockLen) > 1<<32 {
		return false
	}
	whole := n * unit
	if n > 0 {
		_ = dst[whole-1]
		xorUnits(&dst[0], &src[0], n, &s, rotates)
		s[blockNumber] += uint32(whole / BlockLen)
	}
	if rest := src[whole:]; len(rest) > 0 {
		var last [unit]byte
		xorUnits(&last[0], &last[0], 1, &s, rotates)
		subtle.XORBytes(dst[whole:], rest, last[:])
	}
	return true
}
