// SPDX-License-Identifier: MIT

// Package salsa20 is the stream cipher of CURVE.
//
// It does what golang.org/x/crypto/salsa20/salsa does, in which a sealed connection spent 60 % of its time. Here that is
// used where there are no vectors of 256 bits. Where there are, what 64 bytes of a message need takes 187 ns instead of
// 290, and 4 KiB 2.8 µs instead of 4.4; with AVX-512 135 ns and 1.9 µs.
package salsa20

import "golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // CURVE is made of it, and nobody can choose another cipher

// BlockLen is the length of a block of the key stream.
const BlockLen = 64

// XORKeyStream encrypts src, or decrypts it, to dst, which is as long or longer. They may be the same, and must not
// overlap otherwise. The counter is a message's nonce and the number of its first block, each of 8 bytes.
func XORKeyStream(dst, src []byte, counter *[16]byte, key *[32]byte) {
	if !accelerated(dst, src, counter, key) {
		salsa.XORKeyStream(dst, src, counter, key)
	}
}
