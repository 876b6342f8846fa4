// SPDX-License-Identifier: MIT

package observe

import "github.com/sprymq/spry"

// A metric is a figure of a socket or pipe. One of reasons has a sample for each.
type metric[S any] struct {
	name       string
	kind       Kind
	unit, help string
	value      func(s *S) float64
	reasons    func(s *S) map[spry.Reason]uint64 // instead of value
}

// flows are the metrics of both directions, of a socket or a pipe, whose names begin with prefix.
func flows[S any](prefix string, send func(s *S) *spry.SendStats, recv func(s *S) *spry.RecvStats) []metric[S] {
	out := func(f func(*spry.SendStats) uint64) func(*S) float64 {
		return func(s *S) float64 { return float64(f(send(s))) }
	}
	in := func(f func(*spry.RecvStats) uint64) func(*S) float64 {
		return func(s *S) float64 { return float64(f(recv(s))) }
	}
	return []metric[S]{
		{prefix + "_offered_messages", Counter, "", "Messages put into send queues, or dropped instead.", out(func(s *spry.SendStats) uint64 { return s.Offered }), nil},
		{prefix + "_sent_messages", Counter, "", "Messages written to the operating system, or to a peer in process.", out(func(s *spry.SendStats) uint64 { return s.Sent }), nil},
		{prefix + "_returned_messages", Counter, "", "Unsent messages of ended pipes, to be sent on others.", out(func(s *spry.SendStats) uint64 { return s.Returned }), nil},
		{prefix + "_unconfirmed_messages", Counter, "", "Sent messages on pipes that ended without proof of arrival.", out(func(s *spry.SendStats) uint64 { return s.Unknown }), nil},
		{prefix + "_send_dropped_messages", Counter, "", "Messages dropped before they were sent, by reason.", nil, func(s *S) map[spry.Reason]uint64 { return send(s).Dropped }},
		{prefix + "_send_queue_messages", Gauge, "", "Messages that wait to be sent.", out(func(s *spry.SendStats) uint64 { return s.Queued }), nil},
		{prefix + "_send_queue_bytes", Gauge, "bytes", "Size of the messages that wait to be sent.", out(func(s *spry.SendStats) uint64 { return uint64(s.QueuedBytes) }), nil},
		{prefix + "_arrived_messages", Counter, "", "Messages that came from peers.", in(func(s *spry.RecvStats) uint64 { return s.Arrived }), nil},
		{prefix + "_delivered_messages", Counter, "", "Messages delivered to the application.", in(func(s *spry.RecvStats) uint64 { return s.Delivered }), nil},
		{prefix + "_filtered_messages", Counter, "", "Messages that matched no subscription.", in(func(s *spry.RecvStats) uint64 { return s.Filtered }), nil},
		{prefix + "_received_bytes", Counter, "bytes", "Bytes received, frame headers included.", in(func(s *spry.RecvStats) uint64 { return s.Bytes }), nil},
		{prefix + "_recv_dropped_messages", Counter, "", "Messages dropped after they arrived, by reason.", nil, func(s *S) map[spry.Reason]uint64 { return recv(s).Dropped }},
		{prefix + "_recv_queue_messages", Gauge, "", "Messages that wait to be received.", in(func(s *spry.RecvStats) uint64 { return s.Queued }), nil},
		{prefix + "_recv_queue_bytes", Gauge, "bytes", "Size of the messages that wait to be received.", in(func(s *spry.RecvStats) uint64 { return uint64(s.QueuedBytes) }), nil},
	}
}

var ofSockets = append(flows("spry",
	func(s *SocketReport) *spry.SendStats { return &s.Send }, func(s *SocketReport) *spry.RecvStats { return &s.Recv }),
	metric[SocketReport]{"spry_pipes", Gauge, "", "Live pipes.", func(s *SocketReport) float64 { return float64(live(s)) }, nil},
	metric[SocketReport]{"spry_pending_messages", Gauge, "", "Accepted messages that wait for a pipe.", func(s *SocketReport) float64 { return float64(s.Pending) }, nil},
	metric[SocketReport]{"spry_rejected_peers", Counter, "", "Peers that were refused, or broke the protocol later, by reason.", nil, func(s *SocketReport) map[spry.Reason]uint64 { return s.Rejected }},
	metric[SocketReport]{"spry_failed_requests", Counter, "", "Requests that a handler discarded with an error.", func(s *SocketReport) float64 { return float64(s.Failed) }, nil},
	metric[SocketReport]{"spry_callback_panics", Counter, "", "Panics of callbacks.", func(s *SocketReport) float64 { return float64(s.Panics) }, nil},
)

var ofPipes = flows("spry_pipe",
	func(p *spry.PipeStats) *spry.SendStats { return &p.Send }, func(p *spry.PipeStats) *spry.RecvStats { return &p.Recv })

var ofEndpoints = []metric[spry.EndpointStats]{
	{"spry_endpoint_pipes", Gauge, "", "Live pipes of an endpoint.", func(e *spry.EndpointStats) float64 { return float64(e.Pipes) }, nil},
	{"spry_endpoint_established_pipes", Counter, "", "Pipes that an endpoint has made.", func(e *spry.EndpointStats) float64 { return float64(e.Established) }, nil},
	{"spry_endpoint_rejected_peers", Counter, "", "Peers that an endpoint refused, by reason.", nil, func(e *spry.EndpointStats) map[spry.Reason]uint64 { return e.Rejected }},
}

func live(s *SocketReport) (n int) {
	for i := range s.Pipes {
		if s.Pipes[i].Live {
			n++
		}
	}
	return n
}
