// SPDX-License-Identifier: MIT

package stats

import (
	"fmt"
	"reflect"

	"github.com/sprymq/spry/internal/reasons"
)

// Sum adds counts up.
func Sum(counts map[reasons.Reason]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// Unbalanced says what in the figures of a socket does not add up, or nothing: those of each pipe, those of all that are gone, and
// the socket's, which are the sums of the others.
func Unbalanced(st Stats) string {
	var sums, own Stats
	AddSend(&own.Send, st.Send) // with maps, as sums have them
	AddRecv(&own.Recv, st.Recv)
	AddCounts(&own.Rejected, st.Rejected)
	for i := range st.Pipes {
		p := &st.Pipes[i]
		if why := UnbalancedHalves(p.Send, p.Recv); why != "" {
			return fmt.Sprintf("pipe %d of %s: %s", p.ID, st.Name, why)
		}
		AddPipe(&sums, p)
	}
	for _, e := range st.Endpoints {
		AddCounts(&sums.Rejected, e.Rejected)
	}
	AddPast(&sums, st.Past)
	AddBuffered(&sums, st.Buffered)
	for _, of := range []struct{ what, why string }{
		{"past pipes", UnbalancedHalves(st.Past.Send, st.Past.Recv)},
		{"sums", UnbalancedHalves(st.Send, st.Recv)},
		{"sums", differs("send", own.Send, sums.Send)},
		{"sums", differs("recv", own.Recv, sums.Recv)},
		{"sums", differs("rejected", own.Rejected, sums.Rejected)},
		{"sums", differs("rtt", counted(st.RTT), counted(sums.RTT))},
		{"sums", differs("queue_time", counted(st.QueueTime), counted(sums.QueueTime))},
	} {
		if of.why != "" {
			return fmt.Sprintf("%s of %s: %s", of.what, st.Name, of.why)
		}
	}
	return ""
}

// differs compares a figure of the socket with the sum of those of its parts.
func differs(what string, total, sum any) string {
	if reflect.DeepEqual(total, sum) {
		return ""
	}
	return fmt.Sprintf("%s is %+v, and its parts are %+v", what, total, sum)
}

// counted is what two histograms of the same durations have in common.
func counted(h Histogram) [2]int64 { return [2]int64{h.Count(), int64(h.Sum())} }

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
