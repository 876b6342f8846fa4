// SPDX-License-Identifier: MIT

// Package hist counts latencies in little memory: a log-linear histogram, in which each value is known to within 1/128 of
// itself, or 1/8.
package hist

import (
	"math/bits"
	"time"
)

// These are the numbers of bits of a value that are kept.
const (
	fine   = 7
	coarse = 3
)

// A Histogram counts durations. Its zero value is empty, and fine. It holds at most 7296 counters, or 488 if it is coarse; those
// beyond the longest duration are not allocated.
type Histogram struct {
	counts []uint64
	total  uint64
	sum    time.Duration
	max    time.Duration
	coarse bool
}

// Coarse returns an empty histogram in which each value is known to within 1/8 of itself.
func Coarse() Histogram { return Histogram{coarse: true} }

func (h *Histogram) precision() int {
	if h.coarse {
		return coarse
	}
	return fine
}

// bucket is the number of a value's counter. Below 2^precision each value has its own; every further power of two has
// 2^precision counters.
func (h *Histogram) bucket(v uint64) int {
	precision := h.precision()
	shift := max(bits.Len64(v)-precision-1, 0)
	return shift<<precision + int(v>>shift)
}

// top is the largest value of a bucket.
func (h *Histogram) top(bucket int) time.Duration {
	precision := h.precision()
	shift := max(bucket>>precision-1, 0)
	return time.Duration((uint64(bucket-shift<<precision)+1)<<shift - 1)
}

// Add counts a duration; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	b := h.bucket(uint64(d))
	h.grow(b + 1)
	h.counts[b]++
	h.total++
	h.sum += d
	h.max = max(h.max, d)
}

func (h *Histogram) grow(n int) {
	if n > len(h.counts) {
		h.counts = append(h.counts, make([]uint64, n-len(h.counts))...)
	}
}

// Merge adds what other has counted. An empty histogram becomes as coarse as other. If the two differ, what other has counted is as
// coarse as the coarser one.
func (h *Histogram) Merge(other *Histogram) {
	if other.total == 0 {
		return
	}
	if h.total == 0 {
		h.coarse = other.coarse
	}
	for b, n := range other.counts {
		if n == 0 {
			continue
		}
		if h.coarse != other.coarse {
			b = h.bucket(uint64(other.top(b)))
		}
		h.grow(b + 1)
		h.counts[b] += n
	}
	h.total += other.total
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count is how many durations were counted.
func (h *Histogram) Count() int64 { return int64(h.total) }

// Sum is the sum of all of them.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Mean is their mean; 0 if there are none.
func (h *Histogram) Mean() time.Duration { return h.sum / time.Duration(max(h.total, 1)) }

// Max is the longest one, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Percentile is the shortest duration that p percent of all do not exceed, rounded up by less than 1/128 of it; 0 if there
// are none. A coarse histogram rounds up by less than 1/8.
func (h *Histogram) Percentile(p float64) time.Duration {
	if p = min(p, 100); !(p >= 0) { // NaN is not
		p = 0
	}
	rank := max(rankOf(h.total, p), 1)
	for b, n := range h.counts {
		if rank <= n {
			return min(h.top(b), h.max)
		}
		rank -= n
	}
	return h.max
}

// rankOf is p percent of n, rounded up. Thousandths of a percent are exact; floating-point dust above a whole rank is
// not to reach for the next one.
func rankOf(n uint64, p float64) uint64 {
	high, low := bits.Mul64(n, uint64(p*1000+0.5))
	low, carry := bits.Add64(low, 100_000-1, 0)
	rank, _ := bits.Div64(high+carry, low, 100_000)
	return rank
}

// AtMost is how many durations do not exceed d, with the resolution of the buckets.
func (h *Histogram) AtMost(d time.Duration) int64 {
	if d < 0 {
		return 0
	}
	sum := uint64(0)
	for _, n := range h.counts[:min(h.bucket(uint64(d))+1, len(h.counts))] {
		sum += n
	}
	return int64(sum)
}
