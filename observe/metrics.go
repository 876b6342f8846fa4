// SPDX-License-Identifier: MIT

package observe

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sprymq/spry"
)

// A metric is a figure of a socket or pipe. One of reasons has a sample for each.
type metric[S any] struct {
	name, kind, unit, help string
	value                  func(s *S) float64
	reasons                func(s *S) map[spry.Reason]uint64 // instead of value
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
		{prefix + "_offered_messages", "counter", "", "Messages put into send queues, or dropped instead.", out(func(s *spry.SendStats) uint64 { return s.Offered }), nil},
		{prefix + "_sent_messages", "counter", "", "Messages written to the operating system, or to a peer in process.", out(func(s *spry.SendStats) uint64 { return s.Sent }), nil},
		{prefix + "_returned_messages", "counter", "", "Unsent messages of ended pipes, to be sent on others.", out(func(s *spry.SendStats) uint64 { return s.Returned }), nil},
		{prefix + "_unconfirmed_messages", "counter", "", "Sent messages on pipes that ended without proof of arrival.", out(func(s *spry.SendStats) uint64 { return s.Unknown }), nil},
		{prefix + "_send_dropped_messages", "counter", "", "Messages dropped before they were sent, by reason.", nil, func(s *S) map[spry.Reason]uint64 { return send(s).Dropped }},
		{prefix + "_send_queue_messages", "gauge", "", "Messages that wait to be sent.", out(func(s *spry.SendStats) uint64 { return s.Queued }), nil},
		{prefix + "_send_queue_bytes", "gauge", "bytes", "Size of the messages that wait to be sent.", out(func(s *spry.SendStats) uint64 { return uint64(s.QueuedBytes) }), nil},
		{prefix + "_arrived_messages", "counter", "", "Messages that came from peers.", in(func(s *spry.RecvStats) uint64 { return s.Arrived }), nil},
		{prefix + "_delivered_messages", "counter", "", "Messages delivered to the application.", in(func(s *spry.RecvStats) uint64 { return s.Delivered }), nil},
		{prefix + "_filtered_messages", "counter", "", "Messages that matched no subscription.", in(func(s *spry.RecvStats) uint64 { return s.Filtered }), nil},
		{prefix + "_received_bytes", "counter", "bytes", "Bytes received, frame headers included.", in(func(s *spry.RecvStats) uint64 { return s.Bytes }), nil},
		{prefix + "_recv_dropped_messages", "counter", "", "Messages dropped after they arrived, by reason.", nil, func(s *S) map[spry.Reason]uint64 { return recv(s).Dropped }},
		{prefix + "_recv_queue_messages", "gauge", "", "Messages that wait to be received.", in(func(s *spry.RecvStats) uint64 { return s.Queued }), nil},
		{prefix + "_recv_queue_bytes", "gauge", "bytes", "Size of the messages that wait to be received.", in(func(s *spry.RecvStats) uint64 { return uint64(s.QueuedBytes) }), nil},
	}
}

var ofSockets = append(flows("spry",
	func(s *SocketReport) *spry.SendStats { return &s.Send }, func(s *SocketReport) *spry.RecvStats { return &s.Recv }),
	metric[SocketReport]{"spry_pipes", "gauge", "", "Live pipes.", func(s *SocketReport) float64 { return float64(live(s)) }, nil},
	metric[SocketReport]{"spry_pending_messages", "gauge", "", "Accepted messages that wait for a pipe.", func(s *SocketReport) float64 { return float64(s.Pending) }, nil},
	metric[SocketReport]{"spry_rejected_peers", "counter", "", "Peers that were refused, or broke the protocol later, by reason.", nil, func(s *SocketReport) map[spry.Reason]uint64 { return s.Rejected }},
	metric[SocketReport]{"spry_failed_requests", "counter", "", "Requests that a handler discarded with an error.", func(s *SocketReport) float64 { return float64(s.Failed) }, nil},
	metric[SocketReport]{"spry_callback_panics", "counter", "", "Panics of callbacks.", func(s *SocketReport) float64 { return float64(s.Panics) }, nil},
)

