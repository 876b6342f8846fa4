// SPDX-License-Identifier: MIT

package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/sendqueue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A carrierUnderTest is a carrier, with its queue, whose link takes as much as the test allows.
type carrierUnderTest struct {
	carrier
	queue sendqueue.Queue
	allow func(n int)     // the next write takes n bytes, or n messages, and no more
	came  func() [][]byte // the messages that the peer has got whole
	free  func()          // releases them
	most  int             // for allow
}

var errFull = errors.New("the link takes no more")

// A limitedConn takes bytes until its limit is reached.
type limitedConn struct {
	fakeConn
	limit int
	bytes []byte
}

func (c *limitedConn) Write(p []byte) (int, error) {
	n := min(len(p), c.limit)
	c.limit -= n
	c.bytes = append(c.bytes, p[:n]...)
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// frames are the whole SP frames that came.
func (c *limitedConn) frames() (whole [][]byte) {
	for b := c.bytes; len(b) >= 8; {
		n := int(binary.BigEndian.Uint64(b))
		if len(b) < 8+n {
			break
		}
		whole = append(whole, b[8:8+n])
		b = b[8+n:]
	}
	return whole
}

// A limitedLink takes messages until its limit is reached.
type limitedLink struct {
	transport.Messages
	limit int
	whole [][]byte
}

func (l *limitedLink) LocalAddr() net.Addr  { return nil }
func (l *limitedLink) RemoteAddr() net.Addr { return nil }

func (l *limitedLink) WriteMessages(ps []transport.Packet) (int, error) {
	for i, p := range ps {
		if l.limit == 0 {
			return i, errFull
		}
		l.limit--
		l.whole = append(l.whole, append(bytes.Clone(p.Header), p.Body...))
	}
	return len(ps), nil
}
func (l *limitedLink) Info() transport.Info { return transport.Info{} }
func (l *limitedLink) Close() error         { return nil }

// bodies are the messages without the first byte that a framedConn adds.
func (l *limitedLink) bodies() (whole [][]byte) {
	for _, m := range l.whole {
		whole = append(whole, m[1:])
	}
	return whole
}

// lengthFrames cuts the frames of the Scalability Protocols.
type lengthFrames struct{ wire.Framed }

func (lengthFrames) Cut(stream []byte) (first byte, rest []byte, n, need int) {
	if len(stream) < 8 {
		return 0, nil, 0, 8
	}
	if need = 8 + int(binary.BigEndian.Uint64(stream)); need > len(stream) {
		return 0, nil, 0, need
	}
	return 0, stream[8:need], need, need
}

var carriersUnderTest = map[string]func(t *testing.T) carrierUnderTest{
	"stream": func(t *testing.T) carrierUnderTest { return streamUnderTest(t, false) },
	"sealed": func(t *testing.T) carrierUnderTest { return streamUnderTest(t, true) },
	"messages": func(t *testing.T) carrierUnderTest {
		_, e := testSocket(Options{}, &recorder{})
		link := &limitedLink{}
		c := pipeUnderTest(t, e, link).carryMessages(link)
		return carrierUnderTest{c, c.queue, func(n int) { link.limit = n }, func() [][]byte { return link.whole }, func() {}, 20}
	},
	"framed": func(t *testing.T) carrierUnderTest {
		_, e := testSocket(Options{}, &recorder{})
		link := &limitedLink{}
		stream := streamLink(newFramedConn(link, lengthFrames{}))
		c := pipeUnderTest(t, e, stream).carryStream(stream, nil, 0, 0)
		return carrierUnderTest{c, c.queue, func(n int) { link.limit = n }, link.bodies, func() {}, 20}
	},
	"inproc": func(t *testing.T) carrierUnderTest {
		limit := 0
		r := &recorder{refuse: func(run []msg.Message) int {
			n := min(len(run), limit)
			limit -= n
			return len(run) - n
		}}
		_, near := testSocket(Options{}, &recorder{})
		_, far := testSocket(Options{}, r)
		link := &inprocLink{name: "test"}
		p, q := pipeUnderTest(t, near, link), pipeUnderTest(t, far, link)
		carryInproc(p, q)
		return carrierUnderTest{p.out.carrier, p.out.queue, func(n int) { limit = n }, func() (whole [][]byte) {
			for i := range r.received {
				whole = append(whole, r.received[i].Bytes())
			}
			return whole
		}, func() { msg.ReleaseAll(r.received) }, 20}
	},
}

// pipeUnderTest is a pipe that leaves the budget of all sockets when the test ends. Checks of later tests look at everything there.
func pipeUnderTest(t *testing.T, e *Endpoint, link transport.Link) *Pipe {
	p := e.newPipe(link, streamSession(t, sp.Push, 0))
	t.Cleanup(p.closeAccount)
	return p
}

func streamUnderTest(t *testing.T, sealed bool) carrierUnderTest {
	_, e := testSocket(Options{}, &recorder{})
	conn := &limitedConn{}
	p := pipeUnderTest(t, e, streamLink(conn))
	p.session.Sealed = sealed
	c := p.carryStream(streamLink(conn), nil, 0, 0)
	return carrierUnderTest{c, c.queue, func(n int) { conn.limit = n }, conn.frames, func() {}, 100_000}
}

// A carrierModel says what is to become of messages.
type carrierModel struct {
	t               *testing.T
	c               carrierUnderTest
	dice            *rand.Rand
	flight, pending []modelMessage
	sent            []modelMessage
	serial          int
	wrapped         int // messages that own memory
	released        int
}

type modelMessage struct {
	body []byte
	size int // what put said
}

func (m *carrierModel) put() {
	sizes := []int{0, 2, 40, 300, 5000, 9 << 10, 128 << 10}
	m.serial++
	body := bytes.Repeat([]byte{byte(m.serial), byte(m.serial >> 8)}, sizes[m.dice.IntN(len(sizes))]/2)
	var size int
	if m.dice.IntN(2) == 0 {
		given := bytes.Clone(body)
		size = m.c.queue.Put(nil, given, nil)
		clear(given) // which is the caller's again
	} else {
		m.wrapped++
		size = m.c.queue.Put(nil, nil, msg.Wrap(bytes.Clone(body), func() { m.released++ }))
	}
	m.pending = append(m.pending, modelMessage{body, size})
}

// write takes what is pending and has some of it written, which the carrier's own count must agree with.
func (m *carrierModel) write() {
	before := m.c.queue.Pending()
	if !m.c.queue.Take(nil) {
		if before > 0 || len(m.flight) > 0 {
			m.t.Fatalf("it has nothing to write, with %d messages in flight and %d that wait", len(m.flight), before)
		}
		return
	}
	moved := before - m.c.queue.Pending()
	m.flight, m.pending = append(m.flight, m.pending[:moved]...), m.pending[moved:]
	m.c.allow(m.dice.IntN(m.c.most))
	n, size, err := m.c.write(true)
	if err != nil && !errors.Is(err, errFull) {
		m.t.Fatal(err)
	}
	want := int64(0)
	for _, s := range m.flight[:n] {
		want += int64(s.size)
	}
	if size != want {
		m.t.Fatalf("%d messages left with %d bytes, and came with %d", n, size, want)
	}
	m.sent, m.flight = append(m.sent, m.flight[:n]...), m.flight[n:]
}

func (m *carrierModel) drop() {
	if m.c.queue.Pending() == 0 {
		return
	}
	if n := m.c.queue.Drop(); n != m.pending[0].size {
		m.t.Fatalf("dropped %d bytes, which came as %d", n, m.pending[0].size)
	}
	m.pending = m.pending[1:]
}

func (m *carrierModel) step() {
	switch m.dice.IntN(12) {
	case 0, 1:
		m.write()
	case 2:
		m.drop()
	case 3:
		if len(m.flight)+len(m.pending) == 0 {
			m.c.queue.Idle()
		}
	default:
		m.put()
	}
	if n := m.c.queue.Pending(); n != len(m.pending) {
		m.t.Fatalf("%d messages are pending, want %d", n, len(m.pending))
	}
}

func sameBodies(got [][]byte, want []modelMessage) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i].body) {
			return false
		}
	}
	return true
}

