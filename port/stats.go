// SPDX-License-Identifier: MIT

package port

import (
	"maps"

	"github.com/sprymq/spry/internal/reasons"
)

// A Reason says why a connection was refused. It is the type Reason of package spry.
type Reason = reasons.Reason

// The reasons for refusing a connection.
const (
	// ReasonUnclaimed means that no listener claims the connection. Its first bytes belong to no protocol that is served here,
	// or not over TLS, or not for the server that it names.
	ReasonUnclaimed Reason = reasons.UnknownProtocol

	// ReasonOverflow means that the backlog of the listener was full.
	ReasonOverflow Reason = reasons.Overflow

	// ReasonTimeout means that the connection was undecided for longer than Config.Timeout.
	ReasonTimeout Reason = reasons.Timeout

	// ReasonEarlyEOF means that the client left while the connection was undecided.
	ReasonEarlyEOF Reason = reasons.EarlyEOF

	// ReasonEvicted means that there were too many undecided connections, and that this one made room.
	ReasonEvicted Reason = reasons.Evicted

	// ReasonSecurity means that the handshake of TLS failed.
	ReasonSecurity Reason = reasons.Security

	// ReasonIO means that the connection broke while it was undecided.
	ReasonIO Reason = reasons.IO

	// ReasonClosed means that the listener or the port was closed before Accept had returned the connection.
	ReasonClosed Reason = reasons.Closed
)

// Stats are the counters of a port. They are of one moment, and at any moment
//
//	Accepted = Undecided + Waiting + Delivered + the sum of Refused
type Stats struct {
	Accepted  uint64            // connections
	Undecided int               // those whose protocol is not known, or that are being refused
	Waiting   int               // those that wait for Accept of a listener
	Delivered uint64            // those that Accept has returned
	Refused   map[Reason]uint64 // by reason

	AcceptFailed uint64 // failed calls of the operating system to accept a connection
}

func (s *Stats) refuse(r Reason) {
	if s.Refused == nil {
		s.Refused = make(map[Reason]uint64)
	}
	s.Refused[r]++
}

// Stats returns the port's counters.
func (p *Port) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Undecided = p.undecided.Len()
	s.Refused = maps.Clone(s.Refused)
	return s
}
