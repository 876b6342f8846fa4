// SPDX-License-Identifier: MIT

package engine

// A Drop is the reason for which a message was dropped. Each is counted on its own.
type Drop uint8

// The reasons.
const (
	DropOverflow   Drop = iota // the queue was full and the overflow policy chose this message
	DropPipeClosed             // still queued when its pipe ended, and of no use to another pipe
	DropClosed                 // still queued when its socket or subscription was closed
	DropTTL                    // came over more hops than the limit
	DropNoPeer                 // addressed to a pipe that is gone
	DropStale                  // a reply to a request or survey that is over or unknown
	DropForeign                // a reply over a pipe that the request did not go to
	DropUnwanted               // sent by a peer whose role is to receive only
	DropEnvelope               // came without the envelope that a request or reply needs
	DropConflated              // a newer one took its place
	DropMultipart              // has several frames, which the peer's dialect has no place for
	DropStalled                // a reply for which its peer left no room in time
	DropTooLarge               // larger than its peer's link carries
	DropBudget                 // its pipe was shed, because the budget was exceeded
	numDrops
)

var dropNames = [numDrops]string{
	DropOverflow:   "overflow",
	DropPipeClosed: "pipe_closed",
	DropClosed:     "closed",
	DropTTL:        "ttl",
	DropNoPeer:     "no_peer",
	DropStale:      "stale",
	DropForeign:    "foreign",
	DropUnwanted:   "unwanted",
	DropEnvelope:   "envelope",
	DropConflated:  "conflated",
	DropMultipart:  "multipart",
	DropStalled:    "stalled",
	DropTooLarge:   "too_large",
	DropBudget:     "budget",
}

func (d Drop) String() string { return dropNames[d] }

// drops counts by reason. Most pipes never drop anything, and have no counts.
type drops struct{ counts *[numDrops]uint64 }

func (d *drops) add(reason Drop, n uint64) {
	if n == 0 {
		return
	}
	if d.counts == nil {
		d.counts = new([numDrops]uint64)
	}
	d.counts[reason] += n
}

func (d *drops) addTo(m map[string]uint64) {
	if d.counts == nil {
		return
	}
	for reason, c := range d.counts {
		if c > 0 {
			m[Drop(reason).String()] += c
		}
	}
}
