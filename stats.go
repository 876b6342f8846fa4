// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/stats"

// A Histogram counts durations, each known to within 1/8 of itself. Its methods are Count, Sum, Mean, Max, Percentile(p float64), the
// shortest duration that p percent do not exceed, AtMost(d), Merge, Clone and Since. In JSON it is an object of count, sum_ns, max_ns and
// buckets: pairs of the longest duration in nanoseconds and the count of each bucket that is not empty.
type Histogram = stats.Histogram

// SendStats are the counters of sending. At any moment, for every pipe:
//
//	Offered = Sent + Queued + Returned + the sum of Dropped
//
// A message to several pipes is counted once for each. The fields, in JSON in lower case with underscores:
//
//	Offered        uint64            // put into the pipe's queue, or dropped instead
//	Sent           uint64            // wholly written to the operating system, or to the peer's queue in process
//	Queued         uint64            // waiting, or being written
//	QueuedBytes    int64             // and their size on the wire
//	Returned       uint64            // unsent when the pipe ended, and returned to be sent on another
//	Bytes          uint64            // written, including frame headers
//	OldestAge      time.Duration     // how long the oldest queued message has waited, about
//	Unknown        uint64            // of Sent: on pipes that ended without proof of arrival; an upper bound of losses
//	Dropped        map[Reason]uint64 // by reason
type SendStats = stats.SendStats

// RecvStats are the counters of receiving. At any moment, for every pipe:
//
//	Arrived = Delivered + Queued + the sum of Dropped
//
// A message for several subscriptions is counted once for each. The fields:
//
//	Arrived        uint64            // came from peers
//	Delivered      uint64            // delivered to the application
//	Queued         uint64            // waiting to be delivered
//	QueuedBytes    int64             // and their size
//	OldestAge      time.Duration     // how long the oldest queued message has waited, about
//	Filtered       uint64            // matched by no subscription; neither arrived nor dropped
//	Bytes          uint64            // received, including frame headers
//	Dropped        map[Reason]uint64 // by reason
type RecvStats = stats.RecvStats

// PipeStats are the counters of one pipe. The fields:
//
//	ID             uint32            // the pipe's
//	Live           bool              // false for an ended pipe with messages that are not delivered yet
//	Since          time.Time         // when it was made
//	URL            string            // its endpoint's
//	Listening      bool              // made by a listener, not a dialer
//	Transport      string            // the last word of the URL's scheme: "tcp"; empty after Attach
//	Dialect        string            // "sp" or "zmtp"; empty in process
//	PeerProtocol   string            // the peer's: "pull"
//	Identity       string            // the peer's, in ZeroMQ's protocol; quoted if it is not text
//	Local          string            // this end's address
//	Remote         string            // the peer's address
//	PeerPID        int               // the peer's process, where the operating system reports it; else 0
//	PeerSocket     uint64            // in process: the number of the peer's socket; else 0
//	PeerPipe       uint32            // in process: the ID of the peer's pipe; else 0
//	TLS            *TLSStats         // nil without TLS
//	SendLimit      int               // of queued messages to send; 0 means none
//	SendLimitBytes int64             // and of their size
//	RecvLimit      int               // of received messages that are not delivered yet; 0 means none
//	RecvLimitBytes int64             // and of their size
//	RTT            Histogram         // round trips of requests, surveys and pings; a sample
//	QueueTime      Histogram         // how long received messages were queued; a sample
//	Send           SendStats         // messages sent
//	Recv           RecvStats         // messages received
type PipeStats = stats.PipeStats

// TLSStats describe the TLS of a pipe. The fields:
//
//	Version        string            // "TLS 1.3"
//	Cipher         string            // the name of the cipher suite
//	NotAfter       time.Time         // when the peer's certificate expires; zero if it has none
type TLSStats = stats.TLSStats

// EndpointStats are the counters of one endpoint. The fields:
//
//	ID             uint64            // the endpoint's: of no other of the socket, nor of any before it
//	URL            string            // the endpoint's
//	Listening      bool              // a listener, not a dialer
//	Pipes          int               // live ones
//	Established    uint64            // pipes made so far
//	Rejected       map[Reason]uint64 // peers that were refused, or broke the protocol later, by reason
//	State          string            // "listening"; of a dialer "connected", "connecting" or "waiting"
//	Attempts       uint64            // to connect
//	Redials        uint64            // attempts after the first
//	Failed         map[Reason]uint64 // attempts without a pipe, by reason
//	NextAttempt    time.Time         // of a dialer that waits
//	LastError      string            // what Endpoint.Err reports
//	Goroutines     int               // of the endpoint and its pipes
type EndpointStats = stats.EndpointStats

// PastStats are the counters of pipes and endpoints that are gone. The fields:
//
//	Send           SendStats         // of past pipes, and of messages that had no pipe
//	Recv           RecvStats         // of past pipes
//	RTT            Histogram         // of past pipes
//	QueueTime      Histogram         // of past pipes
//	Rejected       map[Reason]uint64 // of past endpoints
type PastStats = stats.PastStats

// BufferStats are messages that were accepted and that no pipe has yet. The fields:
//
//	Messages       uint64            // offered and queued
//	Bytes          int64             // and their size
type BufferStats = stats.BufferStats

// Stats are the counters of a socket. Each half of each pipe's is of one moment, and balances by itself. The sums are exactly those of
// Past, Buffered and the listed pipes and endpoints. Reasons are those of type [Reason].
//
// Since(earlier Stats) Stats returns the figures of the time between two snapshots of a socket: the differences of its counters, and the
// later gauges. Rates(earlier Stats) (Rates, map[uint32]Rates) returns them a second, of the socket and by the ID of each pipe. The fields:
//
//	Name           string            // the socket's
//	At             time.Time         // when the figures were taken
//	Send           SendStats         // of all pipes, including past ones, and of what is buffered
//	Recv           RecvStats         // of all pipes, including past ones
//	Past           PastStats         // of what is not listed below any more; a part of the sums
//	Buffered       BufferStats       // in buffers of package bufsend; a part of Send
//	Pending        int               // accepted messages that wait for a pipe
//	Panics         uint64            // of callbacks
//	Failed         uint64            // requests that Request.Fail discarded
//	Rejected       map[Reason]uint64 // of all endpoints, including past ones
//	SendBlocked    time.Duration     // how long calls that send were blocked, in all
//	SendBlocks     uint64            // such calls
//	RTT            Histogram         // of all pipes, including past ones
//	QueueTime      Histogram         // of all pipes, including past ones
//	Goroutines     int               // of the socket, its endpoints and pipes
//	Pipes          []PipeStats       // live ones, and ended ones with messages that are not delivered yet
//	Endpoints      []EndpointStats   // those that have not ended
type Stats = stats.Stats

// Rates are what has happened a second between two [Stats] of a socket. The fields:
//
//	Sent           float64           // messages
//	SentBytes      float64           // with frame headers
//	Delivered      float64           // messages
//	ReceivedBytes  float64           // with frame headers
//	Dropped        float64           // messages, of both directions
type Rates = stats.Rates
