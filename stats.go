// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/stats"

// SendStats are the counters of sending. At any moment, for every pipe:
//
//	Offered = Sent + Queued + Returned + the sum of Dropped
//
// A message to several pipes is counted once for each. The fields, in JSON in lower case with underscores:
//
//	Offered     uint64            // put into the pipe's queue, or dropped instead
//	Sent        uint64            // wholly written to the operating system, or to the peer's queue in process
//	Queued      uint64            // waiting, or being written
//	QueuedBytes int64             // and their size on the wire
//	Returned    uint64            // unsent when the pipe ended, and returned to be sent on another
//	Unknown     uint64            // of Sent: on pipes that ended without proof of arrival; an upper bound of losses
//	Dropped     map[Reason]uint64 // by reason
type SendStats = stats.SendStats

// RecvStats are the counters of receiving. At any moment, for every pipe:
//
//	Arrived = Delivered + Queued + the sum of Dropped
//
// A message for several subscriptions is counted once for each. The fields:
//
//	Arrived     uint64            // came from peers
//	Delivered   uint64            // delivered to the application
//	Queued      uint64            // waiting to be delivered
//	QueuedBytes int64             // and their size
//	Filtered    uint64            // matched by no subscription; neither arrived nor dropped
//	Bytes       uint64            // received, including frame headers
//	Dropped     map[Reason]uint64 // by reason
type RecvStats = stats.RecvStats

// PipeStats are the counters of one pipe. The fields:
//
//	ID          uint32            // the pipe's
//	Live        bool              // false for an ended pipe with messages that are not delivered yet
//	Send        SendStats         // messages sent
//	Recv        RecvStats         // messages received
type PipeStats = stats.PipeStats

// EndpointStats are the counters of one endpoint. The fields:
//
//	URL         string            // the endpoint's
//	Listening   bool              // a listener, not a dialer
//	Pipes       int               // live ones
//	Established uint64            // pipes made so far
//	Rejected    map[Reason]uint64 // peers that were refused, or broke the protocol later, by reason
type EndpointStats = stats.EndpointStats

// Stats are the counters of a socket. Each half of each pipe's is of one moment, and balances by itself; so do the
// sums. Reasons are those of type [Reason]. The fields:
//
//	Name        string            // the socket's
//	Send        SendStats         // of all pipes, including past ones
//	Recv        RecvStats         // of all pipes, including past ones
//	Pending     int               // accepted messages that wait for a pipe
//	Panics      uint64            // of callbacks
//	Failed      uint64            // requests that Request.Fail discarded
//	Rejected    map[Reason]uint64 // of all endpoints, including past ones
//	Pipes       []PipeStats       // live ones, and ended ones with messages that are not delivered yet
//	Endpoints   []EndpointStats   // those that have not ended
type Stats = stats.Stats
