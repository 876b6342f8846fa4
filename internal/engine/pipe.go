// SPDX-License-Identifier: MIT

package engine

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// A Pipe is one live connection of a socket with one peer.
type Pipe struct {
	id       uint32
	socket   *Socket
	endpoint *Endpoint
	scope    *scope.Scope
	link     transport.Link
	session  *wire.Session
	origin   msg.Origin
	since    time.Time
	account  budget.Account
	limit    int64 // of a message that the link carries, routing header included; 0 = none
	text     bool  // the link carries text only
	picky    bool  // it has a limit, or carries text only
	out      outbox
	writer   *scope.Task // with the writer's role; nil until there was use for it
	state    any         // the pattern's; see State

	in        inbound
	heartbeat atomic.Pointer[heartbeat] // nil = none
	expiry    atomic.Pointer[scope.Timer]
	expires   *x509.Certificate // what the timer of expiry waits for; set before it
	reads     ReadRole
	silent    atomic.Bool // nothing arrives any more: the link's reader has ended

	known   life           // see pipeNew
	settled bool           // its counters are added to the socket's: see pastPipes
	unsent  *[]msg.Message // messages that are returned to the pattern, if any; set before the pipe is detached

	// Under out.mu.
	finished bool
	err      error         // why the pipe ended; set before it ends
	done     chan struct{} // closed when it has; nil until a goroutine waits for that
}

// State is what the pattern keeps for the pipe.
func (p *Pipe) State() any { return p.state }

// SetState keeps a value of the pattern's, for State. A pattern calls it in Attach, before anything reads it.
func (p *Pipe) SetState(v any) { p.state = v }

func (e *Endpoint) newPipe(link transport.Link, session *wire.Session) *Pipe {
	s := e.socket
	p := &Pipe{id: s.nextPipeID(), socket: s, endpoint: e, link: link, session: session, scope: e.scope.Child(), since: time.Now()}
	p.origin.Pipe = p
	of := link.Info().Properties
	p.limit, p.text = max(of.MaxMessage, 0), of.Text
	p.picky = p.limit > 0 || p.text
	p.out.limits = s.options.SendLimits()
	p.openAccount()
	return p
}

// run receives until the pipe ends.
func (p *Pipe) run() {
	p.release()
	p.startExpiry()
	err := p.out.carrier.read()
	p.silent.Store(true)
	if errors.Is(err, io.EOF) {
		p.peerEnded(err)
	} else {
		p.end(err)
	}
	<-p.Done()
	p.socket.Changed() // the pipe may have been over before it was silent
}

// release lets writing begin: the pipe is attached.
func (p *Pipe) release() {
	p.out.mu.Lock()
	if p.out.writer == writerHeld { // and not over
		p.out.writer = writerFree
	}
	p.out.mu.Unlock()
	p.writeOn()
}

// ID is unique among the pipes of the process, is never used again, and fits a backtrace: 1 to 2^31-1.
func (p *Pipe) ID() uint32 { return p.id }

// Socket is the pipe's socket.
func (p *Pipe) Socket() *Socket { return p.socket }

// Endpoint is the dialer or listener that made the pipe.
func (p *Pipe) Endpoint() *Endpoint { return p.endpoint }

// Link is the pipe's link, with its addresses and its Info.
func (p *Pipe) Link() transport.Link { return p.link }

// Session is the result of the handshake: the protocols of both ends, and the abilities of the dialect.
func (p *Pipe) Session() *wire.Session { return p.session }

// Err says why the pipe has ended: nil while it lives, io.EOF after the peer's orderly end, [ErrClosed] after this end's.
func (p *Pipe) Err() error {
	if p.over() {
		return p.err
	}
	return nil
}

// Close ends the pipe at once, because of cause. A dialer makes a new one in its own time. It is not called under the
// pattern's lock.
func (p *Pipe) Close(cause error) { p.end(cause) }

// PipeOf is the pipe that a message came from, or nil.
func PipeOf(m *msg.Message) *Pipe {
	if o := m.Origin(); o != nil {
		p, _ := o.Pipe.(*Pipe)
		return p
	}
	return nil
}

// Fits reports whether the pipe can carry a message of this shape. [NoneFits] says why it cannot.
func (p *Pipe) Fits(s msg.Shape) bool {
	return (!p.picky || p.carries(s)) && (s.More == 0 || p.session.Multipart != nil)
}

// carries reports whether the link carries a message of this shape.
func (p *Pipe) carries(s msg.Shape) bool {
	return (p.limit == 0 || int64(s.Size) <= p.limit) && (!p.text || s.IsText())
}

