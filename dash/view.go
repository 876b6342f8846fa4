// SPDX-License-Identifier: MIT

package dash

import (
	"time"

	"github.com/sprymq/spry"
)

// What the page receives, in JSON. Durations are nanoseconds, times are those of RFC 3339, rates are per second.
type (
	nodeView struct {
		Instance string       `json:"instance"`
		Name     string       `json:"name"`
		Host     string       `json:"host"`
		PID      int          `json:"pid"`
		URL      string       `json:"url"`
		State    state        `json:"state"`
		Since    time.Time    `json:"since,omitzero"` // of the state
		Error    string       `json:"error,omitempty"`
		Left     int          `json:"left,omitempty"` // sockets and pipes that are left out, because there are too many
		Process  processView  `json:"process"`
		Sockets  []socketView `json:"sockets"`
	}

	processView struct {
		Goroutines int       `json:"goroutines"`
		HeapBytes  uint64    `json:"heap_bytes"`
		MaxProcs   int       `json:"max_procs"`
		Go         string    `json:"go"`
		Spry       string    `json:"spry"`
		Started    time.Time `json:"started,omitzero"`
	}

	socketView struct {
		ID        uint64                 `json:"id"`
		Protocol  string                 `json:"protocol"`
		Name      string                 `json:"name"`
		Totals    totalsView             `json:"totals"`
		Rates     socketRates            `json:"rates"`
		Queued    queuedView             `json:"queued"`
		Blocked   float64                `json:"blocked"` // share of the time in which calls of Send were blocked
		Dropped   droppedView            `json:"dropped"`
		Rejected  map[spry.Reason]uint64 `json:"rejected"`
		Pending   int                    `json:"pending"`
		Endpoints []endpointView         `json:"endpoints"`
		Pipes     []pipeView             `json:"pipes"`
	}

	totalsView struct {
		Sent      uint64 `json:"sent"`
		Delivered uint64 `json:"delivered"`
		SendBytes uint64 `json:"send_bytes"`
		RecvBytes uint64 `json:"recv_bytes"`
		Offered   uint64 `json:"offered"`
		Arrived   uint64 `json:"arrived"`
	}

	flowRates struct {
		Sent      float64 `json:"sent"`
		Delivered float64 `json:"delivered"`
		SendBytes float64 `json:"send_bytes"`
		RecvBytes float64 `json:"recv_bytes"`
	}

	socketRates struct {
		flowRates
		Dropped float64 `json:"dropped"`
	}

	queuedView struct {
		Send      uint64        `json:"send"`
		SendBytes int64         `json:"send_bytes"`
		Recv      uint64        `json:"recv"`
		RecvBytes int64         `json:"recv_bytes"`
		Oldest    time.Duration `json:"oldest_ns"`
	}

	droppedView struct {
		Send map[spry.Reason]uint64 `json:"send"`
		Recv map[spry.Reason]uint64 `json:"recv"`
	}

	endpointView struct {
		URL         string                 `json:"url"`
		Listening   bool                   `json:"listening"`
		State       string                 `json:"state"`
		Pipes       int                    `json:"pipes"`
		NextAttempt time.Time              `json:"next_attempt,omitzero"`
		LastError   string                 `json:"last_error,omitempty"`
		Failed      map[spry.Reason]uint64 `json:"failed"`
		Rejected    map[spry.Reason]uint64 `json:"rejected"`
		Redials     uint64                 `json:"redials"`
	}

	pipeView struct {
		ID           uint32                 `json:"id"`
		URL          string                 `json:"url"`
		Transport    string                 `json:"transport"`
		Dialect      string                 `json:"dialect"`
		TLS          *spry.TLSStats         `json:"tls,omitempty"`
		Local        string                 `json:"local"`
		Remote       string                 `json:"remote"`
		Identity     string                 `json:"identity,omitempty"`
		PeerProtocol string                 `json:"peer_protocol"`
		Since        time.Time              `json:"since,omitzero"`
		Peer         *pipeRef               `json:"peer"` // nil if no known process has the other end
		Sent         uint64                 `json:"sent"`
		Delivered    uint64                 `json:"delivered"`
		Rates        flowRates              `json:"rates"`
		Send         queueView              `json:"send"`
		Recv         queueView              `json:"recv"`
		RTT          rttView                `json:"rtt"`
		Dropped      map[spry.Reason]uint64 `json:"dropped"` // in both directions

		peer peerHint
	}

	pipeRef struct {
		Instance string `json:"instance"`
		Socket   uint64 `json:"socket"`
		Pipe     uint32 `json:"pipe"`
	}

	queueView struct {
		Queued     uint64 `json:"queued"`
		Limit      int    `json:"limit"`
		Bytes      int64  `json:"bytes"`
		LimitBytes int64  `json:"limit_bytes"`
	}

	rttView struct {
		P50   time.Duration `json:"p50_ns"`
		P99   time.Duration `json:"p99_ns"`
		Count uint64        `json:"count"`
	}
)

// A state says whether a process answers.
type state string

const (
	up          state = "up"
	gone        state = "gone"        // it has ended: no process listens at its address, or another one does
	unreachable state = "unreachable" // it does not answer, or not as it should
	removed     state = "removed"     // the page forgets it
)
