// SPDX-License-Identifier: MIT

package tour

import (
	"encoding/binary"
	"time"
)

// A message of the tour begins with the time at which it was due, in nanoseconds of [now], or with zero if its
// latency does not count. The rest is filling.
const minSize = 8

// stamp writes the time of a message.
func stamp(body []byte, at int64) { binary.BigEndian.PutUint64(body, uint64(at)) }

// stampOf reads it. ok is false where there is none.
func stampOf(body []byte) (at int64, ok bool) {
	if len(body) < minSize {
		return 0, false
	}
	at = int64(binary.BigEndian.Uint64(body))
	return at, at != 0
}

// A pacer says when the next message of a steady stream is due.
//
// A sender that fell behind because sending took long still counts from the time at which the message was due;
// otherwise a stall would hide the latency that it causes. A timer that wakes late is not the library's doing
// and moves the schedule.
type pacer struct {
	interval time.Duration
	due      int64
}

// wait sleeps until the next message is due, and returns that time.
func (p *pacer) wait() int64 {
	t := now()
	if p.due == 0 {
		p.due = t
	}
	if t < p.due {
		time.Sleep(time.Duration(p.due - t))
		p.due = now()
	}
	at := p.due
	p.due += int64(p.interval)
	return at
}
