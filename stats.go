// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/engine"

// SendStats are the books of sending. At any moment, for every pipe:
//
//	Offered = Sent + Queued + Returned + the sum of Dropped
//
// A message to several pipes is counted once for each.
type SendStats struct {
	Offered     uint64            `json:"offered"`      // came to the pipe's queue, or were meant for it
	Sent        uint64            `json:"sent"`         // wholly taken by the operating system, or by the peer's queue within the process
	Queued      uint64            `json:"queued"`       // waiting, or being written
	QueuedBytes int64             `json:"queued_bytes"` // and their size on the wire
	Returned    uint64            `json:"returned"`     // unsent when the pipe ended, and given back to be sent on another
	Unknown     uint64            `json:"unknown"`      // of Sent: on pipes that ended without proof that all of it arrived; an upper bound of what did not
	Dropped     map[string]uint64 `json:"dropped"`      // by reason
}

// RecvStats are the books of receiving. At any moment, for every pipe:
//
//	Arrived = Delivered + Queued + the sum of Dropped
//
// A message for several subscriptions is counted once for each.
type RecvStats struct {
	Arrived     uint64            `json:"arrived"`
	Delivered   uint64            `json:"delivered"` // taken by the application
	Queued      uint64            `json:"queued"`
	QueuedBytes int64             `json:"queued_bytes"`
	Filtered    uint64            `json:"filtered"` // wanted by no subscription; neither arrived nor dropped
	Bytes       uint64            `json:"bytes"`    // received, frame heads included
	Dropped     map[string]uint64 `json:"dropped"`  // by reason
}

// PipeStats are the figures of one pipe.
type PipeStats struct {
	ID   uint32    `json:"id"`
	Live bool      `json:"live"` // false for a pipe that is over, but has messages that are not taken yet
	Send SendStats `json:"send"`
	Recv RecvStats `json:"recv"`
}

// EndpointStats are the figures of one endpoint.
type EndpointStats struct {
	URL         string            `json:"url"`
	Listening   bool              `json:"listening"`
	Pipes       int               `json:"pipes"`
	Established uint64            `json:"established"` // pipes made so far
	Rejected    map[string]uint64 `json:"rejected"`    // peers that were refused, or broke the protocol later, by reason
}

// Stats are the figures of a socket. Each half of each pipe's is of one moment, and balances by itself; so do the
// sums. The reasons for drops are: overflow, pipe_closed, closed, ttl, no_peer, stale, foreign, unwanted,
// envelope, conflated, multipart, stalled, budget.
type Stats struct {
	Name      string            `json:"name"`
	Send      SendStats         `json:"send"` // of all pipes, past ones included
	Recv      RecvStats         `json:"recv"`
	Pending   int               `json:"pending"` // accepted messages that wait for a pipe
	Panics    uint64            `json:"panics"`  // of callbacks
	Rejected  map[string]uint64 `json:"rejected"`
	Pipes     []PipeStats       `json:"pipes"`
	Endpoints []EndpointStats   `json:"endpoints"`
}

func newPipeStats(p engine.PipeStats) PipeStats {
	return PipeStats{ID: p.ID, Live: p.Live, Send: SendStats(p.Out), Recv: RecvStats(p.In)}
}

func newStats(name string, s engine.Stats) Stats {
	st := Stats{
		Name: name, Send: SendStats(s.Out), Recv: RecvStats(s.In),
		Pending: s.Pending, Panics: s.Panics, Rejected: s.Rejected,
	}
	for _, p := range s.Pipes {
		st.Pipes = append(st.Pipes, newPipeStats(p))
	}
	for _, e := range s.Endpoints {
		st.Endpoints = append(st.Endpoints, EndpointStats(e))
	}
	return st
}
