// SPDX-License-Identifier: MIT

package pattern

import "time"

// A stall measures how long callers are blocked, those that still are included. Only callers that block ask for the time.
type stall struct {
	calls  uint64
	ended  time.Duration // the time of those that are blocked no more
	inside int           // callers that are blocked
	began  time.Duration // the sum of when they began
}

var epoch = time.Now()

// begin counts a caller that is blocked; again says that it was before, in the same call.
func (s *stall) begin(again bool) (at time.Duration) {
	at = time.Since(epoch)
	if !again {
		s.calls++
	}
	s.inside++
	s.began += at
	return at
}

func (s *stall) end(began time.Duration) {
	s.inside--
	s.began -= began
	s.ended += time.Since(epoch) - began
}

// total is the time that all callers have been blocked, in all.
func (s *stall) total() time.Duration {
	if s.inside == 0 {
		return s.ended
	}
	return s.ended + time.Duration(s.inside)*time.Since(epoch) - s.began
}
