// SPDX-License-Identifier: MIT

package ws

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

const (
	// quiet is how long a link receives nothing before it sends a ping. Proxies end idle connections after a minute.
	quiet = 25 * time.Second

	// fragment is the largest frame that is sent to a socket of the Scalability Protocols: NNG takes no larger ones than 1 MiB.
	fragment = 64 << 10

	// farewell is how long the close frame after an error may take.
	farewell = time.Second

	// atOnce is how long the close frame of a Close may take. Most connections have room for it.
	atOnce = 5 * time.Millisecond
)

var errClosedWrite = errors.New("the outgoing direction of the WebSocket has ended")

// A link is a WebSocket.
type link struct {
	inner  *transport.Stream
	client bool // this end dialed, and masks

	request *http.Request // of a dialing end, until it is sent
	server  *serverSide   // of a listening end, until it is upgraded
	asked   *http.Request
	early   []byte // data that was read behind the request or the answer

	reader reader
	writer writer
	format format // set before the upgrade
	texts  texts  // of a link with text

	control lock.Mutex[lock.WebSocket]
	free    *sync.Cond
	busy    bool // a goroutine writes
	ended   bool // the close frame was written, or is
	pending pending
	scope   *scope.Scope // of the goroutine that writes control frames; nil until there is one

	heard     atomic.Bool // something has arrived since Heard was called
	upgraded  bool
	bare      bool // the peer's part of the upgrade has no more headers than it must: see mayPing
	peerEnded bool // its close frame has come
	closed    bool
	broken    error // how the peer broke the protocol
}

// pending are the control frames that are to be written: only the latest ones are kept.
type pending struct {
	ping   bool
	pong   []byte // nil = none
	goAway bool   // a close frame, after which there are no others
}

func newLink(inner *transport.Stream, client bool) *link {
	k := &link{inner: inner, client: client}
	k.free = sync.NewCond(&k.control)
	return k
}

// begin is called when the connection is upgraded.
func (k *link) begin(o transport.Offer) {
	k.reader = reader{link: k, conn: k.inner.Conn, heard: time.Now(), pings: k.format != binary || mayPing(o, k.bare), kind: k.format.kind()}
	if n := len(k.early); n > 0 {
		k.reader.buf, k.reader.end = make([]byte, max(smallBuffer, 2*n)), n
		copy(k.reader.buf, k.early)
	}
	k.reader.sequence.Limit = o.MaxMessage
	if o.Dialect == "zmtp" && o.MaxMessage > 0 {
		k.reader.sequence.Limit++ // for the flags
	}
	k.writer = writer{conn: k.inner.Conn, mask: k.client, fragment: fragment, kind: k.format.kind()}
	if k.format != binary {
		k.beginText(o)
	}
	if o.Dialect == "zmtp" {
		k.writer.fragment = 0
	}
	_, k.writer.vector = k.inner.Conn.(*net.TCPConn)
	if _, unix := k.inner.Conn.(*net.UnixConn); unix {
		k.writer.vector = true
	}
	k.request, k.server, k.early = nil, nil, nil
	k.control.Lock()
	k.upgraded = true
	k.control.Unlock()
}

// LocalAddr implements [transport.Link].
func (k *link) LocalAddr() net.Addr { return k.inner.LocalAddr() }

// RemoteAddr implements [transport.Link].
func (k *link) RemoteAddr() net.Addr { return k.inner.RemoteAddr() }

// Info implements [transport.Link]. Request is an *[http.Request], at both ends; it is nil before the upgrade.
func (k *link) Info() transport.Info {
	info := k.inner.Info()
	info.HalfCloses, info.Text = true, k.format == text
	if k.asked != nil {
		info.Request = k.asked
	}
	return info
}

// Close implements [transport.Link]. If the peer has no close frame yet, it gets one, but this end does not wait for it.
func (k *link) Close() error {
	k.control.Lock()
	last := k.upgraded && !k.closed && !k.busy && !k.ended
	if k.closed = true; last {
		k.busy, k.ended = true, true
	}
	s := k.scope
	code := wsframe.StatusGoingAway
	if k.peerEnded {
		code = wsframe.StatusNormal
	}
	k.control.Unlock()
	if last {
		_ = k.inner.SetWriteDeadline(time.Now().Add(atOnce))
		_, _ = k.inner.Write(k.writer.control(nil, wsframe.Close, wsframe.AppendClose(nil, code, "")))
		k.leave()
	}
	err := k.inner.Close()
	if s != nil {
		s.Cancel(net.ErrClosed)
	}
	return err
}

