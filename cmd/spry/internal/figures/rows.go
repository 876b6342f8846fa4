// SPDX-License-Identifier: MIT

// Package figures makes rows and text of what processes report, for the verbs top and stats.
package figures

import (
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

// A Row has the figures and the rates of a socket, or of a pipe of one. In JSON it is a line of spry top --json.
type Row struct {
	At       time.Time `json:"at"`   // when the process took the figures
	Node     string    `json:"node"` // URL without secrets
	Process  string    `json:"process"`
	PID      int       `json:"pid"`
	Instance string    `json:"instance"`
	Socket   uint64    `json:"socket"`
	Protocol string    `json:"protocol"`
	Name     string    `json:"name"`

	Pipe      uint32 `json:"pipe,omitempty"` // 0 in the row of a socket, as are the next two
	Peer      string `json:"peer,omitempty"` // address
	Transport string `json:"transport,omitempty"`
	Pipes     int    `json:"pipes"` // live ones

	SentRate      float64 `json:"sent_rate"`           // messages a second, since the row before
	DeliveredRate float64 `json:"delivered_rate"`      // messages a second
	SentBytes     float64 `json:"sent_bytes_rate"`     // bytes a second
	ReceivedBytes float64 `json:"received_bytes_rate"` // bytes a second
	DroppedRate   float64 `json:"dropped_rate"`        // messages a second, in both directions

	Sent       uint64                 `json:"sent"`
	Delivered  uint64                 `json:"delivered"`
	SendQueued uint64                 `json:"send_queued"`
	SendLimit  int                    `json:"send_limit"` // of a pipe; 0 for a socket, and where there is none
	RecvQueued uint64                 `json:"recv_queued"`
	RecvLimit  int                    `json:"recv_limit"`
	OldestAge  time.Duration          `json:"oldest_age_ns"` // of the oldest queued message
	Dropped    uint64                 `json:"dropped"`       // in both directions
	Reasons    map[spry.Reason]uint64 `json:"reasons"`       // why
	RTT        time.Duration          `json:"rtt_p50_ns"`    // median round trip
	RTT99      time.Duration          `json:"rtt_p99_ns"`
}

// Rows are what a process has, at one time.
type Rows struct {
	Sockets, Pipes []Row
}

// A Sampler makes rows of the reports of one node, one after the other.
type Sampler struct {
	Node string // URL without secrets

	instance string
	earlier  map[uint64]spry.Stats // by the number of the socket
}

// Rows returns the rows of a report. Rates are those since the report before, and 0 in the first.
func (s *Sampler) Rows(r *observe.Report) (all Rows) {
	if r.Instance != s.instance {
		s.instance, s.earlier = r.Instance, nil
	}
	now := make(map[uint64]spry.Stats, len(r.Sockets))
	for i := range r.Sockets {
		st := &r.Sockets[i]
		now[st.ID] = st.Stats
		row := Row{
			At: r.At, Node: s.Node, Process: r.Process.Name, PID: r.Process.PID, Instance: r.Instance,
			Socket: st.ID, Protocol: st.Protocol, Name: st.Name,
		}
		earlier, known := s.earlier[st.ID]
		if !known {
			earlier = st.Stats
		}
		rates, ofPipes := st.Rates(earlier)
		for j := range st.Pipes {
			p := &st.Pipes[j]
			pipe := row
			pipe.Pipe, pipe.Peer, pipe.Transport = p.ID, p.Remote, p.Transport
			pipe.SendLimit, pipe.RecvLimit = p.SendLimit, p.RecvLimit
			if p.Live {
				pipe.Pipes = 1
				row.Pipes++
			}
			pipe.fill(ofPipes[p.ID], &p.Send, &p.Recv, &p.RTT)
			all.Pipes = append(all.Pipes, pipe)
		}
		row.fill(rates, &st.Send, &st.Recv, &st.RTT)
		all.Sockets = append(all.Sockets, row)
	}
	s.earlier = now
	return all
}

func (r *Row) fill(rates spry.Rates, send *spry.SendStats, recv *spry.RecvStats, rtt *spry.Histogram) {
	r.SentRate, r.DeliveredRate, r.DroppedRate = rates.Sent, rates.Delivered, rates.Dropped
	r.SentBytes, r.ReceivedBytes = rates.SentBytes, rates.ReceivedBytes
	r.Sent, r.Delivered = send.Sent, recv.Delivered
	r.SendQueued, r.RecvQueued = send.Queued, recv.Queued
	r.OldestAge = max(send.OldestAge, recv.OldestAge)
	r.Reasons = make(map[spry.Reason]uint64)
	for _, counts := range []map[spry.Reason]uint64{send.Dropped, recv.Dropped} {
		for reason, n := range counts {
			r.Reasons[reason] += n
			r.Dropped += n
		}
	}
	if rtt.Count() > 0 {
		r.RTT, r.RTT99 = rtt.Percentile(50), rtt.Percentile(99)
	}
}
