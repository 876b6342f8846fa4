// SPDX-License-Identifier: MIT

package engine

import (
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A recorder is a pattern that keeps what it is given, and refuses what it is told to.
type recorder struct {
	traits  Traits
	refuse  func(run []msg.Message) int // how many of run are not taken; nil = none
	busy    error                       // given to new pipes
	during  func(p *Pipe)               // called within Attach
	pending atomic.Int32                // messages that wait for a pipe

	mu       sync.Mutex
	attached []*Pipe
	received []msg.Message
	bodies   []string
	writable int
	returned []msg.Message
	gone     []*Pipe
}

func (r *recorder) Traits() Traits { return r.traits }

func (r *recorder) Attach(p *Pipe) error {
	if r.during != nil {
		r.during(p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attached = append(r.attached, p)
	return r.busy
}

func (r *recorder) Detach(p *Pipe, unsent []msg.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.attached, p) {
		panic("detached before it was attached")
	}
	r.gone = append(r.gone, p)
	r.returned = append(r.returned, unsent...)
}

func (r *recorder) Receive(p *Pipe, run []msg.Message) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(run)
	if r.refuse != nil {
		n -= r.refuse(run)
	}
	for i := range run[:n] {
		r.bodies = append(r.bodies, string(run[i].Body()))
	}
	r.received = append(r.received, run[:n]...)
	p.Took(n)
	return n
}

func (r *recorder) Writable(*Pipe) {
	r.mu.Lock()
	r.writable++
	r.mu.Unlock()
}

func (r *recorder) Refuse(error) {}
func (r *recorder) Pending() int { return int(r.pending.Load()) }

func (r *recorder) Blocked() (time.Duration, uint64) { return 0, 0 }
func (r *recorder) Close() int                       { return 0 }

// testSocket is a socket of a recorder, and an endpoint of it for pipes that the test makes.
func testSocket(o Options, r *recorder) (*Socket, *Endpoint) {
	s := NewSocket(o, func(*Socket, Options) Pattern { return r })
	e, err := s.newEndpoint(false, transport.URL{}, "test://", EndpointConfig{})
	if err != nil {
		panic(err)
	}
	return s, e
}

// streamSession is a session after a handshake with a peer of the right protocol.
func streamSession(tb testing.TB, protocol uint16, limit int64) *wire.Session {
	tb.Helper()
	own, _ := sp.Lookup(protocol)
	h := sp.Dialect.Handshake(wire.Config{Hello: own.Hello(), Listening: true, Framing: transport.FramingLength, MaxMessage: limit, TTL: 8})
	_, _, session, err := h.Step([]byte{0, 'S', 'P', 0, byte(own.Peer >> 8), byte(own.Peer), 0, 0})
	if err != nil || session == nil {
		tb.Fatal("no session: ", err)
	}
	return session
}

// streamPipe is an attached pipe over a connection, whose reader is not running.
func streamPipe(tb testing.TB, e *Endpoint, conn net.Conn, session *wire.Session) (*Pipe, *streamCarrier) {
	tb.Helper()
	p := e.newPipe(&transport.Stream{Conn: conn}, session)
	c := p.carryStream(&transport.Stream{Conn: conn}, buf.NewChunk(buf.MinChunk), 0, 0)
	if err := e.socket.attach(p); err != nil {
		tb.Fatal(err)
	}
	p.release()
	return p, c
}

// tcpPair returns the two ends of a connection.
func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

// trySend queues a message, if there is room, and writes it.
func trySend(p *Pipe, body []byte) bool {
	queued, w := p.TryQueue(false, nil, body, nil)
	w.Write()
	return queued
}

// A fakeConn is a connection that reads and writes as the test says. What is nil ends the stream, or takes all.
type fakeConn struct {
	onRead  func(p []byte) (int, error)
	onWrite func(p []byte) (int, error)
	closed  func()
}

func (c *fakeConn) Read(p []byte) (int, error) {
	if c.onRead == nil {
		return 0, io.EOF
	}
	return c.onRead(p)
}

func (c *fakeConn) Write(p []byte) (int, error) {
	if c.onWrite == nil {
		return len(p), nil
	}
	return c.onWrite(p)
}

func (c *fakeConn) Close() error {
	if c.closed != nil {
		c.closed()
	}
	return nil
}

func (c *fakeConn) LocalAddr() net.Addr              { return inprocAddr("fake") }
func (c *fakeConn) RemoteAddr() net.Addr             { return inprocAddr("fake") }
func (c *fakeConn) SetDeadline(time.Time) error      { return nil }
func (c *fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *fakeConn) SetWriteDeadline(time.Time) error { return nil }

var dialectSP = []wire.Dialect{sp.Dialect}

func lookupHello(protocol uint16) transport.Hello {
	p, _ := sp.Lookup(protocol)
	return p.Hello()
}

func streamLink(conn net.Conn) *transport.Stream { return &transport.Stream{Conn: conn} }
