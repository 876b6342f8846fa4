// SPDX-License-Identifier: MIT

package engine

import (
	"math"
	"slices"
	"time"
)

// marks say since when messages wait in an outbox. Each write that leaves messages behind makes one, as far as there is room: so only
// queues that wait have marks, and a mark costs nothing beside a write. They say about how old the oldest message is.
type marks []mark

// A mark says that the messages before a number were queued at a time. The number is that of messages sent before them.
type mark struct {
	before uint64
	at     time.Duration
}

// maxMarks limits the marks of a queue.
const maxMarks = 8

// add marks the messages that are queued now, of a queue that has sent this number before.
func (m marks) add(sent uint64, queued int) marks {
	m = m.of(sent)
	if n := len(m); n > 0 && m[n-1].before == sent+uint64(queued) {
		return m
	}
	at := time.Since(epoch)
	if len(m) == maxMarks {
		m = m.thin(at)
	}
	return append(m, mark{sent + uint64(queued), at})
}

// thin forgets the mark without which the least is lost: that with the smallest gap around it, compared with its age.
func (m marks) thin(now time.Duration) marks {
	least, loss := 0, math.Inf(1)
	for i := 1; i < len(m)-1; i++ {
		if l := float64(m[i+1].at-m[i-1].at) / float64(now-m[i+1].at+1); l < loss {
			least, loss = i, l
		}
	}
	return slices.Delete(m, least, least+1)
}

// dropped says that the oldest n messages were dropped, but for what is being written.
func (m marks) dropped(sent uint64, n int) {
	for i := range m {
		if first := sent + 1; m[i].before > first+uint64(n) {
			m[i].before -= uint64(n)
		} else {
			m[i].before = first
		}
	}
}

// of forgets the marks whose messages are sent.
func (m marks) of(sent uint64) marks {
	gone := 0
	for gone < len(m) && m[gone].before <= sent {
		gone++
	}
	return slices.Delete(m, 0, gone)
}
