// SPDX-License-Identifier: MIT

package msg

import "github.com/sprymq/spry/internal/buf"

// A Batch collects the messages that one read brought. It fills a slab of Message values, which are handed
// out by pointer and never used a second time.
type Batch struct {
	Msgs   []Message  // decoded; at most cap(Msgs)
	Chunk  *buf.Chunk // what the data points into; the receiver of the batch retains it once for all
	Origin *Origin

	// Expired counts messages that were dropped for having come over too many hops.
	Expired int
}

// Full reports whether the slab is used up.
func (b *Batch) Full() bool { return len(b.Msgs) == cap(b.Msgs) }

// Add appends a message: data is the routing header, of head bytes, and the body. The batch must not be
// full. data must be a part of Chunk, whose references are counted by the caller when decoding is done.
func (b *Batch) Add(data []byte, head int) {
	b.Msgs = b.Msgs[:len(b.Msgs)+1]
	m := &b.Msgs[len(b.Msgs)-1] // zero, and filled in place: a composite literal would be built and then copied
	m.data, m.owner, m.origin, m.head, m.sealed = data, b.Chunk, b.Origin, int32(head), true
}

// ReleaseAll releases every message of a run.
func ReleaseAll(run []Message) {
	for i := range run {
		run[i].Release()
	}
}
