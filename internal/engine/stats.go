// SPDX-License-Identifier: MIT

package engine

import (
	"fmt"
	"slices"
	"sort"

	"github.com/sprymq/spry/internal/wire"
)

// SendStats are the books of sending: Offered = Sent + Queued + Returned + the sum of Dropped.
type SendStats struct {
	Offered     uint64
	Sent        uint64
	Queued      uint64
	QueuedBytes int64
	Returned    uint64
	Unknown     uint64
	Dropped     map[string]uint64
}

// RecvStats are the books of receiving: Arrived = Delivered + Queued + the sum of Dropped.
type RecvStats struct {
	Arrived     uint64
	Delivered   uint64
	Queued      uint64
	QueuedBytes int64
	Filtered    uint64
	Bytes       uint64
	Dropped     map[string]uint64
}

// PipeStats are the figures of one pipe.
type PipeStats struct {
	ID   uint32
	Out  SendStats
	In   RecvStats
	Live bool
}

// EndpointStats are the figures of one endpoint.
type EndpointStats struct {
	URL         string
	Listening   bool
	Pipes       int
	Established uint64
	Rejected    map[string]uint64
}

// Stats are the figures of a socket, each pipe's of one moment.
type Stats struct {
	Out       SendStats // of all pipes, past ones included
	In        RecvStats
	Pipes     []PipeStats // live ones, and past ones whose messages are not all received yet
	Endpoints []EndpointStats
	Rejected  map[string]uint64 // of all endpoints, past ones included
	Pending   int               // accepted messages that are in no pipe's queue
	Panics    uint64            // of the user's callbacks
}

// Name is the socket's name in logs and statistics.
func (s *Socket) Name() string {
	if s.options.Name != "" {
		return s.options.Name
	}
	return fmt.Sprintf("%s-%d", s.pattern.Traits().Hello.Name, s.id)
}

// pastPipes remembers the figures of what is gone.
type pastPipes struct {
	out      SendStats
	in       RecvStats
	undone   []*Pipe // over, but with messages in an inbox, or still on their way there
	settleAt int     // length of undone at which it is looked through
	rejected map[wire.Reason]uint64
}

// add enters a pipe that is over. Those that came to rest are let go of in passing, so that a socket with many short
// connections does not keep them.
func (past *pastPipes) add(p *Pipe) {
	past.undone = append(past.undone, p)
	if len(past.undone) >= past.settleAt {
		past.settle()
		past.settleAt = 2*len(past.undone) + minUndone
	}
}

// minUndone is how many past pipes are not worth looking through.
const minUndone = 16

// settle moves the figures of pipes that nothing more comes from, and whose inbox is empty, into the sums.
func (past *pastPipes) settle() {
	rest := past.undone[:0]
	for _, p := range past.undone {
		silent := p.silent.Load() // before the figures, which are then the last ones
		st := p.Stats()
		if !silent || st.In.Queued > 0 || st.Out.Queued > 0 {
			rest = append(rest, p)
			continue
		}
		past.out.add(st.Out)
		past.in.add(st.In)
	}
	clear(past.undone[len(rest):])
	past.undone = rest
}

// RefuseN counts n messages that were meant for this pipe and are not offered to it, because it would not take them.
func (p *Pipe) RefuseN(reason Drop, n int) {
	if n == 0 {
		return
	}
	p.out.mu.Lock()
	p.out.offered += uint64(n)
	p.out.dropped.add(reason, uint64(n))
	p.out.mu.Unlock()
	p.socket.dropped(p, reason, n)
}

// Sent is the number of messages that were written, so far.
func (p *Pipe) Sent() uint64 {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.sent
}

// silent reports whether nothing arrives any more from pipes that are over.
func (past *pastPipes) silent() bool {
	return !slices.ContainsFunc(past.undone, func(p *Pipe) bool { return !p.silent.Load() })
}

// DropOut counts messages that were to be sent and had no pipe to be queued to.
func (s *Socket) DropOut(reason Drop, n int) {
	s.mu.Lock()
	s.past.out.Offered += uint64(n)
	s.past.out.Dropped = addCounts(s.past.out.Dropped, map[string]uint64{reason.String(): uint64(n)})
	s.mu.Unlock()
	s.emit(Event{Kind: EventDrop, Reason: reason.String(), Count: uint64(n)})
}

