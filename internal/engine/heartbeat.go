// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

var (
	errSilent         = errors.New("the peer was silent for two heartbeats and did not answer a ping")
	errUnacknowledged = errors.New("the peer's machine has acknowledged nothing for two heartbeats")
)

// A heartbeat pings a peer that has been silent for an interval. It ends the pipe
//
//   - if nothing was in flight to the peer when it was pinged, and it sends nothing within another interval;
//   - if the peer's machine owes an acknowledgement and has given none for two intervals.
//
// It also sends signs of life to a peer that sends, if this end has nothing else to send.
//
// Back-pressure does not end a pipe: a peer that does not read cannot see a ping, and one behind a slow link sees it late.
// Nor does a pause of this process.
type heartbeat struct {
	pipe     *Pipe
	signs    *signs
	pinger   transport.Pinger // the link, if it has pings of its own; else those of the dialect are used
	conn     net.Conn         // that the link runs over in the end
	interval time.Duration
	last     time.Time // when the last beat was
	asked    bool      // then, and the ping was the first data in flight
	sent     uint64    // messages, until then
	received uint64    // bytes of messages, until then
	stalled  int       // beats in a row that have seen a debt and no acknowledgement since the one before

	pinged time.Time    // when the peer's last ping came; the reader's
	asking atomic.Int64 // when the ping that is not answered yet was sent, since epoch; 0 = there is none
	peers  atomic.Int64 // the time between the peer's pings, or a part of the TTL that they say; 0 = not known

	mu      lock.Mutex[lock.Heartbeat]
	timer   *scope.Timer
	stopped bool
}

const (
	// maxLifeSigns and minLifeSigns bound the interval of signs of life while this end does not read. A peer may have a
	// shorter heartbeat that was not received before reading stopped.
	maxLifeSigns = 500 * time.Millisecond
	minLifeSigns = 50 * time.Millisecond
)

// lifeSigns is the interval of signs of life while nothing is read.
func (h *heartbeat) lifeSigns() time.Duration {
	d := min(h.interval, maxLifeSigns)
	if peers := time.Duration(h.peers.Load()); peers > 0 {
		d = min(d, max(peers/2, minLifeSigns))
	}
	return d
}

// heard learns from a ping of the peer, of tenths of a second, how soon it gives up an end that says nothing.
func (h *heartbeat) heard(ttl uint16) {
	now := time.Now()
	gap := now.Sub(h.pinged)
	if h.pinged.IsZero() {
		gap = 0
	}
	h.pinged = now
	if soon := time.Duration(ttl) * 100 * time.Millisecond / 2; soon > 0 && (gap == 0 || soon < gap) {
		gap = soon
	}
	h.peers.Store(int64(gap))
}

// signs are what a carrier reports to the heartbeat.
type signs struct {
	alive   atomic.Bool // something was received since the last heartbeat
	fed     atomic.Bool // more than a control event was
	writing atomic.Bool // a write waits for the peer to read, or may
	room    roomBell
}

// startHeartbeat starts the heartbeats of a pipe, if its link or the peer's dialect has them.
func (p *Pipe) startHeartbeat(s *signs) {
	interval := p.socket.options.Heartbeat
	pinger, ok := p.link.(transport.Pinger)
	if interval == 0 || ok && !pinger.CanPing() || !ok && !p.dialectPings() {
		return
	}
	h := &heartbeat{pipe: p, signs: s, pinger: pinger, conn: p.link.Info().Conn, interval: interval, last: time.Now()}
	h.mu.Lock()
	h.timer = p.scope.AfterFunc(interval, h.beat)
	h.mu.Unlock()
	p.heartbeat.Store(h)
	if p.over() { // no other code would stop it
		h.stop()
	}
}

// dialectPings reports whether the peer's dialect has pings.
func (p *Pipe) dialectPings() bool {
	f := p.session.Commander
	return f != nil && (p.session.Sealed || len(f.AppendControl(nil, wire.Control{Kind: wire.ControlPing})) > 0)
}

func (h *heartbeat) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	h.timer.Stop()
}

func (h *heartbeat) beat() {
	if err := h.look(); err != nil {
		h.pipe.end(err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.timer.Reset(h.interval)
	}
}

// look returns why the peer is to be given up, if it is, and asks if there is reason to.
func (h *heartbeat) look() error {
	now := time.Now()
	elapsed := now.Sub(h.last)
	h.last = now
	late := elapsed > h.interval+h.interval/2 // this process was stopped, or has too little of a processor
	listens := h.listens()
	if h.alive() || late {
		h.asked, h.stalled = false, 0
		if listens { // the peer's ping may be delayed behind its other data
			h.ping()
		}
		return nil
	}
	p := rawconn.ProgressOf(h.conn)
	stalls := p.Owed && p.Quiet >= elapsed
	if h.stalled++; !stalls {
		h.stalled = 0
	}
	waits := h.signs.room.awaited.Load() // received messages have no room, so nothing is read; see awaitRoom
	switch {
	case h.stalled > 2:
		return errUnacknowledged
	case waits || p.Unread > 0 || h.signs.writing.Load() || !h.pipe.out.idle() || p.Queued > 0 && !(h.asked && (stalls || p.Local)): // of a local peer that was pinged, Queued includes the ping
		h.asked = false
	case h.asked:
		return errSilent
	default:
		h.asked = true
		h.ping()
	}
	return nil
}

// maxControl is as much as a read brings of control events alone, in bytes: more is a message, or a part of one.
const maxControl = 64

// listens reports whether this end has received messages since the last beat, or a part of one, and sent none.
func (h *heartbeat) listens() bool {
	sent, received := h.pipe.Sent(), h.pipe.in.bytes.Load()
	listens := (h.signs.fed.Swap(false) || received != h.received) && sent == h.sent
	h.received, h.sent = received, sent
	return listens
}

// alive reports whether anything was received since the last beat.
func (h *heartbeat) alive() bool {
	alive := h.signs.alive.Swap(false)
	return h.pinger != nil && h.pinger.Heard() || alive
}

func (h *heartbeat) ping() {
	if h.pinger != nil {
		h.pinger.Ping()
		return
	}
	h.asking.CompareAndSwap(0, int64(time.Since(epoch)))
	h.pipe.QueueControl(wire.Control{Kind: wire.ControlPing}).Write()
}

// answered counts the round trip of a ping whose answer has come.
func (h *heartbeat) answered() {
	if asked := h.asking.Swap(0); asked != 0 {
		h.pipe.RoundTrip(time.Since(epoch) - time.Duration(asked))
	}
}