// This is the contract of send queues and carriers. Through any history, a message that a queue took is written whole, or dropped because it was the first to wait, or
// comes back when the link ends: one of these, and once, in order. Its memory is released once.
func TestCarriersLoseNothing(t *testing.T) {
	for name, open := range carriersUnderTest {
		for _, end := range []string{"unsent", "discard"} {
			t.Run(name+" "+end, func(t *testing.T) {
				for seed := range uint64(30) {
					m := &carrierModel{t: t, c: open(t), dice: rand.New(rand.NewPCG(seed, 7))}
					for range 20 + m.dice.IntN(200) {
						m.step()
					}
					if came := m.c.came(); !sameBodies(came, m.sent) {
						t.Fatalf("seed %d: the peer got %d messages whole, and %d count as sent", seed, len(came), len(m.sent))
					}
					m.finish(seed, end == "unsent")
				}
			})
		}
	}
}

func (m *carrierModel) finish(seed uint64, keep bool) {
	if keep {
		back := m.c.queue.Unsent()
		bodies := make([][]byte, len(back))
		for i := range back {
			bodies[i] = back[i].Bytes()
		}
		if want := append(m.flight, m.pending...); !sameBodies(bodies, want) {
			m.t.Fatalf("seed %d: %d messages came back, want %d", seed, len(back), len(want))
		}
		msg.ReleaseAll(back)
	}
	m.c.queue.Discard()
	if n := m.c.queue.Pending(); n != 0 || m.c.queue.Take(nil) {
		m.t.Fatalf("seed %d: %d messages are left after all", seed, n)
	}
	m.c.free()
	if m.released != m.wrapped {
		m.t.Fatalf("seed %d: %d of %d messages' memory was released", seed, m.released, m.wrapped)
	}
}

// closingLink reports that it was closed.
type closingLink struct {
	limitedLink
	closed atomic.Bool
}

func (l *closingLink) Close() error { l.closed.Store(true); return nil }

// A link of whole messages has no deadline that would end its read after a write error: it is closed then. So is one whose
// messages make up a stream.
func TestBrokenMessageLinksAreClosed(t *testing.T) {
	carry := map[string]func(*Pipe, *closingLink){
		"messages": func(p *Pipe, l *closingLink) { p.carryMessages(l) },
		"framed": func(p *Pipe, l *closingLink) {
			conn := newFramedConn(l, lengthFrames{})
			p.carryStream(streamLink(conn), nil, 0, 0).carryFramed(conn)
		},
	}
	for name, carry := range carry {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, e := testSocket(Options{}, &recorder{})
				link := &closingLink{}
				p := pipeUnderTest(t, e, link)
				carry(p, link)
				p.out.carrier.expire()
				time.Sleep(drainTime - time.Nanosecond)
				synctest.Wait()
				if link.closed.Load() {
					t.Fatal("the link was closed at once: the peer's last messages are lost")
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if !link.closed.Load() {
					t.Fatal("the link was not closed")
				}
			})
		})
	}
}
