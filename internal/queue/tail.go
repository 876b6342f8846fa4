// SPDX-License-Identifier: MIT

package queue

import (
	"github.com/sprymq/spry/internal/msg"
)

// Received messages are parts of the chunk that they were read into, and one of them keeps all of it. What else was read
// into it may have gone: other messages may have been filtered, have expired, or have been commands that nobody knows. A
// peer that makes one message of each chunk stay would make a queue keep a multiple of its limit.
//
// So a source watches its tail: the messages of the chunk that the latest message lies in. When the reader goes on to
// another chunk, and the tail has used little of its own, what is still queued of it moves to memory of the source's. At
// most that is copied which the chunk is too large by, and what is left alive is used for the most part, so that a queue
// takes at most twice what its messages cost, and one chunk; or three, if its limit is not worth even one.
type tail struct {
	use      uint64 // of the chunk (see [buf.Chunk.Use]); 0: none
	size     int    // of the chunk
	used     int    // bytes of it that the source's messages took, those that have left the queue included
	messages int    // put since the tail began
}

const (
	// A chunk of which usedNum/usedDen were used is kept. It leaves large messages alone, of which few fit into a chunk.
	usedNum, usedDen = 5, 8

	// A queue whose limit is less than smallQueue chunks does not keep one for less than a fewLeft part of it.
	smallQueue = 8
	fewLeft    = 8
)

// followLocked notes in which chunk the latest messages lie, which were just put.
func (s *Source) followLocked(latest msg.Span) {
	if c := latest.Chunk; c != nil && c.Use() != s.tail.use {
		s.settleLocked(latest.Messages)
		s.tail = tail{use: c.Use(), size: len(c.Data)}
	}
	s.tail.messages += latest.Messages
	s.tail.used += latest.Stream
}

// Settle says that nothing more is read into the chunk that the latest messages lie in.
func (s *Source) Settle() {
	s.inbox.mu.Lock()
	s.settleLocked(0)
	s.tail = tail{}
	s.inbox.mu.Unlock()
}

// settleLocked moves what is queued of the tail, which ends before the last after messages, to memory of the source's, if
// it keeps too much alive.
func (s *Source) settleLocked(after int) {
	t := &s.tail
	n := min(t.messages, s.messages-after)
	if t.use == 0 || n <= 0 {
		return
	}
	runs := s.runs.live()
	last, end := back(runs, len(runs)-1, len(runs[len(runs)-1].msgs), after)
	first, begin := back(runs, last, end, n)
	if t.used*usedDen >= t.size*usedNum && !s.fewLeft(runs[first:last+1]) {
		return
	}
	moved := make([]msg.Message, 0, n)
	for i := first; i <= last; i++ {
		piece := runs[i].msgs
		if i == last {
			piece = piece[:end]
		}
		if i == first {
			piece = piece[begin:]
		}
		moved = append(moved, piece...)
		clear(piece) // what lies beside them in memory may stay
	}
	before := cost(moved)
	s.packer.Pack(moved, t.use, int(min(s.inbox.limits.Bytes/smallQueue, 1<<30)))
	packed := sizedRun{moved, cost(moved)}
	s.changeLocked(0, packed.bytes-before)

	parts := make([]sizedRun, 0, 3)
	if head := runs[first].msgs[:begin:begin]; begin > 0 {
		parts = append(parts, sizedRun{head, cost(head)})
	}
	parts = append(parts, packed)
	if rest := runs[last].msgs[end:]; len(rest) > 0 {
		parts = append(parts, sizedRun{rest, cost(rest)})
	}
	s.runs.replace(first, last+1, parts...)
}

// back returns where n messages before index at of the run i are.
func back(runs []sizedRun, i, at, n int) (run, index int) {
	for n > at {
		n -= at
		i--
		at = len(runs[i].msgs)
	}
	return i, at - n
}

// fewLeft reports whether so few of the tail's messages, which are all in runs, are left that a small queue should not keep
// their chunk.
func (s *Source) fewLeft(runs []sizedRun) bool {
	if s.inbox.limits.Bytes >= smallQueue*int64(s.tail.size) {
		return false
	}
	var left int64
	for i := range runs {
		left += runs[i].bytes
	}
	return left*fewLeft < int64(s.tail.size)
}