var ofPipes = flows("spry_pipe",
	func(p *spry.PipeStats) *spry.SendStats { return &p.Send }, func(p *spry.PipeStats) *spry.RecvStats { return &p.Recv })

var ofEndpoints = []metric[spry.EndpointStats]{
	{"spry_endpoint_pipes", "gauge", "", "Live pipes of an endpoint.", func(e *spry.EndpointStats) float64 { return float64(e.Pipes) }, nil},
	{"spry_endpoint_established_pipes", "counter", "", "Pipes that an endpoint has made.", func(e *spry.EndpointStats) float64 { return float64(e.Established) }, nil},
	{"spry_endpoint_rejected_peers", "counter", "", "Peers that an endpoint refused, by reason.", nil, func(e *spry.EndpointStats) map[spry.Reason]uint64 { return e.Rejected }},
}

func live(s *SocketReport) (n int) {
	for i := range s.Pipes {
		if s.Pipes[i].Live {
			n++
		}
	}
	return n
}

// exposed is a report as OpenMetrics or in the older format of Prometheus, with at most maxPipes pipes.
func exposed(r *Report, older bool, maxPipes int) []byte {
	e := &exposition{older: older}
	e.family("spry_instance", "info", "", "The process: its id is new for each run.")
	e.sample(1, "instance_id", r.Instance)
	sockets, labels := make([]*SocketReport, 0, len(r.Sockets)), make([][]string, 0, len(r.Sockets))
	var endpoints []*spry.EndpointStats
	var endpointLabels [][]string
	var pipes []*spry.PipeStats
	var pipeLabels [][]string
	left := 0
	for i := range r.Sockets {
		s := &r.Sockets[i]
		own := []string{"socket", strconv.FormatUint(s.ID, 10), "protocol", s.Protocol, "name", s.Name}
		sockets, labels = append(sockets, s), append(labels, own)
		for _, one := range merged(s.Endpoints) {
			endpoints = append(endpoints, &one)
			endpointLabels = append(endpointLabels, append(slices.Clone(own), "url", one.URL, "listening", strconv.FormatBool(one.Listening)))
		}
		for j := range s.Pipes {
			if len(pipes) == maxPipes {
				left += len(s.Pipes) - j
				break
			}
			pipes = append(pipes, &s.Pipes[j])
			pipeLabels = append(pipeLabels, append(slices.Clone(own), "pipe", strconv.FormatUint(uint64(s.Pipes[j].ID), 10)))
		}
	}
	write(e, ofSockets, sockets, labels)
	write(e, ofEndpoints, endpoints, endpointLabels)
	if maxPipes > 0 {
		write(e, ofPipes, pipes, pipeLabels)
		e.family("spry_pipes_left_out", "gauge", "", "Pipes without series of their own, because there are too many.")
		e.sample(float64(left))
	}
	return e.end()
}

// merged are endpoints with the figures of those with equal URLs added, because series must differ.
func merged(all []spry.EndpointStats) []spry.EndpointStats {
	var sum []spry.EndpointStats
	for _, e := range all {
		i := slices.IndexFunc(sum, func(o spry.EndpointStats) bool { return o.URL == e.URL && o.Listening == e.Listening })
		if i < 0 {
			e.Rejected = maps.Clone(e.Rejected)
			sum = append(sum, e)
			continue
		}
		sum[i].Pipes += e.Pipes
		sum[i].Established += e.Established
		for reason, n := range e.Rejected {
			sum[i].Rejected[reason] += n
		}
	}
	return sum
}

// write writes families with a sample, or one for each reason, of each of all.
func write[S any](e *exposition, metrics []metric[S], all []*S, labels [][]string) {
	for _, m := range metrics {
		e.family(m.name, m.kind, m.unit, m.help)
		for i, one := range all {
			if m.value != nil {
				e.sample(m.value(one), labels[i]...)
				continue
			}
			counts := m.reasons(one)
			for _, reason := range slices.Sorted(maps.Keys(counts)) {
				e.sample(float64(counts[reason]), append(slices.Clone(labels[i]), "reason", string(reason))...)
			}
		}
	}
}
