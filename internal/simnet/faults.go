// SPDX-License-Identifier: MIT

package simnet

import "time"

// Faults are the faults of one direction of a link. The zero value is a perfect link.
type Faults struct {
	// Latency is how long bytes travel; a dial takes twice as long.
	Latency time.Duration

	// Jitter is the most that is added to Latency, at random. It keeps the order, except on message
	// links that are Unordered.
	Jitter time.Duration

	// Rate is how many bytes pass in a second; 0 = any number.
	Rate int64

	// ReadChunk, if positive, makes reads end at random places at most this many bytes apart: 1 makes the
	// stream dribble. On a message link it is the most messages that one read returns.
	ReadChunk int

	// CutAfter, if positive, cuts the link when that many bytes, counted from its beginning, were read.
	CutAfter int64

	// MeanCut, if positive, is the mean of the random number of bytes after which each link is cut, if CutAfter is 0.
	MeanCut int64

	// FINAfter, if positive, ends the direction in an orderly way after that many bytes from its beginning were read, even
	// within a frame. Other written bytes are lost.
	FINAfter int64

	// Refusal is the probability, 0 to 1, that a dial is refused. It counts in the direction to the listener.
	Refusal float64

	// AcceptJitter is the most that a new link waits, at random, before the listener accepts it: links overtake each other. It counts
	// in the direction to the listener.
	AcceptJitter time.Duration

	// Loss and Duplicate are the probabilities, 0 to 1, that a message is lost or arrives twice. Only for
	// message links that are Unreliable.
	Loss, Duplicate float64
}

// A Direction names one of a link's two directions, or both.
type Direction uint8

// Directions of a link.
const (
	ToListener Direction = 1 << iota // from the end that dialed
	ToDialer                         // from the end that accepted
	Both       = ToListener | ToDialer
)

// LinkOptions say what links are like. They are fixed when a link is made. The zero value gives the
// defaults.
type LinkOptions struct {
	// Typed gives streams the framing of ipc instead of that of tcp.
	Typed bool

	// Window is how many bytes a direction takes before it blocks the writer; 0 means 64 KiB.
	Window int

	// Unreliable and Unordered are what message links do not promise.
	Unreliable, Unordered bool

	// MaxMessage is the largest message of message links, in bytes; 0 = no limit.
	MaxMessage int64
}

// defaultWindow is a socket buffer of usual size.
const defaultWindow = 64 << 10
