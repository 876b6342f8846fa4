// SPDX-License-Identifier: MIT

// Package stats has the figures of sockets. They are package spry's too, which documents them again: its tests compare.
package stats

import (
	"time"

	"github.com/sprymq/spry/internal/hist"
	"github.com/sprymq/spry/internal/reasons"
)

// A Histogram counts durations.
type Histogram = hist.Histogram

// SendStats are the counters of sending.
type SendStats struct {
	Offered     uint64                    `json:"offered"`       // put into the pipe's queue, or dropped instead
	Sent        uint64                    `json:"sent"`          // wholly written to the operating system, or to the peer's queue in process
	Queued      uint64                    `json:"queued"`        // waiting, or being written
	QueuedBytes int64                     `json:"queued_bytes"`  // and their size on the wire
	Returned    uint64                    `json:"returned"`      // unsent when the pipe ended, and returned to be sent on another
	Bytes       uint64                    `json:"bytes"`         // written, including frame headers
	OldestAge   time.Duration             `json:"oldest_age_ns"` // how long the oldest queued message has waited, about
	Unknown     uint64                    `json:"unknown"`       // of Sent: on pipes that ended without proof of arrival; an upper bound of losses
	Dropped     map[reasons.Reason]uint64 `json:"dropped"`       // by reason
}

// RecvStats are the counters of receiving.
type RecvStats struct {
	Arrived     uint64                    `json:"arrived"`       // came from peers
	Delivered   uint64                    `json:"delivered"`     // delivered to the application
	Queued      uint64                    `json:"queued"`        // waiting to be delivered
	QueuedBytes int64                     `json:"queued_bytes"`  // and their size
	OldestAge   time.Duration             `json:"oldest_age_ns"` // how long the oldest queued message has waited, about
	Filtered    uint64                    `json:"filtered"`      // matched by no subscription; neither arrived nor dropped
	Bytes       uint64                    `json:"bytes"`         // received, including frame headers
	Dropped     map[reasons.Reason]uint64 `json:"dropped"`       // by reason
}

// PipeStats are the counters of one pipe.
type PipeStats struct {
	ID             uint32    `json:"id"`               // the pipe's
	Live           bool      `json:"live"`             // false for an ended pipe with messages that are not delivered yet
	Since          time.Time `json:"since"`            // when it was made
	URL            string    `json:"url"`              // its endpoint's
	Listening      bool      `json:"listening"`        // made by a listener, not a dialer
	Transport      string    `json:"transport"`        // the last word of the URL's scheme: "tcp"; empty after Attach
	Dialect        string    `json:"dialect"`          // "sp" or "zmtp"; empty in process
	PeerProtocol   string    `json:"peer_protocol"`    // the peer's: "pull"
	Identity       string    `json:"identity"`         // the peer's, in ZeroMQ's protocol; quoted if it is not text
	Local          string    `json:"local"`            // this end's address
	Remote         string    `json:"remote"`           // the peer's address
	PeerPID        int       `json:"peer_pid"`         // the peer's process, where the operating system reports it; else 0
	PeerSocket     uint64    `json:"peer_socket"`      // in process: the number of the peer's socket; else 0
	PeerPipe       uint32    `json:"peer_pipe"`        // in process: the ID of the peer's pipe; else 0
	TLS            *TLSStats `json:"tls"`              // nil without TLS
	SendLimit      int       `json:"send_limit"`       // of queued messages to send; 0 means none
	SendLimitBytes int64     `json:"send_limit_bytes"` // and of their size
	RecvLimit      int       `json:"recv_limit"`       // of received messages that are not delivered yet; 0 means none
	RecvLimitBytes int64     `json:"recv_limit_bytes"` // and of their size
	RTT            Histogram `json:"rtt"`              // round trips of requests, surveys and pings; a sample
	QueueTime      Histogram `json:"queue_time"`       // how long received messages were queued; a sample
	Send           SendStats `json:"send"`             // messages sent
	Recv           RecvStats `json:"recv"`             // messages received
}

