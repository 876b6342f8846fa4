// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/stats"

// SendStats are the figures of sending. At any moment, for every pipe:
//
//	Offered = Sent + Queued + Returned + the sum of Dropped
//
// A message to several pipes is counted once for each. The fields, in JSON in lower case with underscores:
//
//	Offered     uint64            // came to the pipe's queue, or were meant for it
//	Sent        uint64            // wholly taken by the operating system, or by the peer's queue within the process
//	Queued      uint64            // waiting, or being written
//	QueuedBytes int64             // and their size on the wire
//	Returned    uint64            // unsent when the pipe ended, and given back to be sent on another
//	Unknown     uint64            // of Sent: on pipes that ended without proof that all of it arrived; an upper bound of what did not
//	Dropped     map[Reason]uint64 // by reason
type SendStats = stats.SendStats

// RecvStats are the figures of receiving. At any moment, for every pipe:
//
//	Arrived = Delivered + Queued + the sum of Dropped
//
// A message for several subscriptions is counted once for each. The fields:
//
//	Arrived     uint64            // came from peers
//	Delivered   uint64            // taken by the application
//	Queued      uint64            // waiting to be taken
//	QueuedBytes int64             // and their size
//	Filtered    uint64            // wanted by no subscription; neither arrived nor dropped
//	Bytes       uint64            // received, frame heads included
//	Dropped     map[Reason]uint64 // by reason
type RecvStats = stats.RecvStats

// PipeStats are the figures of one pipe. The fields:
//
//	ID          uint32            // the pipe's
//	Live        bool              // false for a pipe that is over, but has messages that are not taken yet
//	Send        SendStats         // messages sent
//	Recv        RecvStats         // what was received
type PipeStats = stats.PipeStats

// EndpointStats are the figures of one endpoint. The fields:
//
//	URL         string            // the endpoint's
//	Listening   bool              // a listener, not a dialer
//	Pipes       int               // live ones
//	Established uint64            // pipes made so far
//	Rejected    map[Reason]uint64 // peers that were refused, or broke the protocol later, by reason
type EndpointStats = stats.EndpointStats

// Stats are the figures of a socket. Each half of each pipe's is of one moment, and balances by itself; so do the
// sums. Reasons are those of type [Reason]. The fields:
//
//	Name        string            // the socket's
//	Send        SendStats         // of all pipes, past ones included
//	Recv        RecvStats         // of all pipes, past ones included
//	Pending     int               // accepted messages that wait for a pipe
//	Panics      uint64            // of callbacks
//	Failed      uint64            // requests that Request.Fail discarded
//	Rejected    map[Reason]uint64 // of all endpoints, past ones included
//	Pipes       []PipeStats       // live ones, and past ones whose messages are not all taken yet
//	Endpoints   []EndpointStats   // those that have not ended
type Stats = stats.Stats
