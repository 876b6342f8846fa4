// SPDX-License-Identifier: MIT

package observe

import (
	"time"

	"github.com/sprymq/spry"
)

// A metric is a figure of a socket, pipe or endpoint. One of the functions is set.
type metric[S any] struct {
	name       string
	kind       Kind
	unit, help string

	value     func(s *S) float64
	reasons   func(s *S) map[spry.Reason]uint64 // a sample for each
	durations func(s *S) *spry.Histogram
	time      func(s *S) time.Time // no sample if it is zero
}

// count is a metric of a counter.
func count[S any](name, help string, value func(s *S) uint64) metric[S] {
	return metric[S]{name: name, kind: Counter, help: help, value: func(s *S) float64 { return float64(value(s)) }}
}

// byReason is a metric of counters by reason.
func byReason[S any](name, help string, reasons func(s *S) map[spry.Reason]uint64) metric[S] {
	return metric[S]{name: name, kind: Counter, help: help, reasons: reasons}
}

// gauge is a metric of something that goes up and down.
func gauge[S any](name, help string, value func(s *S) float64) metric[S] {
	return metric[S]{name: name, kind: Gauge, help: help, value: value}
}

// histogram is a metric of durations.
func histogram[S any](name, help string, durations func(s *S) *spry.Histogram) metric[S] {
	return metric[S]{name: name, kind: Histogram, unit: "seconds", help: help, durations: durations}
}

// in gives a metric a unit, with which its name ends.
func (m metric[S]) in(unit string) metric[S] {
	m.unit = unit
	return m
}

// flows are the metrics of both directions, of a socket or a pipe, whose names begin with prefix.
func flows[S any](prefix string, send func(s *S) *spry.SendStats, recv func(s *S) *spry.RecvStats) []metric[S] {
	return []metric[S]{
		count(prefix+"_offered_messages", "Messages put into send queues, or dropped instead.", func(s *S) uint64 { return send(s).Offered }),
		count(prefix+"_sent_messages", "Messages written to the operating system, or to a peer in process.", func(s *S) uint64 { return send(s).Sent }),
		count(prefix+"_sent_bytes", "Bytes written, frame headers included.", func(s *S) uint64 { return send(s).Bytes }).in("bytes"),
		count(prefix+"_returned_messages", "Unsent messages of ended pipes, to be sent on others.", func(s *S) uint64 { return send(s).Returned }),
		count(prefix+"_unconfirmed_messages", "Sent messages on pipes that ended without proof of arrival.", func(s *S) uint64 { return send(s).Unknown }),
		byReason(prefix+"_send_dropped_messages", "Messages dropped before they were sent, by reason.", func(s *S) map[spry.Reason]uint64 { return send(s).Dropped }),
		gauge(prefix+"_send_queue_messages", "Messages that wait to be sent.", func(s *S) float64 { return float64(send(s).Queued) }),
		gauge(prefix+"_send_queue_bytes", "Size of the messages that wait to be sent.", func(s *S) float64 { return float64(send(s).QueuedBytes) }).in("bytes"),
		gauge(prefix+"_send_queue_oldest_age_seconds", "How long the oldest message has waited to be sent, about.", func(s *S) float64 { return send(s).OldestAge.Seconds() }).in("seconds"),
		count(prefix+"_arrived_messages", "Messages that came from peers.", func(s *S) uint64 { return recv(s).Arrived }),
		count(prefix+"_delivered_messages", "Messages delivered to the application.", func(s *S) uint64 { return recv(s).Delivered }),
		count(prefix+"_filtered_messages", "Messages that matched no subscription.", func(s *S) uint64 { return recv(s).Filtered }),
		count(prefix+"_received_bytes", "Bytes received, frame headers included.", func(s *S) uint64 { return recv(s).Bytes }).in("bytes"),
		byReason(prefix+"_recv_dropped_messages", "Messages dropped after they arrived, by reason.", func(s *S) map[spry.Reason]uint64 { return recv(s).Dropped }),
		gauge(prefix+"_recv_queue_messages", "Messages that wait to be received.", func(s *S) float64 { return float64(recv(s).Queued) }),
		gauge(prefix+"_recv_queue_bytes", "Size of the messages that wait to be received.", func(s *S) float64 { return float64(recv(s).QueuedBytes) }).in("bytes"),
		gauge(prefix+"_recv_queue_oldest_age_seconds", "How long the oldest message has waited to be received, about.", func(s *S) float64 { return recv(s).OldestAge.Seconds() }).in("seconds"),
	}
}