// CloseWrite sends a close frame. The peer's ends the other direction.
func (k *link) CloseWrite() error {
	if !k.take() {
		return nil
	}
	k.control.Lock()
	k.ended = true
	k.control.Unlock()
	_, err := k.inner.Write(k.writer.control(nil, wsframe.Close, wsframe.AppendClose(nil, wsframe.StatusNormal, "")))
	k.leave()
	return err
}

// CanPing implements [transport.Pinger].
func (k *link) CanPing() bool { return k.reader.pings }

// Ping implements [transport.Pinger].
func (k *link) Ping() { k.send(pending{ping: true}) }

// Heard implements [transport.Pinger].
func (k *link) Heard() bool { return k.heard.Swap(false) }

// GoAway is CloseWrite of an end whose server stops. It does not wait for the peer to read.
func (k *link) GoAway() { k.send(pending{goAway: true}) }

// take waits until no other goroutine writes. It reports false if this end has ended its direction.
func (k *link) take() bool {
	k.control.Lock()
	defer k.control.Unlock()
	for k.busy {
		k.free.Wait()
	}
	k.busy = !k.ended
	return k.busy
}

// leave writes the control frames that came meanwhile, and lets others write.
func (k *link) leave() {
	for {
		k.control.Lock()
		due := k.pending
		k.pending = pending{}
		if k.ended || due.pong == nil && !due.ping && !due.goAway {
			k.busy = false
			k.free.Broadcast()
			k.control.Unlock()
			return
		}
		k.ended = due.goAway
		k.control.Unlock()
		var b []byte
		if due.pong != nil {
			b = k.writer.control(b, wsframe.Pong, due.pong)
		}
		if due.ping {
			b = k.writer.control(b, wsframe.Ping, nil)
		}
		if due.goAway {
			b = k.writer.control(b, wsframe.Close, wsframe.AppendClose(nil, wsframe.StatusGoingAway, "the server shuts down"))
		}
		_, _ = k.inner.Write(b) // the reader learns of a broken connection
	}
}

// send has control frames written by the goroutine that writes, or else by one of their own: the reader must go on reading, or two
// ends that wait for each other would stop.
func (k *link) send(due pending) {
	k.control.Lock()
	defer k.control.Unlock()
	if due.pong != nil {
		k.pending.pong = due.pong
	}
	k.pending.ping = k.pending.ping || due.ping
	k.pending.goAway = k.pending.goAway || due.goAway
	if k.busy || k.ended || k.closed {
		return
	}
	if k.scope == nil {
		k.scope = scope.New()
	}
	k.busy = k.scope.Go(k.leave) == nil
}

// fail ends the link for an error of the peer's, which gets the reason, if that is possible soon: what is being written ends first.
func (k *link) fail(err error) error {
	breach, ok := errors.AsType[*wsframe.ProtocolError](err)
	if !ok {
		return err
	}
	reason := "frame_type"
	switch breach.Code {
	case wsframe.StatusTooLarge:
		reason = "oversize"
	case wsframe.StatusInvalidData:
		reason = "not_text"
	}
	broken := &transport.PeerError{Reason: reason, Err: err}
	_ = k.inner.SetWriteDeadline(time.Now().Add(farewell))
	k.control.Lock()
	k.broken = broken
	report := !k.ended && !k.closed
	if report {
		k.ended = true
		for k.busy && !k.closed {
			k.free.Wait()
		}
		report = !k.closed
		k.busy = report || k.busy
	}
	k.control.Unlock()
	if report {
		_, _ = k.inner.Write(k.writer.control(nil, wsframe.Close, wsframe.AppendClose(nil, breach.Code, breach.Reason)))
		k.leave()
	}
	return broken
}

// cause is the error of a write that failed: the peer's breach, if that is why.
func (k *link) cause(err error) error {
	k.control.Lock()
	defer k.control.Unlock()
	if k.broken != nil {
		return k.broken
	}
	return err
}

// closing is the error for the peer's close frame.
func (k *link) closing(payload []byte) error {
	code, reason, err := wsframe.ParseClose(payload)
	switch {
	case err != nil:
		return err
	case code == wsframe.StatusNormal || code == wsframe.StatusGoingAway || code == wsframe.StatusNone:
		k.control.Lock()
		defer k.control.Unlock()
		k.peerEnded = true
		return io.EOF
	}
	return breach("peer_error", "the peer ended the WebSocket with status %d and said %q", code, reason)
}

var _ interface {
	transport.Pinger
	transport.Handshaker
} = (*link)(nil)
