// SPDX-License-Identifier: MIT

package simnet

import (
	"hash/fnv"
	"math/rand/v2"
)

// dice draw numbers for one purpose in one direction of one link. The n-th draw depends on nothing but that
// and the seed.
type dice struct{ source rand.PCG }

func newDice(seed uint64, purpose string) dice {
	h := fnv.New64a()
	h.Write([]byte(purpose)) // a hash.Hash never fails to write
	return dice{source: *rand.NewPCG(seed, h.Sum64())}
}

// below draws from 0 to n-1; n must be positive.
func (d *dice) below(n int64) int64 { return int64(d.source.Uint64() % uint64(n)) }

// exponential draws from 0 upwards, with a mean.
func (d *dice) exponential(mean int64) int64 {
	return int64(rand.New(&d.source).ExpFloat64() * float64(mean))
}

// happens is true with probability p.
func (d *dice) happens(p float64) bool {
	return p > 0 && float64(d.source.Uint64()>>11)/(1<<53) < p
}
