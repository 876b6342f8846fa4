// SPDX-License-Identifier: MIT

package stats

import (
	"maps"
	"slices"
	"time"

	"github.com/sprymq/spry/internal/reasons"
)

// Since returns the figures of the time since an earlier snapshot of the same socket: counters are the difference of both, gauges are
// those of s. Pipes and endpoints are paired by ID, and those that the earlier snapshot does not have are as they are. What a pipe has
// counted between the earlier snapshot and its end is in Past. So the sums are those of Past and of the pipes here too.
func (s Stats) Since(earlier Stats) Stats {
	d := s
	d.Send, d.Recv = s.Send.since(earlier.Send), s.Recv.since(earlier.Recv)
	d.Panics = less(s.Panics, earlier.Panics)
	d.Failed = less(s.Failed, earlier.Failed)
	d.SendBlocked, d.SendBlocks = max(s.SendBlocked-earlier.SendBlocked, 0), less(s.SendBlocks, earlier.SendBlocks)
	d.RTT, d.QueueTime = s.RTT.Since(&earlier.RTT), s.QueueTime.Since(&earlier.QueueTime)
	d.Rejected = countsSince(s.Rejected, earlier.Rejected)
	d.Past = s.Past.since(earlier.Past)
	d.Pipes = slices.Clone(s.Pipes)
	for i := range d.Pipes {
		p := &d.Pipes[i]
		if j := slices.IndexFunc(earlier.Pipes, func(e PipeStats) bool { return e.ID == p.ID }); j >= 0 {
			o := &earlier.Pipes[j]
			p.Send, p.Recv = p.Send.since(o.Send), p.Recv.since(o.Recv)
			p.RTT, p.QueueTime = p.RTT.Since(&o.RTT), p.QueueTime.Since(&o.QueueTime)
		}
	}
	for i := range earlier.Pipes { // those that have ended: what they had counted by then is not of this time
		o := &earlier.Pipes[i]
		if !slices.ContainsFunc(s.Pipes, func(p PipeStats) bool { return p.ID == o.ID }) {
			d.Past = d.Past.since(PastStats{Send: o.Send, Recv: o.Recv, RTT: o.RTT, QueueTime: o.QueueTime})
		}
	}
	d.Endpoints = slices.Clone(s.Endpoints)
	for _, o := range earlier.Endpoints {
		if !slices.ContainsFunc(s.Endpoints, func(e EndpointStats) bool { return e.ID == o.ID }) {
			d.Past.Rejected = countsSince(d.Past.Rejected, o.Rejected)
		}
	}
	for i := range d.Endpoints {
		e := &d.Endpoints[i]
		if j := slices.IndexFunc(earlier.Endpoints, func(o EndpointStats) bool { return o.ID == e.ID }); j >= 0 {
			o := &earlier.Endpoints[j]
			e.Established, e.Attempts, e.Redials = less(e.Established, o.Established), less(e.Attempts, o.Attempts), less(e.Redials, o.Redials)
			e.Rejected, e.Failed = countsSince(e.Rejected, o.Rejected), countsSince(e.Failed, o.Failed)
		}
	}
	return d
}

// less is the difference of two values of a counter: 0 if it has become smaller, because the snapshots are in the wrong order.
func less(now, then uint64) uint64 { return now - min(now, then) }

func (a PastStats) since(b PastStats) PastStats {
	return PastStats{
		Send: a.Send.since(b.Send), Recv: a.Recv.since(b.Recv),
		RTT: a.RTT.Since(&b.RTT), QueueTime: a.QueueTime.Since(&b.QueueTime),
		Rejected: countsSince(a.Rejected, b.Rejected),
	}
}

func (a SendStats) since(b SendStats) SendStats {
	a.Offered = less(a.Offered, b.Offered)
	a.Sent = less(a.Sent, b.Sent)
	a.Returned = less(a.Returned, b.Returned)
	a.Bytes = less(a.Bytes, b.Bytes)
	a.Unknown = less(a.Unknown, b.Unknown)
	a.Dropped = countsSince(a.Dropped, b.Dropped)
	return a
}

func (a RecvStats) since(b RecvStats) RecvStats {
	a.Arrived = less(a.Arrived, b.Arrived)
	a.Delivered = less(a.Delivered, b.Delivered)
	a.Filtered = less(a.Filtered, b.Filtered)
	a.Bytes = less(a.Bytes, b.Bytes)
	a.Dropped = countsSince(a.Dropped, b.Dropped)
	return a
}

// countsSince leaves out reasons that have not been counted since.
func countsSince(a, b map[reasons.Reason]uint64) map[reasons.Reason]uint64 {
	d := maps.Clone(a)
	for reason, n := range b {
		d[reason] = less(d[reason], n)
	}
	maps.DeleteFunc(d, func(_ reasons.Reason, n uint64) bool { return n == 0 })
	return d
}

// Rates returns what has happened a second since an earlier snapshot of the same socket, and, by ID, on each pipe that both
// snapshots have. They are 0 if no time has passed.
func (s Stats) Rates(earlier Stats) (of Rates, pipes map[uint32]Rates) {
	elapsed := s.At.Sub(earlier.At)
	d := s.Since(earlier)
	pipes = make(map[uint32]Rates, len(d.Pipes))
	for i := range earlier.Pipes {
		id := earlier.Pipes[i].ID
		if j := slices.IndexFunc(d.Pipes, func(p PipeStats) bool { return p.ID == id }); j >= 0 {
			pipes[id] = ratesOf(&d.Pipes[j].Send, &d.Pipes[j].Recv, elapsed)
		}
	}
	return ratesOf(&d.Send, &d.Recv, elapsed), pipes
}

func ratesOf(send *SendStats, recv *RecvStats, elapsed time.Duration) Rates {
	if elapsed <= 0 {
		return Rates{}
	}
	dropped := uint64(0)
	for _, counts := range []map[reasons.Reason]uint64{send.Dropped, recv.Dropped} {
		for _, n := range counts {
			dropped += n
		}
	}
	a := func(n uint64) float64 { return float64(n) / elapsed.Seconds() }
	return Rates{Sent: a(send.Sent), SentBytes: a(send.Bytes), Delivered: a(recv.Delivered), ReceivedBytes: a(recv.Bytes), Dropped: a(dropped)}
}