// unfit says why the pipe can never carry a message of this shape.
func (p *Pipe) unfit(s msg.Shape) error {
	if s.More > 0 && p.session.Multipart == nil {
		return ErrMultipart
	}
	if p.limit == 0 || int64(s.Size) <= p.limit {
		return fmt.Errorf("%w (the link to %s)", ErrNotText, addrString(p.link.RemoteAddr()))
	}
	return fmt.Errorf("%w: it has %d bytes, the routing header included, and the link to %s takes %d",
		ErrTooLarge, s.Size, addrString(p.link.RemoteAddr()), p.limit)
}

// NoneFits says why none of several pipes can ever carry a message of this shape: [ErrMultipart], [ErrTooLarge] or [ErrNotText]. It
// returns nil if one can, or if there are no pipes. Of several limits the error names the largest.
func NoneFits(s msg.Shape, pipes ...*Pipe) error {
	var best *Pipe
	for _, p := range pipes {
		if p.Fits(s) {
			return nil
		}
		if best == nil || p.limit > best.limit {
			best = p
		}
	}
	if best == nil {
		return nil
	}
	return best.unfit(s)
}

// TryQueue queues a message with the routing header header, if there is room. If m is nil, body is copied; otherwise it
// takes the contents of m. If there is no room, nothing is taken, and the pattern's Writable is called when there is room
// again.
//
// With direct, the sender has not asked the pattern, which saves the pattern's lock; see BenchmarkPipeline. It must ask the
// pattern if TryQueue fails, as for a message that the pipe cannot carry.
func (p *Pipe) TryQueue(direct bool, header, body []byte, m *msg.Message) (queued bool, w PendingWrite) {
	o := &p.out
	shape := msg.ShapeOf(header, body, m)
	if direct && !p.Fits(shape) {
		return false, w
	}
	n := shape.Cost()
	o.mu.Lock()
	if direct && !o.direct || !o.open() || !o.roomLocked(n) {
		o.hungry = o.hungry || !direct && o.open()
		o.mu.Unlock()
		return false, w
	}
	if m == nil {
		o.addedLocked(1, int64(o.queue.Put(header, body, nil)))
	} else {
		o.putMessageLocked(header, m)
	}
	w = p.claimLocked()
	pause := false
	if direct {
		o.sincePause += int64(n) + paceMessage
		pause = w.IsZero() && o.pauseLocked()
	}
	o.mu.Unlock()
	if pause {
		runtime.Gosched()
	}
	return true, w
}

// SetDirect says whether senders may queue directly: for a pattern that has no other pipe to choose.
func (p *Pipe) SetDirect(direct bool) {
	p.out.mu.Lock()
	p.out.direct = direct
	p.out.mu.Unlock()
}

// pace is the number of bytes after which a sender yields to the writer, which may share a processor with it: data that is
// written soon is still in that processor's cache.
const (
	pace        = 128 << 10
	paceMessage = 64 // added for each message, besides its cost
)

// TryQueueBatch queues copies of bodies, or the contents of ms if bodies is nil, with the routing header header: as many as
// there is room for, up to the first that the pipe cannot carry. It returns how many. The caller is to pause when it has
// been ahead of the writer for long enough: see pace.
func (p *Pipe) TryQueueBatch(header []byte, bodies [][]byte, ms []*msg.Message) (n int, w PendingWrite, pause bool) {
	o := &p.out
	bodies = p.fitting(header, bodies)
	o.mu.Lock() // no defer: putManyLocked releases it if it panics
	switch {
	case !o.open():
	case bodies != nil:
		n = o.putBodiesLocked(header, bodies)
	default:
		n = p.putManyLocked(header, ms)
	}
	if n > 0 {
		w, pause = p.claimLocked(), o.pauseLocked()
	}
	o.mu.Unlock()
	return n, w, pause
}

// fitting returns the bodies before the first that the pipe cannot carry behind header.
func (p *Pipe) fitting(header []byte, bodies [][]byte) [][]byte {
	if !p.picky {
		return bodies
	}
	for i := range bodies {
		if !p.Fits(msg.ShapeOf(header, bodies[i], nil)) {
			return bodies[:i]
		}
	}
	return bodies
}

// putManyLocked queues as many of ms as there is room for, up to the first that the pipe cannot carry, and returns how many.
func (p *Pipe) putManyLocked(header []byte, ms []*msg.Message) (n int) {
	o, panics := &p.out, true
	put, bytes := 0, int64(0) // messages that are not counted yet, and their cost
	count := func() {
		o.addedLocked(put, bytes)
		o.sincePause += bytes + int64(put*paceMessage)
		put, bytes = 0, 0
	}
	defer func() {
		count()
		if panics {
			o.mu.Unlock()
		}
	}()
	var free queue.Limits // what there surely is room for
	for ; n < len(ms); n++ {
		shape := ms[n].Shape(len(header))
		if !p.Fits(shape) {
			break
		}
		if size := shape.Cost(); put >= free.Messages || bytes+int64(size) > free.Bytes {
			count()
			if !o.roomLocked(size) {
				o.hungry = true
				break
			}
			free = queue.Limits{Messages: o.limits.Messages - o.queued, Bytes: o.ceiling - o.bytes}
		}
		bytes += int64(o.queue.Put(header, nil, ms[n]))
		put++
	}
	panics = false
	return n
}