// TLSStats describe the TLS of a pipe.
type TLSStats struct {
	Version  string    `json:"version"`            // "TLS 1.3"
	Cipher   string    `json:"cipher"`             // the name of the cipher suite
	NotAfter time.Time `json:"not_after,omitzero"` // when the peer's certificate expires; zero if it has none
}

// The states of an endpoint.
const (
	Listening  = "listening"
	Connected  = "connected"
	Connecting = "connecting" // an attempt is at work
	Waiting    = "waiting"    // for the next attempt
)

// EndpointStats are the counters of one endpoint.
type EndpointStats struct {
	ID          uint64                    `json:"id"`          // the endpoint's: of no other of the socket, nor of any before it
	URL         string                    `json:"url"`         // the endpoint's
	Listening   bool                      `json:"listening"`   // a listener, not a dialer
	Pipes       int                       `json:"pipes"`       // live ones
	Established uint64                    `json:"established"` // pipes made so far
	Rejected    map[reasons.Reason]uint64 `json:"rejected"`    // peers that were refused, or broke the protocol later, by reason

	State       string                    `json:"state"`                 // "listening"; of a dialer "connected", "connecting" or "waiting"
	Attempts    uint64                    `json:"attempts"`              // to connect
	Redials     uint64                    `json:"redials"`               // attempts after the first
	Failed      map[reasons.Reason]uint64 `json:"failed"`                // attempts without a pipe, by reason
	NextAttempt time.Time                 `json:"next_attempt,omitzero"` // of a dialer that waits
	LastError   string                    `json:"last_error"`            // what Endpoint.Err reports
	Goroutines  int                       `json:"goroutines"`            // of the endpoint and its pipes
}

// PastStats are the counters of pipes and endpoints that are gone.
type PastStats struct {
	Send      SendStats                 `json:"send"`       // of past pipes, and of messages that had no pipe
	Recv      RecvStats                 `json:"recv"`       // of past pipes
	RTT       Histogram                 `json:"rtt"`        // of past pipes
	QueueTime Histogram                 `json:"queue_time"` // of past pipes
	Rejected  map[reasons.Reason]uint64 `json:"rejected"`   // of past endpoints
}

// BufferStats are messages that were accepted and that no pipe has yet.
type BufferStats struct {
	Messages uint64 `json:"messages"` // offered and queued
	Bytes    int64  `json:"bytes"`    // and their size
}

// Stats are the counters of a socket.
type Stats struct {
	Name        string                    `json:"name"`            // the socket's
	At          time.Time                 `json:"at"`              // when the figures were taken
	Send        SendStats                 `json:"send"`            // of all pipes, including past ones, and of what is buffered
	Recv        RecvStats                 `json:"recv"`            // of all pipes, including past ones
	Past        PastStats                 `json:"past"`            // of what is not listed below any more; a part of the sums
	Buffered    BufferStats               `json:"buffered"`        // in buffers of package bufsend; a part of Send
	Pending     int                       `json:"pending"`         // accepted messages that wait for a pipe
	Panics      uint64                    `json:"panics"`          // of callbacks
	Failed      uint64                    `json:"failed"`          // requests that Request.Fail discarded
	Rejected    map[reasons.Reason]uint64 `json:"rejected"`        // of all endpoints, including past ones
	SendBlocked time.Duration             `json:"send_blocked_ns"` // how long calls that send were blocked, in all
	SendBlocks  uint64                    `json:"send_blocks"`     // such calls
	RTT         Histogram                 `json:"rtt"`             // of all pipes, including past ones
	QueueTime   Histogram                 `json:"queue_time"`      // of all pipes, including past ones
	Goroutines  int                       `json:"goroutines"`      // of the socket, its endpoints and pipes
	Pipes       []PipeStats               `json:"pipes"`           // live ones, and ended ones with messages that are not delivered yet
	Endpoints   []EndpointStats           `json:"endpoints"`       // those that have not ended
}

// Rates are counts and bytes a second.
type Rates struct {
	Sent          float64 `json:"sent"`           // messages
	SentBytes     float64 `json:"sent_bytes"`     // with frame headers
	Delivered     float64 `json:"delivered"`      // messages
	ReceivedBytes float64 `json:"received_bytes"` // with frame headers
	Dropped       float64 `json:"dropped"`        // messages, of both directions
}