var ofSockets = append(flows("spry",
	func(s *SocketReport) *spry.SendStats { return &s.Send }, func(s *SocketReport) *spry.RecvStats { return &s.Recv }),
	gauge("spry_pipes", "Live pipes.", func(s *SocketReport) float64 { return float64(live(s)) }),
	gauge("spry_pending_messages", "Accepted messages that wait for a pipe.", func(s *SocketReport) float64 { return float64(s.Pending) }),
	metric[SocketReport]{
		name: "spry_send_blocked_seconds", kind: Counter, unit: "seconds", help: "How long calls that send were blocked, in all.",
		value: func(s *SocketReport) float64 { return s.SendBlocked.Seconds() },
	},
	count("spry_send_blocks", "Calls that send and were blocked.", func(s *SocketReport) uint64 { return s.SendBlocks }),
	histogram("spry_rtt_seconds", "Round trips of requests, surveys and pings; a sample.", func(s *SocketReport) *spry.Histogram { return &s.RTT }),
	histogram("spry_queue_time_seconds", "How long received messages were queued; a sample.", func(s *SocketReport) *spry.Histogram { return &s.QueueTime }),
	gauge("spry_goroutines", "Goroutines of a socket, its endpoints and pipes.", func(s *SocketReport) float64 { return float64(s.Goroutines) }),
	metric[SocketReport]{
		name: "spry_certificate_expiry_timestamp_seconds", kind: Gauge, unit: "seconds",
		help: "When the first certificate of a socket's peers expires, in Unix time.", time: firstExpiry,
	},
	byReason("spry_rejected_peers", "Peers that were refused, or broke the protocol later, by reason.", func(s *SocketReport) map[spry.Reason]uint64 { return s.Rejected }),
	count("spry_failed_requests", "Requests that a handler discarded with an error.", func(s *SocketReport) uint64 { return s.Failed }),
	count("spry_callback_panics", "Panics of callbacks.", func(s *SocketReport) uint64 { return s.Panics }),
)

var ofPipes = flows("spry_pipe",
	func(p *spry.PipeStats) *spry.SendStats { return &p.Send }, func(p *spry.PipeStats) *spry.RecvStats { return &p.Recv })

var ofEndpoints = []metric[spry.EndpointStats]{
	gauge("spry_endpoint_pipes", "Live pipes of an endpoint.", func(e *spry.EndpointStats) float64 { return float64(e.Pipes) }),
	count("spry_endpoint_established_pipes", "Pipes that an endpoint has made.", func(e *spry.EndpointStats) uint64 { return e.Established }),
	count("spry_endpoint_attempts", "Attempts of an endpoint to connect.", func(e *spry.EndpointStats) uint64 { return e.Attempts }),
	count("spry_endpoint_redials", "Attempts of an endpoint after its first.", func(e *spry.EndpointStats) uint64 { return e.Redials }),
	byReason("spry_endpoint_failed_attempts", "Attempts that made no pipe, by reason.", func(e *spry.EndpointStats) map[spry.Reason]uint64 { return e.Failed }),
	byReason("spry_endpoint_rejected_peers", "Peers that an endpoint refused, by reason.", func(e *spry.EndpointStats) map[spry.Reason]uint64 { return e.Rejected }),
}

func live(s *SocketReport) (n int) {
	for i := range s.Pipes {
		if s.Pipes[i].Live {
			n++
		}
	}
	return n
}

// firstExpiry is when the first certificate of the socket's live peers expires; zero if there is none.
func firstExpiry(s *SocketReport) (first time.Time) {
	for i := range s.Pipes {
		p := &s.Pipes[i]
		if p.Live && p.TLS != nil && !p.TLS.NotAfter.IsZero() && (first.IsZero() || p.TLS.NotAfter.Before(first)) {
			first = p.TLS.NotAfter
		}
	}
	return first
}