// Offer queues a message to a pipe of a best-effort pattern. If there is no room, overflow decides which message
// is dropped. Block is the caller's business (see [Pipe.Room]), and so is Disconnect, for which Offer reports
// that the pipe overflowed (see [ErrOverflow]). A message that the link does not carry is dropped in any case.
// m is a clone, or nil: then body is copied. log, if not nil, is at this message, and is used instead of body.
func (p *Pipe) Offer(header, body []byte, m *msg.Message, log *sendqueue.FrameLog, overflow Overflow) (w PendingWrite, overflowed bool) {
	o := &p.out
	shape := msg.ShapeOf(header, body, m)
	n, unfit := shape.Cost(), p.picky && !p.carries(shape)
	o.mu.Lock()
	if unfit || !p.makeRoomLocked(n, overflow) {
		overflowed = !unfit && o.open()
		p.refuseLocked(m, shape, unfit)
		o.mu.Unlock()
		return w, overflowed
	}
	switch {
	case log != nil:
		o.addedLocked(1, int64(o.queue.PutShared(log)))
	case m != nil:
		o.putMessageLocked(header, m)
	default:
		o.addedLocked(1, int64(o.queue.Put(header, body, nil)))
	}
	w = p.claimLocked()
	o.mu.Unlock() // no defer: it would cost a delivery a twelfth of its publisher's time
	return w, false
}

// makeRoomLocked makes room for n bytes as overflow has it, and reports whether there is some.
func (p *Pipe) makeRoomLocked(n int, overflow Overflow) bool {
	o := &p.out
	switch {
	case overflow == Conflate:
		p.dropPendingLocked(reasons.Conflated, func() bool { return false })
		return o.open()
	case !o.open() || o.roomLocked(n) || overflow == Block && o.fitsLocked(n): // which was asked for before: see Room
		return o.open()
	case overflow == DropOldest:
		p.dropPendingLocked(reasons.Overflow, func() bool { return o.roomLocked(n) })
		return o.roomLocked(n)
	}
	return false
}

// refuseLocked counts a message that is not queued, and releases it. A peer that has ended its direction is none any more,
// although the pipe is there until its queue is written.
func (p *Pipe) refuseLocked(m *msg.Message, s msg.Shape, unfit bool) {
	reason := reasons.Overflow
	switch {
	case !p.out.open():
		reason = reasons.PipeClosed
	case unfit && p.limit > 0 && int64(s.Size) > p.limit:
		reason = reasons.TooLarge
	case unfit:
		reason = reasons.NotText
	}
	if !p.out.peerEnded {
		p.out.offered++
		p.out.dropped.add(reason, 1)
		p.socket.dropped(p, reason, 1)
	}
	if m != nil {
		m.Release()
	}
}

// dropPendingLocked drops messages that are not being written, the oldest first, until that is enough.
func (p *Pipe) dropPendingLocked(reason reasons.Reason, enough func() bool) {
	o, dropped := &p.out, 0
	for ; o.queue.Pending() > 0 && !enough(); dropped++ {
		o.changeLocked(-1, -int64(o.queue.Drop()))
	}
	o.marks.dropped(o.sent, dropped)
	o.dropped.add(reason, uint64(dropped))
	p.socket.dropped(p, reason, dropped)
}

// ErrOverflow ends a pipe with a full queue, by the policy Disconnect.
var ErrOverflow = errors.New("the peer does not keep up, and the overflow policy is Disconnect")

// Room returns how many messages are queued, and how much there is room for: a message of n bytes, or as many messages and
// bytes as it says, which for one that is large for its queue may be fewer bytes than n. If a message of n bytes does not
// fit, Room returns that there is room for none, and Writable is called when it does.
func (p *Pipe) Room(n int) (queued, messages int, bytes int64) {
	o := &p.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.open():
		return 0, unlimited, 1<<63 - 1 // it takes no messages, and delays no other pipe
	case !o.roomLocked(n):
		o.hungry = true
		return o.queued, 0, 0
	}
	return o.queued, o.limits.Messages - o.queued, min(o.limits.Bytes-o.bytes, max(int64(n), o.meter.Spare(o.bytes, creditAtOnce)))
}
