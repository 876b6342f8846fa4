// SPDX-License-Identifier: MIT

package stats

import (
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/hist"
	"github.com/sprymq/spry/internal/reasons"
)

// balanced returns the figures of a socket with a pipe, a past one, an endpoint and a buffer.
func balanced() Stats {
	var st Stats
	waited := hist.Coarse()
	waited.Add(time.Millisecond)
	pipe := PipeStats{
		ID: 1, QueueTime: waited,
		Send: SendStats{Offered: 10, Sent: 6, Queued: 1, Returned: 1, Unknown: 2, Dropped: map[reasons.Reason]uint64{reasons.Overflow: 2}},
		Recv: RecvStats{Arrived: 5, Delivered: 3, Queued: 1, Dropped: map[reasons.Reason]uint64{reasons.Closed: 1}},
	}
	st.Pipes = []PipeStats{pipe}
	AddPipe(&st, &pipe)
	st.Endpoints = []EndpointStats{{ID: 1, Rejected: map[reasons.Reason]uint64{reasons.BadHeader: 1}}}
	AddCounts(&st.Rejected, st.Endpoints[0].Rejected)
	st.Past = PastStats{Send: SendStats{Offered: 3, Sent: 3}, RTT: waited, Rejected: map[reasons.Reason]uint64{reasons.BadHeader: 2}}
	AddPast(&st, st.Past)
	st.Buffered = BufferStats{Messages: 2, Bytes: 200}
	AddBuffered(&st, st.Buffered)
	return st
}

// Each figure that is wrong by one is noticed.
func TestUnbalanced(t *testing.T) {
	if why := Unbalanced(balanced()); why != "" {
		t.Fatal(why)
	}
	for what, wrong := range map[string]func(st *Stats){
		"pipe 1":     func(st *Stats) { st.Pipes[0].Send.Offered++ },
		"unknown":    func(st *Stats) { st.Pipes[0].Send.Unknown = 7 },
		"arrived":    func(st *Stats) { st.Pipes[0].Recv.Arrived++ },
		"past pipes": func(st *Stats) { st.Past.Send.Sent++ },
		"send is":    func(st *Stats) { st.Send.Offered++; st.Send.Sent++ },
		"recv is":    func(st *Stats) { st.Recv.Filtered++ },
		"sums":       func(st *Stats) { st.Send.Offered++ },
		"rejected":   func(st *Stats) { st.Past.Rejected[reasons.BadHeader]++ },
		"rtt":        func(st *Stats) { st.RTT = hist.Histogram{} },
		"queue_time": func(st *Stats) { st.QueueTime.Add(time.Second) },
		"send":       func(st *Stats) { st.Buffered.Bytes++ },
	} {
		st := balanced()
		wrong(&st)
		if why := Unbalanced(st); !strings.Contains(why, what) {
			t.Errorf("%s: reported is %q", what, why)
		}
	}
}

// The difference of two snapshots adds up as each does, also where a pipe or an endpoint has ended between them.
func TestDifferenceBalances(t *testing.T) {
	earlier, later := balanced(), balanced()
	later.Pipes, later.Endpoints = nil, nil
	later.Past = PastStats{}
	for _, p := range earlier.Pipes {
		p.Send.Queued, p.Send.Sent = 0, p.Send.Sent+p.Send.Queued
		p.Recv.Queued, p.Recv.Delivered = 0, p.Recv.Delivered+p.Recv.Queued
		AddSend(&later.Past.Send, p.Send)
		AddRecv(&later.Past.Recv, p.Recv)
		later.Past.QueueTime.Merge(&p.QueueTime)
	}
	AddCounts(&later.Past.Rejected, earlier.Rejected)
	AddSend(&later.Past.Send, earlier.Past.Send)
	AddRecv(&later.Past.Recv, earlier.Past.Recv)
	later.Past.RTT.Merge(&earlier.Past.RTT)
	later.Send, later.Recv, later.RTT, later.QueueTime, later.Rejected = SendStats{}, RecvStats{}, Histogram{}, Histogram{}, nil
	AddPast(&later, later.Past)
	AddBuffered(&later, later.Buffered)
	if why := Unbalanced(later); why != "" {
		t.Fatal(why)
	}
	d := later.Since(earlier)
	if d.Past.Send.Sent != 1 || d.Send.Sent != 1 || d.Past.Recv.Delivered != 1 || d.Past.Send.Offered != 0 || len(d.Past.Rejected) != 0 {
		t.Errorf("past is %+v, and the sums are %+v", d.Past, d.Send)
	}
}
