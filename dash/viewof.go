// SPDX-License-Identifier: MIT

package dash

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

// Limits of what is shown of a process, which may be hostile.
const (
	maxSockets   = 1000
	maxPipes     = 5000 // of all sockets of a process
	maxEndpoints = 5000
	maxReasons   = 64
	maxText      = 512 // bytes of a name, an address or an error
)

// viewOf is a report of a process, with rates since the one before.
func viewOf(s *source) *nodeView {
	r := s.report
	v := &nodeView{
		Instance: s.instance(), Name: clip(r.Process.Name), Host: clip(r.Process.Host), PID: r.Process.PID, URL: s.url,
		State: up, Since: s.since, Sockets: []socketView{},
		Process: processView{
			Goroutines: r.Process.Goroutines, HeapBytes: r.Process.HeapBytes, MaxProcs: r.Process.MaxProcs,
			Go: clip(r.Process.Go), Spry: clip(r.Process.Spry), Started: r.Process.Started,
		},
	}
	before := make(map[uint64]*observe.SocketReport)
	if s.earlier != nil {
		for i := range s.earlier.Sockets {
			before[s.earlier.Sockets[i].ID] = &s.earlier.Sockets[i]
		}
	}
	pipes, endpoints := maxPipes, maxEndpoints
	for i := range r.Sockets {
		if i == maxSockets {
			v.Left += len(r.Sockets) - i
			break
		}
		one := &r.Sockets[i]
		view := viewOfSocket(one, before[one.ID], s.apart)
		for j := range one.Endpoints {
			if endpoints--; endpoints < 0 {
				v.Left += len(one.Endpoints) - j
				break
			}
			view.Endpoints = append(view.Endpoints, viewOfEndpoint(&one.Endpoints[j]))
		}
		earlier := pipesOf(before[one.ID])
		for j := range one.Pipes {
			if pipes--; pipes < 0 {
				v.Left += len(one.Pipes) - j
				break
			}
			view.Pipes = append(view.Pipes, viewOfPipe(&one.Pipes[j], earlier[one.Pipes[j].ID], s.apart))
		}
		v.Sockets = append(v.Sockets, view)
	}
	return v
}

func pipesOf(s *observe.SocketReport) map[uint32]*spry.PipeStats {
	if s == nil {
		return nil
	}
	of := make(map[uint32]*spry.PipeStats, len(s.Pipes))
	for i := range s.Pipes {
		of[s.Pipes[i].ID] = &s.Pipes[i]
	}
	return of
}

func viewOfSocket(s, before *observe.SocketReport, apart time.Duration) socketView {
	v := socketView{
		ID: s.ID, Protocol: clip(s.Protocol), Name: clip(s.Name),
		Totals: totalsView{
			Sent: s.Send.Sent, Delivered: s.Recv.Delivered, SendBytes: s.Send.Bytes, RecvBytes: s.Recv.Bytes, Offered: s.Send.Offered, Arrived: s.Recv.Arrived,
		},
		Queued: queuedView{
			Send: s.Send.Queued, SendBytes: s.Send.QueuedBytes, Recv: s.Recv.Queued, RecvBytes: s.Recv.QueuedBytes,
			Oldest: max(s.Send.OldestAge, s.Recv.OldestAge, 0),
		},
		Dropped:  droppedView{reasons(s.Send.Dropped), reasons(s.Recv.Dropped)},
		Rejected: reasons(s.Rejected), Pending: s.Pending, Endpoints: []endpointView{}, Pipes: []pipeView{},
	}
	if before != nil {
		if blocked := s.SendBlocked - before.SendBlocked; apart > 0 && blocked > 0 {
			v.Blocked = blocked.Seconds() / apart.Seconds()
		}
		v.Rates = socketRates{
			flowRates: flow(&s.Send, &before.Send, &s.Recv, &before.Recv, apart),
			Dropped:   rate(sum(s.Send.Dropped)+sum(s.Recv.Dropped), sum(before.Send.Dropped)+sum(before.Recv.Dropped), apart),
		}
	}
	return v
}

func viewOfEndpoint(e *spry.EndpointStats) endpointView {
	return endpointView{
		URL: clip(e.URL), Listening: e.Listening, State: clip(e.State), Pipes: e.Pipes, NextAttempt: e.NextAttempt, LastError: clip(e.LastError),
		Failed: reasons(e.Failed), Rejected: reasons(e.Rejected), Redials: e.Redials,
	}
}

func viewOfPipe(p, before *spry.PipeStats, apart time.Duration) pipeView {
	v := pipeView{
		ID: p.ID, URL: clip(p.URL), Transport: clip(p.Transport), Dialect: clip(p.Dialect), Local: clip(p.Local), Remote: clip(p.Remote),
		Identity: clip(p.Identity), PeerProtocol: clip(p.PeerProtocol), Since: p.Since, Sent: p.Send.Sent, Delivered: p.Recv.Delivered,
		Send:    queueView{p.Send.Queued, p.SendLimit, p.Send.QueuedBytes, p.SendLimitBytes},
		Recv:    queueView{p.Recv.Queued, p.RecvLimit, p.Recv.QueuedBytes, p.RecvLimitBytes},
		Dropped: reasons(p.Send.Dropped),
		RTT:     rttView{p.RTT.Percentile(50), p.RTT.Percentile(99), uint64(p.RTT.Count())},
	}
	for reason, n := range reasons(p.Recv.Dropped) {
		v.Dropped[reason] += n
	}
	if p.TLS != nil {
		v.TLS = &spry.TLSStats{Version: clip(p.TLS.Version), Cipher: clip(p.TLS.Cipher), NotAfter: p.TLS.NotAfter}
	}
	if before != nil {
		v.Rates = flow(&p.Send, &before.Send, &p.Recv, &before.Recv, apart)
	}
	v.peer = peerHint{p.Listening, p.PeerPID, p.PeerSocket, p.PeerPipe}
	return v
}

func flow(send, sendBefore *spry.SendStats, recv, recvBefore *spry.RecvStats, apart time.Duration) flowRates {
	return flowRates{
		Sent: rate(send.Sent, sendBefore.Sent, apart), Delivered: rate(recv.Delivered, recvBefore.Delivered, apart),
		SendBytes: rate(send.Bytes, sendBefore.Bytes, apart), RecvBytes: rate(recv.Bytes, recvBefore.Bytes, apart),
	}
}

// rate is how much a counter grew in a second. One that went back, as only that of a process that lies does, did not grow.
func rate(now, before uint64, apart time.Duration) float64 {
	if now <= before || apart <= 0 {
		return 0
	}
	return float64(now-before) / apart.Seconds()
}

func sum(counts map[spry.Reason]uint64) (n uint64) {
	for _, one := range counts {
		n += one
	}
	return n
}

// reasons is a copy of counts by reason, of those that are not 0 and not too many.
func reasons(counts map[spry.Reason]uint64) map[spry.Reason]uint64 {
	c := make(map[spry.Reason]uint64, min(len(counts), maxReasons))
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		if len(c) < maxReasons && counts[reason] > 0 {
			c[spry.Reason(clip(string(reason)))] = counts[reason]
		}
	}
	return c
}

// clip cuts a text that is too long.
func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}