func (past *pastPipes) endpoint(e *Endpoint) {
	if past.rejected == nil {
		past.rejected = make(map[wire.Reason]uint64)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for r, n := range e.rejected {
		past.rejected[r] += n
	}
	clear(e.rejected)
}

func (a *SendStats) add(b SendStats) {
	a.Offered += b.Offered
	a.Sent += b.Sent
	a.Queued += b.Queued
	a.QueuedBytes += b.QueuedBytes
	a.Returned += b.Returned
	a.Unknown += b.Unknown
	a.Dropped = addCounts(a.Dropped, b.Dropped)
}

func (a *RecvStats) add(b RecvStats) {
	a.Arrived += b.Arrived
	a.Delivered += b.Delivered
	a.Queued += b.Queued
	a.QueuedBytes += b.QueuedBytes
	a.Filtered += b.Filtered
	a.Bytes += b.Bytes
	a.Dropped = addCounts(a.Dropped, b.Dropped)
}

func addCounts(sum, more map[string]uint64) map[string]uint64 {
	if sum == nil {
		sum = make(map[string]uint64, len(more))
	}
	for k, n := range more {
		sum[k] += n
	}
	return sum
}

// Stats returns the pipe's figures. Each half is of one moment.
func (p *Pipe) Stats() PipeStats {
	return PipeStats{ID: p.id, Out: p.out.stats(p), In: p.in.stats(), Live: !p.over.Load()}
}

func (o *outbox) stats(p *Pipe) SendStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	st := SendStats{
		Offered: o.offered, Sent: o.sent, Queued: uint64(o.queued), QueuedBytes: o.bytes, Returned: o.returned,
		Dropped: make(map[string]uint64),
	}
	o.dropped.addTo(st.Dropped)
	if p.over.Load() {
		st.Unknown = o.unknownLocked()
	}
	return st
}

// unknownLocked is how many messages a pipe that is over has sent and may not have delivered: all, if there is no proof.
func (o *outbox) unknownLocked() uint64 {
	if o.confirmed {
		return 0
	}
	return o.sent
}

func (in *inbound) stats() RecvStats {
	in.mu.Lock()
	defer in.mu.Unlock()
	st := RecvStats{
		Arrived: in.arrived, Delivered: in.delivered, Filtered: in.filtered, Bytes: in.bytes.Load(),
		Dropped: make(map[string]uint64),
	}
	in.dropped.addTo(st.Dropped)
	var waiting drops
	for _, src := range in.sources {
		c := src.Counts()
		st.Arrived += c.Arrived
		st.Delivered += c.Delivered
		st.Queued += uint64(c.Queued)
		st.QueuedBytes += c.QueuedBytes
		waiting.add(DropOverflow, c.Overflow)
		waiting.add(DropClosed, c.Lost)
		waiting.add(DropBudget, c.Shed)
	}
	waiting.addTo(st.Dropped)
	return st
}

// Stats returns the socket's figures.
func (s *Socket) Stats() Stats {
	s.mu.Lock()
	s.past.settle()
	var st Stats
	st.Out.add(s.past.out)
	st.In.add(s.past.in)
	st.Rejected = make(map[string]uint64)
	for r, n := range s.past.rejected {
		st.Rejected[string(r)] += n
	}
	pipes := append([]*Pipe(nil), s.past.undone...)
	for _, p := range s.pipes {
		pipes = append(pipes, p)
	}
	endpoints := s.endpointsLocked()
	s.mu.Unlock()

	for _, p := range pipes {
		ps := p.Stats()
		st.Out.add(ps.Out)
		st.In.add(ps.In)
		st.Pipes = append(st.Pipes, ps)
	}
	sort.Slice(st.Pipes, func(i, j int) bool { return st.Pipes[i].ID < st.Pipes[j].ID })
	for _, e := range endpoints {
		es := e.Stats()
		for r, n := range es.Rejected {
			st.Rejected[r] += n
		}
		st.Endpoints = append(st.Endpoints, es)
	}
	sort.Slice(st.Endpoints, func(i, j int) bool { return st.Endpoints[i].URL < st.Endpoints[j].URL })
	st.Pending = s.pattern.Pending()
	st.Panics = s.panics.Load()
	return st
}

// Stats returns the endpoint's figures.
func (e *Endpoint) Stats() EndpointStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	es := EndpointStats{URL: e.shown, Listening: e.listen, Pipes: len(e.pipes), Established: e.established, Rejected: make(map[string]uint64)}
	for r, n := range e.rejected {
		es.Rejected[string(r)] += n
	}
	return es
}
