// SPDX-License-Identifier: MIT

package salsa20

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // what this is measured by
)

func randomBytes(r *rand.Rand, p []byte) []byte {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// compare encrypts in place and elsewhere, and both must be as the other implementation has it, to the byte and no further.
func compare(t *testing.T, src []byte, counter [16]byte, key [32]byte) {
	t.Helper()
	const after = 300
	elsewhere := bytes.Repeat([]byte{0xa5}, len(src)+after)
	want := bytes.Clone(elsewhere)
	salsa.XORKeyStream(want, src, &counter, &key)
	XORKeyStream(elsewhere, src, &counter, &key)
	inPlace := append(bytes.Clone(src), want[len(src):]...)
	XORKeyStream(inPlace, inPlace[:len(src)], &counter, &key)
	if !bytes.Equal(elsewhere, want) || !bytes.Equal(inPlace, want) {
		t.Errorf("%d bytes, counter %x, key %x: another stream", len(src), counter, key)
	}
}

func TestEveryLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var counter [16]byte
	var key [32]byte
	for n := range 1100 {
		randomBytes(r, counter[:8])
		compare(t, randomBytes(r, make([]byte, n)), counter, [32]byte(randomBytes(r, key[:])))
	}
}

// The halves of a block's number are words, and the lower one may run over.
func TestBlockNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var counter [16]byte
	var key [32]byte
	randomBytes(r, key[:])
	src := randomBytes(r, make([]byte, 2000))
	for _, around := range []uint64{20, 1 << 31, 1 << 32, 7 << 32, 1 << 63} {
		for block := around - 20; block < around+20; block++ {
			binary.LittleEndian.PutUint64(counter[8:], block)
			compare(t, src, counter, key)
		}
	}
}

func FuzzXORKeyStream(f *testing.F) {
	f.Add([]byte("plain"), []byte("a counter of 16."), []byte("a key that has 32 bytes, as all."))
	f.Add(make([]byte, 4*BlockLen), make([]byte, 16), make([]byte, 32))
	f.Fuzz(func(t *testing.T, src, counter, key []byte) {
		var c [16]byte
		var k [32]byte
		copy(c[:], counter)
		copy(k[:], key)
		compare(t, src, c, k)
	})
}

func BenchmarkXORKeyStream(b *testing.B) {
	for name, xor := range map[string]func(dst, src []byte, counter *[16]byte, key *[32]byte){
		"own": XORKeyStream, "x-crypto": salsa.XORKeyStream,
	} {
		for _, size := range []int{33, 97, 256, 4129, 64 << 10} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				data := make([]byte, size)
				var counter [16]byte
				var key [32]byte
				b.SetBytes(int64(size))
				for b.Loop() {
					xor(data, data, &counter, &key)
				}
			})
		}
	}
}
