// SPDX-License-Identifier: MIT

package gateway

import "sync/atomic"

// StatusGone is the status of requests whose clients went away, or ended their side of the connection, before there was an answer.
const StatusGone = 499

// Stats are the counters of a handler. At any moment between requests, Requests is Open and all Answers together.
type Stats struct {
	// Requests is the number of requests so far, and Open that of those that are served now, streams included.
	Requests uint64
	Open     int

	// Answers has the number of ended requests by the status of their answer.
	Answers map[int]uint64

	// Cut is the number of answers that were begun and not written to their end, because the client took nothing for
	// Options.WriteTimeout or went away. Streams and events end when their clients go; of them it counts the slow ones only.
	// On HTTP/2, the end of a connection is noticed only while the answer is written.
	Cut uint64
}

const firstStatus, lastStatus = 100, 599

// counters are the Stats of a handler while it works.
type counters struct {
	requests, open, cut atomic.Int64
	answers             [lastStatus - firstStatus + 1]atomic.Uint64
}

func (c *counters) begin() {
	c.requests.Add(1)
	c.open.Add(1)
}

func (c *counters) end(status int) {
	if status < firstStatus || status > lastStatus {
		status = lastStatus
	}
	c.answers[status-firstStatus].Add(1)
	c.open.Add(-1)
}

func (c *counters) stats() Stats {
	s := Stats{Requests: uint64(c.requests.Load()), Open: int(c.open.Load()), Cut: uint64(c.cut.Load()), Answers: make(map[int]uint64)}
	for i := range c.answers {
		if n := c.answers[i].Load(); n > 0 {
			s.Answers[i+firstStatus] = n
		}
	}
	return s
}
