// SPDX-License-Identifier: MIT

package stats

import "github.com/sprymq/spry/internal/reasons"

// AddSend adds the figures of b to a.
func AddSend(a *SendStats, b SendStats) {
	a.Offered += b.Offered
	a.Sent += b.Sent
	a.Queued += b.Queued
	a.QueuedBytes += b.QueuedBytes
	a.Returned += b.Returned
	a.Bytes += b.Bytes
	a.OldestAge = max(a.OldestAge, b.OldestAge)
	a.Unknown += b.Unknown
	AddCounts(&a.Dropped, b.Dropped)
}

// AddRecv adds the figures of b to a.
func AddRecv(a *RecvStats, b RecvStats) {
	a.Arrived += b.Arrived
	a.Delivered += b.Delivered
	a.Queued += b.Queued
	a.QueuedBytes += b.QueuedBytes
	a.OldestAge = max(a.OldestAge, b.OldestAge)
	a.Filtered += b.Filtered
	a.Bytes += b.Bytes
	AddCounts(&a.Dropped, b.Dropped)
}

// AddCounts adds counts by reason to sum, which it makes if there is none.
func AddCounts(sum *map[reasons.Reason]uint64, more map[reasons.Reason]uint64) {
	if *sum == nil {
		*sum = make(map[reasons.Reason]uint64, len(more))
	}
	for reason, n := range more {
		(*sum)[reason] += n
	}
}

// AddPast adds what is gone to the sums of a socket.
func AddPast(s *Stats, p PastStats) {
	AddSend(&s.Send, p.Send)
	AddRecv(&s.Recv, p.Recv)
	s.RTT.Merge(&p.RTT)
	s.QueueTime.Merge(&p.QueueTime)
	AddCounts(&s.Rejected, p.Rejected)
}

// AddPipe adds a pipe to the sums of a socket.
func AddPipe(s *Stats, p *PipeStats) {
	AddSend(&s.Send, p.Send)
	AddRecv(&s.Recv, p.Recv)
	s.RTT.Merge(&p.RTT)
	s.QueueTime.Merge(&p.QueueTime)
}

// AddBuffered adds what is buffered to the sums of a socket.
func AddBuffered(s *Stats, b BufferStats) {
	s.Send.Offered += b.Messages
	s.Send.Queued += b.Messages
	s.Send.QueuedBytes += b.Bytes
}

// ClonePast returns a copy that shares nothing with p.
func ClonePast(p PastStats) PastStats {
	var c Stats
	AddPast(&c, p)
	return PastStats{c.Send, c.Recv, c.RTT, c.QueueTime, c.Rejected}
}
