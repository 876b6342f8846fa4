// SPDX-License-Identifier: MIT

package stats

import (
	"fmt"

	"github.com/sprymq/spry/internal/reasons"
)

// Sum adds counts up.
func Sum(counts map[reasons.Reason]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// Unbalanced says what in the figures of a socket does not add up, or nothing.
func Unbalanced(st Stats) string {
	for _, p := range st.Pipes {
		if why := UnbalancedHalves(p.Send, p.Recv); why != "" {
			return fmt.Sprintf("pipe %d of %s: %s", p.ID, st.Name, why)
		}
	}
	if why := UnbalancedHalves(st.Send, st.Recv); why != "" {
		return fmt.Sprintf("sums of %s: %s", st.Name, why)
	}
	return ""
}

// UnbalancedHalves is Unbalanced for the figures of both directions.
func UnbalancedHalves(s SendStats, r RecvStats) string {
	switch {
	case s.Offered != s.Sent+s.Queued+s.Returned+Sum(s.Dropped):
		return fmt.Sprintf("offered %d != sent %d + queued %d + returned %d + dropped %v", s.Offered, s.Sent, s.Queued, s.Returned, s.Dropped)
	case s.Unknown > s.Sent:
		return fmt.Sprintf("unknown %d > sent %d", s.Unknown, s.Sent)
	case r.Arrived != r.Delivered+r.Queued+Sum(r.Dropped):
		return fmt.Sprintf("arrived %d != delivered %d + queued %d + dropped %v", r.Arrived, r.Delivered, r.Queued, r.Dropped)
	}
	return ""
}
