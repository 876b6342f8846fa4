// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"sync"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
)

var errSilent = errors.New("the peer has said nothing for two heartbeats, not even when asked")

// A heartbeat asks a peer that has been quiet for an interval whether it is still there, and ends the pipe of one that does
// not answer within another. While nobody takes what has come, and so nothing is read, the peer is not to blame for silence:
// it is told with every beat that this end lives, because its own questions are not read either.
type heartbeat struct {
	pipe     *Pipe
	carrier  *streamCarrier
	interval time.Duration
	asked    bool

	mu      sync.Mutex
	timer   *scope.Timer
	stopped bool
}

// startHeartbeat begins with the heartbeats of a pipe whose peer understands them.
func (p *Pipe) startHeartbeat(c *streamCarrier) {
	interval := p.socket.options.Heartbeat
	f, ok := c.framing.(wire.Commander)
	if interval == 0 || !ok || !p.session.Sealed && len(f.AppendControl(nil, wire.Control{Kind: wire.ControlPing})) == 0 {
		return
	}
	h := &heartbeat{pipe: p, carrier: c, interval: interval}
	boundUnacknowledged(c.conn, 2*interval)
	h.mu.Lock()
	h.timer = p.scope.AfterFunc(interval, h.beat)
	h.mu.Unlock()
	p.heartbeat.Store(h)
	if p.over.Load() { // which nobody stops any more
		h.stop()
	}
}

func (h *heartbeat) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	h.timer.Stop()
}

func (h *heartbeat) beat() {
	switch unread, alive := h.carrier.room.awaited.Load(), h.carrier.alive.Swap(false); {
	case unread:
		h.asked = false
		h.ping()
	case h.carrier.writing.Load(): // the peer does not read, and would not see a question; that its machine lives is TCP's to find out
		h.asked = false
	case alive:
		h.asked = false
	case h.asked:
		h.pipe.end(errSilent)
		return
	default:
		h.asked = true
		h.ping()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.timer.Reset(h.interval)
	}
}

func (h *heartbeat) ping() {
	if h.pipe.QueueControl(wire.Control{Kind: wire.ControlPing}) {
		h.pipe.Write()
	}
}
