// SPDX-License-Identifier: MIT

// Package sendqueue holds messages that wait to be written on one pipe, in the form that its link takes.
package sendqueue

import "github.com/sprymq/spry/internal/msg"

// A Queue holds the messages of one pipe until its link has taken them whole. They are in two regions:
//
//	Put ──> pending ──Take──> in flight ──> the link
//
// A write has begun with those in flight; only pending ones can be dropped. Control events, which are written before
// messages, wait in [Controls] and are in flight here. It must lose nothing: if the link breaks, Unsent returns both
// regions.
//
// A link whose peer acknowledges messages will need a third region after these two: sent, and not acknowledged.
//
// The methods of this interface are called under the lock of the queue's owner. The writer calls the methods that only an
// implementation has, one at a time, without that lock.
type Queue interface {
	// Put adds a message behind all others and returns its cost, which the queue is charged. If m is nil, it copies body;
	// otherwise it takes the contents of m.
	Put(header, body []byte, m *msg.Message) (cost int)
	// PutAll is Put for copies of the first of bodies, with the same header: one, whatever it costs, and then as many as cost
	// no more than room together, before the dialect's framing of the last one.
	PutAll(header []byte, bodies [][]byte, room int64) (messages int, cost int64)
	// PutShared is Put of the message that the log is at.
	PutShared(l *FrameLog) (cost int)
	// Pending is the number of messages that are not in flight.
	Pending() int
	// Drop releases the first pending message and returns its cost.
	Drop() (cost int)
	// Take makes pending messages those in flight, if none are, and control events before them. It reports whether anything
	// is in flight.
	Take(c *Controls) bool
	// Midway reports whether control events are in flight.
	Midway() bool
	// Unsent empties the queue and returns its messages, in order, without routing headers and origins.
	Unsent() []msg.Message
	// Discard releases everything.
	Discard()
	// Idle gives back memory that an idle link does not need. It is called while no goroutine writes.
	Idle()
}

// A ByteQueue is the queue of a link that takes bytes.
type ByteQueue interface {
	Queue
	// Buffers appends the unwritten bytes in flight to dst, and returns their size.
	Buffers(dst [][]byte) (bs [][]byte, size int64)
	// Written says that the link took n bytes of the buffers, and returns how many messages left with that, and their cost.
	Written(n int64) (messages int, cost int64)
}

var (
	_ ByteQueue = (*Frames)(nil)
	_ ByteQueue = (*Sealed)(nil)
	_ Queue     = (*Messages)(nil)
)
