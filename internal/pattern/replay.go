// SPDX-License-Identifier: MIT

package pattern

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/engine"
)

// A replay sends a new subscription the last values that it wants, the oldest first. It runs in the goroutine that brought
// the subscription, which is that peer's own, and a few values at a time, so that messages can be sent in between. Of a topic
// that a message was sent for meanwhile, the subscriber has that.
type replay struct {
	x     *XPub
	pipe  *engine.Pipe
	peer  *xpubPeer
	topic string
}

// replayed is a value as it was when a replay found it.
type replayed struct {
	value *lastValue
	at    uint64
}

// replayBatch is how many values are queued before other senders may go on.
const replayBatch = 64

// replayFloor is how many values a peer may always have replayed.
const replayFloor = 4096

// run replays as much as the peer has room for. The rest is counted as overflow, however much it is, in one step.
func (r replay) run() {
	values := r.find()
	for len(values) > 0 {
		n, full := r.offer(values[:min(replayBatch, len(values))])
		values = values[n:]
		if full {
			r.pipe.RefuseN(engine.DropOverflow, len(values))
			return
		}
	}
}

// find returns the values, or none if the peer has had too many.
func (r replay) find() []replayed {
	x := r.x
	x.fanout.mu.Lock()
	topics, since := x.last.topics, r.peer.since
	x.fanout.mu.Unlock()
	n := underPrefix(topics, r.topic)
	if n == 0 {
		return nil
	}
	if !r.mayVisit(n) {
		r.pipe.RefuseN(engine.DropOverflow, n)
		return nil
	}
	x.visited.Add(int64(n))
	values := make([]replayed, 0, n)
	topics.from(r.topic, func(it item[*lastValue]) bool {
		if !strings.HasPrefix(it.key, r.topic) {
			return false
		}
		if at := it.value.at.Load(); at > 0 && at <= since {
			values = append(values, replayed{it.value, at})
		}
		return true
	})
	slices.SortFunc(values, func(a, b replayed) int { return cmp.Compare(a.at, b.at) })
	return values
}

// mayVisit reports whether n values more may be looked at for the peer: as many as it has been sent messages, and twice as
// many as there can be to begin with. A peer that subscribes again and again without reading costs no more.
func (r replay) mayVisit(n int) bool {
	allowed := r.pipe.Sent() + uint64(max(2*r.x.last.keep, replayFloor))
	if r.peer.visited+uint64(n) > allowed {
		return false
	}
	r.peer.visited += uint64(n)
	return true
}

// offer queues values to the pipe. It returns how many were looked at, and whether the pipe takes no more.
func (r replay) offer(values []replayed) (n int, full bool) {
	var w engine.PendingWrite // there is one at most
	r.x.fanout.mu.Lock()
	for n < len(values) && !full {
		v := values[n]
		n++
		if v.value.at.Load() != v.at {
			continue
		}
		var one engine.PendingWrite
		one, full = r.pipe.Offer(nil, nil, v.value.m.Clone(), nil, engine.DropNewest)
		if !one.IsZero() {
			w = one
		}
	}
	r.x.fanout.mu.Unlock()
	w.Write()
	return n, full || r.pipe.Over()
}
