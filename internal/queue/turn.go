// SPDX-License-Identifier: MIT

package queue

import (
	"sync/atomic"

	"github.com/sprymq/spry/internal/msg"
)

// Turn is how many messages the receiver takes from one source before it goes on to the next.
const Turn = len(msg.Slab{})

// A turn is up to Turn messages of one source, which receivers take one by one. Taking a message costs one locked
// instruction, where a mutex costs two. Locked instructions are a large part of the cost of a small message; see
// BenchmarkPipeline.
//
// A turn is used once, because a delayed receiver may still read it after its end.
type turn struct {
	source *Source
	n      int   // messages
	bytes  int64 // and their size
	run    []msg.Message
	parts  []*msg.Message // all of them, if they are not behind each other in run
	next   atomic.Int64   // index of the next one to be taken; beyond n when all are
	since  int64          // when its first run came, if that was noted, or 0
}

// take returns the next message, or nil if the turn has ended.
func (t *turn) take() *msg.Message {
	if t.next.Load() >= int64(t.n) {
		return nil
	}
	i := int(t.next.Add(1)) - 1
	if i >= t.n {
		return nil
	}
	return t.at(i)
}

// takeBatch takes as many messages as dst has room for.
func (t *turn) takeBatch(dst []*msg.Message) (n int) {
	if t.next.Load() >= int64(t.n) {
		return 0
	}
	from := int(t.next.Add(int64(len(dst)))) - len(dst)
	for ; n < len(dst) && from+n < t.n; n++ {
		dst[n] = t.at(from + n)
	}
	return n
}

// takeRest takes all messages that are left: those from the index from on.
func (t *turn) takeRest() (from int) {
	if t.next.Load() >= int64(t.n) {
		return t.n
	}
	return int(min(t.next.Swap(int64(t.n)), int64(t.n)))
}

func (t *turn) at(i int) *msg.Message {
	if t.parts != nil {
		return t.parts[i]
	}
	return &t.run[i]
}

// taken is how many messages were taken.
func (t *turn) taken() int { return int(min(t.next.Load(), int64(t.n))) }

// end takes all that is left.
func (t *turn) end() (rest []*msg.Message) {
	for i := int(t.next.Swap(int64(t.n))); i < t.n; i++ {
		rest = append(rest, t.at(i))
	}
	return rest
}

// Turns that are allocated together keep each other's messages from the garbage collector until all have ended, so more of
// them make small messages slower; see BenchmarkPipeline. If messages are large on average, turns are allocated one by one.
const (
	turnsAtOnce  = 8
	partsAtOnce  = 4 * Turn
	largeMessage = 1 << 10
)

// turns makes turns, many with one allocation.
type turns struct {
	spare []turn
	parts []*msg.Message
}

func (ts *turns) next(s *Source) *turn {
	if s.bytes > int64(s.messages)*largeMessage {
		return &turn{source: s}
	}
	if len(ts.spare) == 0 {
		ts.spare = make([]turn, turnsAtOnce)
	}
	t := &ts.spare[0]
	ts.spare = ts.spare[1:]
	t.source = s
	return t
}

// add adds a run to a turn that no receiver takes from yet.
func (ts *turns) add(t *turn, r sizedRun) {
	run := r.msgs
	t.bytes += r.bytes
	if t.n == 0 {
		t.run, t.n, t.since = run, len(run), r.since
		return
	}
	if t.parts == nil && following(t.run, run) == len(run) {
		t.n += len(run)
		t.run = t.run[:t.n]
		return
	}
	if t.parts == nil {
		t.parts = ts.nextParts(t)
		for i := range t.run {
			t.parts = append(t.parts, &t.run[i])
		}
		t.run = nil
	}
	for i := range run {
		t.parts = append(t.parts, &run[i])
	}
	t.n += len(run)
}

// nextParts returns room for the messages of a turn.
func (ts *turns) nextParts(t *turn) (parts []*msg.Message) {
	if t.bytes > int64(t.n)*largeMessage {
		return make([]*msg.Message, 0, Turn)
	}
	if cap(ts.parts) < Turn {
		ts.parts = make([]*msg.Message, 0, partsAtOnce)
	}
	parts, ts.parts = ts.parts[:0:Turn], ts.parts[Turn:Turn:cap(ts.parts)]
	return parts
}
