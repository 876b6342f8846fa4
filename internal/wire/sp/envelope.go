// SPDX-License-Identifier: MIT

package sp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// A routing header is made of big-endian words.
const (
	wordLen = 4
	endBit  = 0x80 // in the first byte of the word that ends a backtrace
	maxHops = 0xff // of a hop count; the other 24 bits are reserved
)

// maxBacktrace is the longest backtrace that an answer can have, in words. The request came over at most as
// many hops as the largest TTL, and its id is the last word.
const maxBacktrace = 255

// A splitter finds the routing headers of a protocol; it implements [wire.Splitter] and has no state.
type splitter struct {
	envelope wire.Envelope
	ttl      int  // most hops of a hop count, or words of a backtrace
	expires  bool // a longer backtrace is dropped; else it is an error
}

func newSplitter(local uint16, ttl int) splitter {
	p, _ := Lookup(local)
	if local == Req || local == Surveyor {
		return splitter{envelope: p.Envelope, ttl: maxBacktrace}
	}
	return splitter{envelope: p.Envelope, ttl: ttl, expires: true}
}

// Split implements [wire.Splitter].
func (s *splitter) Split(message []byte) (head int, expired bool, err error) {
	switch s.envelope {
	case wire.EnvelopeHops:
		return s.splitHops(message)
	case wire.EnvelopeBacktrace:
		return s.splitBacktrace(message)
	default:
		return 0, false, nil
	}
}

func (s *splitter) splitHops(message []byte) (head int, expired bool, err error) {
	if len(message) < wordLen {
		return 0, false, wire.Errorf(reasons.Envelope,
			"peer sent a message of %d bytes, which has no room for a hop count of 4: check that the peer is a pair1 socket",
			len(message))
	}
	hops := binary.BigEndian.Uint32(message)
	if hops > maxHops {
		return 0, false, wire.Errorf(reasons.Envelope,
			"peer sent a hop count of 0x%08x and at most 0x%02x is possible: check that the peer is a pair1 socket",
			hops, maxHops)
	}
	return wordLen, int(hops) > s.ttl, nil
}

// splitBacktrace reads words up to the first one with the highest bit set, which is the request's id. At the answering end a
// backtrace that is longer than the TTL is expired even if it never ends: it is not checked further, as in the other
// implementations.
func (s *splitter) splitBacktrace(message []byte) (head int, expired bool, err error) {
	for range s.ttl {
		if len(message)-head < wordLen {
			return 0, false, wire.Errorf(reasons.Envelope,
				"peer sent a message of %d bytes in which no request id ends the backtrace: check that nothing but "+
					"sockets of this pattern and their proxies is in between", len(message))
		}
		head += wordLen
		if message[head-wordLen]&endBit != 0 {
			return head, false, nil
		}
	}
	if s.expires {
		return 0, true, nil
	}
	return 0, false, wire.Errorf(reasons.Envelope,
		"peer sent a backtrace of more than %d words and no request can have come so far: check for a loop of proxies",
		s.ttl)
}
