// SPDX-License-Identifier: MIT

// Package stats has the figures of sockets. They are package spry's too, which documents them again: its tests compare.
package stats

import "github.com/sprymq/spry/internal/reasons"

// SendStats are the counters of sending.
type SendStats struct {
	Offered     uint64                    `json:"offered"`      // put into the pipe's queue, or dropped instead
	Sent        uint64                    `json:"sent"`         // wholly written to the operating system, or to the peer's queue in process
	Queued      uint64                    `json:"queued"`       // waiting, or being written
	QueuedBytes int64                     `json:"queued_bytes"` // and their size on the wire
	Returned    uint64                    `json:"returned"`     // unsent when the pipe ended, and returned to be sent on another
	Unknown     uint64                    `json:"unknown"`      // of Sent: on pipes that ended without proof of arrival; an upper bound of losses
	Dropped     map[reasons.Reason]uint64 `json:"dropped"`      // by reason
}

// AddSend adds the figures of b to a.
func AddSend(a *SendStats, b SendStats) {
	a.Offered += b.Offered
	a.Sent += b.Sent
	a.Queued += b.Queued
	a.QueuedBytes += b.QueuedBytes
	a.Returned += b.Returned
	a.Unknown += b.Unknown
	AddCounts(&a.Dropped, b.Dropped)
}

// RecvStats are the counters of receiving.
type RecvStats struct {
	Arrived     uint64                    `json:"arrived"`      // came from peers
	Delivered   uint64                    `json:"delivered"`    // delivered to the application
	Queued      uint64                    `json:"queued"`       // waiting to be delivered
	QueuedBytes int64                     `json:"queued_bytes"` // and their size
	Filtered    uint64                    `json:"filtered"`     // matched by no subscription; neither arrived nor dropped
	Bytes       uint64                    `json:"bytes"`        // received, including frame headers
	Dropped     map[reasons.Reason]uint64 `json:"dropped"`      // by reason
}

// AddRecv adds the figures of b to a.
func AddRecv(a *RecvStats, b RecvStats) {
	a.Arrived += b.Arrived
	a.Delivered += b.Delivered
	a.Queued += b.Queued
	a.QueuedBytes += b.QueuedBytes
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

// PipeStats are the counters of one pipe.
type PipeStats struct {
	ID   uint32    `json:"id"`   // the pipe's
	Live bool      `json:"live"` // false for an ended pipe with messages that are not delivered yet
	Send SendStats `json:"send"` // messages sent
	Recv RecvStats `json:"recv"` // messages received
}

// EndpointStats are the counters of one endpoint.
type EndpointStats struct {
	URL         string                    `json:"url"`         // the endpoint's
	Listening   bool                      `json:"listening"`   // a listener, not a dialer
	Pipes       int                       `json:"pipes"`       // live ones
	Established uint64                    `json:"established"` // pipes made so far
	Rejected    map[reasons.Reason]uint64 `json:"rejected"`    // peers that were refused, or broke the protocol later, by reason
}

// Stats are the counters of a socket.
type Stats struct {
	Name      string                    `json:"name"`      // the socket's
	Send      SendStats                 `json:"send"`      // of all pipes, including past ones
	Recv      RecvStats                 `json:"recv"`      // of all pipes, including past ones
	Pending   int                       `json:"pending"`   // accepted messages that wait for a pipe
	Panics    uint64                    `json:"panics"`    // of callbacks
	Failed    uint64                    `json:"failed"`    // requests that Request.Fail discarded
	Rejected  map[reasons.Reason]uint64 `json:"rejected"`  // of all endpoints, including past ones
	Pipes     []PipeStats               `json:"pipes"`     // live ones, and ended ones with messages that are not delivered yet
	Endpoints []EndpointStats           `json:"endpoints"` // those that have not ended
}
