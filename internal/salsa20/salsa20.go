// SPDX-License-Identifier: MIT

// Package salsa20 is the stream cipher of CURVE.
//
// It does the same as golang.org/x/crypto/salsa20/salsa, faster on processors with vectors of 256 or 512 bits; see
// BenchmarkXOR. Other processors use x/crypto's.
package salsa20

import "golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // CURVE is made of it, and the protocol has no other cipher

// BlockLen is the length of a block of the key stream.
const BlockLen = 64

// XORKeyStream encrypts src, or decrypts it, to dst, which is as long or longer. They may be the same, and must not
// overlap otherwise. The counter is a message's nonce and the number of its first block, each of 8 bytes.
func XORKeyStream(dst, src []byte, counter *[16]byte, key *[32]byte) {
	if !accelerated(dst, src, counter, key) {
		salsa.XORKeyStream(dst, src, counter, key)
	}
}
