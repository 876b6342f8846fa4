// SPDX-License-Identifier: MIT

package sendqueue

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
)

// A stream has messages that is read into chunks of a size, and of which others lie
// between them.
type stream struct {
	dice  *rand.Rand
	chunk *buf.Chunk
	at    int
}

func (s *stream) next(n, between int) msg.Message {
	s.at += between
	if s.chunk == nil || s.at+n > len(s.chunk.Data) {
		if s.chunk != nil {
			s.chunk.Release(1)
		}
		s.chunk, s.at = buf.NewChunk(max(buf.MaxChunk, n)), 0
		for i := 0; i < len(s.chunk.Data); i += 1 + s.dice.IntN(500) {
			s.chunk.Data[i] = byte(s.dice.Uint32())
		}
	}
	var m msg.Message
	s.chunk.Retain(1)
	m.Share(s.chunk, s.at, s.at+n, 0)
	s.at += n
	return m
}

// retainedBy is the size of the memory that segments and messages keep alive.
func retainedBy(e *encoded, runs ...[]msg.Message) (bytes int) {
	chunks, blocks := map[*buf.Chunk]bool{}, map[*block]bool{}
	chunk := func(c *buf.Chunk) {
		if c != nil && !chunks[c] {
			chunks[c] = true
			bytes += len(c.Data)
		}
	}
	if e != nil {
		for _, s := range e.segments {
			chunk(s.owner)
			if s.block != nil && !blocks[s.block] {
				blocks[s.block] = true
				bytes += cap(s.block.bytes)
			}
		}
		bytes += 48*cap(e.segments) + 16*cap(e.frames)
	}
	for _, run := range runs {
		for i := range run {
			chunk(run[i].Owner())
		}
		bytes += 32 * cap(run)
	}
	return bytes
}

// A queue that takes a few messages of each chunk that somebody else has read, or a few frames of what a fan-out encodes,
// keeps at most twice what it is charged, one chunk and one block, and what it writes is what was put.
func TestQueuedSegmentsKeepLittleElse(t *testing.T) {
	for _, between := range []int{0, 10_000, 100_000, 250_000} {
		for _, size := range []int{byReference, 20_000, 100_000} {
			t.Run(fmt.Sprintf("bodies/%d/%d", between, size), func(t *testing.T) {
				s := &stream{dice: rand.New(rand.NewPCG(uint64(between), uint64(size)))}
				e := newEncoded()
				var want []byte
				for step := range 120 {
					m := s.next(size, between)
					want = plain.AppendFrame(want, nil, m.Body())
					e.put(plain, nil, nil, &m)
					if step%3 == 2 {
						want = want[e.frames[e.first].size:]
						e.drop()
					}
				}
				checkSegments(t, e, want, 2*buf.MaxChunk)
			})
		}
	}
	for _, rare := range []int{1, 2, 10, 1000} {
		for _, size := range []int{0, 64, 1000} {
			t.Run(fmt.Sprintf("log/%d/%d", rare, size), func(t *testing.T) {
				dice := rand.New(rand.NewPCG(uint64(rare), uint64(size)))
				var log FrameLog
				e := newEncoded()
				var want []byte
				for range min(400*rare, 20_000) {
					body := make([]byte, size)
					for i := range body {
						body[i] = byte(dice.Uint32())
					}
					log.Begin(nil, body)
					if frame := log.frame(plain); dice.IntN(rare) == 0 {
						want = plain.AppendFrame(want, nil, body)
						e.putShared(frame)
					}
				}
				checkSegments(t, e, want, 2*largeBlock+2*smallBlock)
			})
		}
	}
}

func checkSegments(t *testing.T, e *encoded, want []byte, more int) {
	t.Helper()
	var got []byte
	for _, b := range e.buffers(nil, 0) {
		got = append(got, b...)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes would be written, want %d, and the same ones", len(got), len(want))
	}
	if kept, bound := retainedBy(e), 2*int(e.cost())+more; kept > bound {
		t.Errorf("%d messages that cost %d keep %d bytes, more than %d", e.len(), e.cost(), kept, bound)
	}
	e.free()
}

// The same for queues that keep messages as they are.
func TestQueuedMessagesKeepLittleElse(t *testing.T) {
	for _, between := range []int{0, 10_000, 100_000, 250_000} {
		for _, size := range []int{256, 5000, 100_000} {
			t.Run(fmt.Sprintf("%d/%d", between, size), func(t *testing.T) {
				s := &stream{dice: rand.New(rand.NewPCG(uint64(between), uint64(size)))}
				var q packets
				var want [][]byte
				cost := 0
				for step := range 200 {
					m := s.next(size, between)
					want = append(want, m.Detach())
					cost += q.put(nil, nil, &m, nil)
					if step%3 == 2 {
						want = want[1:]
						cost -= q.drop()
					}
				}
				var runs [][]msg.Message
				for _, p := range append(q.full, q.parcel) {
					runs = append(runs, p.run)
				}
				if kept, bound := retainedBy(nil, runs...), 2*cost+2*buf.MaxChunk; kept > bound {
					t.Errorf("%d messages that cost %d keep %d bytes, more than %d", len(want), cost, kept, bound)
				}
				i := 0
				for _, run := range runs {
					for k := range run {
						if !bytes.Equal(run[k].Body(), want[i]) {
							t.Fatalf("message %d has changed", i)
						}
						i++
					}
				}
				if i != len(want) {
					t.Errorf("%d messages, want %d", i, len(want))
				}
				q.reset()
			})
		}
	}
}
