// SPDX-License-Identifier: MIT

package hist

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// inJSON is a histogram's form in JSON. A bucket is the longest duration that it counts, and how many it has counted.
type inJSON struct {
	Count   uint64     `json:"count"`
	Sum     int64      `json:"sum_ns"`
	Max     int64      `json:"max_ns"`
	Buckets [][2]int64 `json:"buckets"`
}

// MarshalJSON implements [json.Marshaler]: an object of count, sum_ns, max_ns and buckets, the pairs of the longest duration of a bucket
// and of its count, in order and without empty ones.
func (h Histogram) MarshalJSON() ([]byte, error) {
	j := inJSON{Count: h.total, Sum: int64(h.sum), Max: int64(h.max), Buckets: [][2]int64{}}
	for b, n := range h.counts {
		if n > 0 {
			j.Buckets = append(j.Buckets, [2]int64{int64(h.top(b)), int64(n)})
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON implements [json.Unmarshaler], for coarse histograms.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var j inJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	if j.Count > math.MaxInt64 {
		return errors.New("a histogram has no such count")
	}
	read := Histogram{sum: time.Duration(j.Sum), max: time.Duration(j.Max), coarse: true}
	for _, b := range j.Buckets {
		if b[0] < 0 || b[1] <= 0 || uint64(b[1]) > j.Count-read.total {
			return fmt.Errorf("a histogram has no bucket %v", b)
		}
		at := read.bucket(uint64(b[0]))
		read.grow(at + 1)
		read.counts[at] += uint64(b[1])
		read.total += uint64(b[1])
	}
	if read.total != j.Count || j.Sum < 0 || j.Max < 0 {
		return errors.New("the buckets of a histogram do not have its count")
	}
	*h = read
	return nil
}

// Clone returns a copy that shares nothing with h. That of nil is empty.
func (h *Histogram) Clone() Histogram {
	if h == nil {
		return Coarse()
	}
	c := *h
	c.counts = slices.Clone(h.counts)
	return c
}

// Since returns what h has counted since earlier, an earlier copy of it. Max stays that of h.
func (h *Histogram) Since(earlier *Histogram) Histogram {
	d := h.Clone()
	for b, n := range earlier.counts[:min(len(earlier.counts), len(d.counts))] {
		d.counts[b] -= min(n, d.counts[b])
	}
	d.total = 0
	for _, n := range d.counts {
		d.total += n
	}
	d.sum = max(d.sum-earlier.sum, 0)
	return d
}
