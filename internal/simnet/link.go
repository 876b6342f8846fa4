// SPDX-License-Identifier: MIT

package simnet

import (
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// A Link is one live connection of a [Net], seen by the test that torments it. Its methods are safe for
// concurrent use and never block.
type Link struct {
	name linkName
	net  *Net

	mu         lock.Mutex[lock.SimLink] // guards all below, and the two ends and flows
	changed    signal
	toListener *flow
	toDialer   *flow
	closedEnds int
}

// A linkName is the same in every run with the same calls to Dialer and Dial.
type linkName struct {
	from, to string // the hosts of the two ends, if they have any
	address  string // of the listener: "sim://server"
	dialer   int    // 0 = a host: its attempts at an address have numbers
	attempt  int
}

func (n linkName) String() string {
	if n.dialer == 0 {
		return n.from + "->" + n.address + "#" + strconv.Itoa(n.attempt)
	}
	return n.address + "#" + strconv.Itoa(n.dialer) + "." + strconv.Itoa(n.attempt)
}

// String is the link's name, such as "sim://server#2.1": the first attempt of the second dialer.
func (l *Link) String() string { return l.name.String() }

// Address is the URL of the listener that the link goes to, or its address if it is one of a host.
func (l *Link) Address() string { return l.name.address }

// Hosts are the hosts of the dialing and of the accepting end, if they have any.
func (l *Link) Hosts() (from, to string) { return l.name.from, l.name.to }

// SetFaults replaces the faults of a direction. Bytes under way keep their time of arrival.
func (l *Link) SetFaults(d Direction, f Faults) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fl := range l.flows(d) {
		fl.setFaults(f)
		l.enforceLocked(fl)
	}
	l.changed.raise()
}

// Partition stops a direction, or lets it continue: bytes are taken until the window is full, and arrive, with the orderly
// end if there was one, when the partition ends. Unreliable message links lose them.
func (l *Link) Partition(d Direction, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fl := range l.flows(d) {
		fl.held = on
	}
	l.changed.raise()
}

// Silence stops a direction for ever, unlike other links between the same ends: so does a firewall that has forgotten the connection.
func (l *Link) Silence(d Direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fl := range l.flows(d) {
		fl.silent = true
	}
	l.changed.raise()
}

// Sever lets the host of an end go: the end that reads direction d. Its calls fail, and the other end hears nothing more, not even that.
func (l *Link) Sever(d Direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fl := range l.flows(d) {
		fl.severed = true
	}
	for _, fl := range l.flows(Both &^ d) {
		fl.muted = true
	}
	l.changed.raise()
}

// Awake lets the host of a severed end come back: it answers the other end's bytes, also those of before, with a reset.
func (l *Link) Awake(d Direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fl := range l.flows(d) {
		fl.awake = fl.severed
		l.answerLocked(fl)
	}
	l.changed.raise()
}

// answerLocked resets the writing end of a flow whose reading end's host is back, and knows nothing of the link.
func (l *Link) answerLocked(f *flow) {
	if !f.awake || f.size == 0 {
		return
	}
	back := l.toDialer
	if f == l.toDialer {
		back = l.toListener
	}
	if !back.severed {
		back.muted = false
		back.reset(time.Now().Add(f.faults.Latency + back.faults.Latency))
	}
}

// Cut resets the link: whatever was not read is lost, and both ends fail with ECONNRESET.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutLocked()
}

// Traffic returns how many bytes were written in a direction and how many were read.
func (l *Link) Traffic(d Direction) (written, read int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fl := range l.flows(d) {
		written += fl.taken
		read += fl.delivered
	}
	return written, read
}

func (l *Link) flows(d Direction) []*flow {
	var fs []*flow
	if d&ToListener != 0 {
		fs = append(fs, l.toListener)
	}
	if d&ToDialer != 0 {
		fs = append(fs, l.toDialer)
	}
	return fs
}

func (l *Link) cutLocked() {
	now := time.Now()
	for _, f := range l.flows(Both) {
		f.held, f.silent, f.muted = false, false, false
		f.reset(now)
	}
	l.net.forget(l)
	l.changed.raise()
}

// enforceLocked lets CutAfter and FINAfter strike when their byte was read.
func (l *Link) enforceLocked(f *flow) {
	switch {
	case f.mustCut():
		l.cutLocked()
	case f.mustFinish():
		f.stop(time.Now())
	}
}

// waitLocked gives up the link's mutex until the link changes, done is closed, or the time has come.
func (l *Link) waitLocked(done <-chan struct{}, until time.Time) {
	changed := l.changed.await()
	l.mu.Unlock()
	pause(changed, done, until)
	l.mu.Lock()
}

// An end is the part that the ends of a stream and of a message link have in common. The link's mutex guards it.
type end struct {
	link          *Link
	in, out       *flow
	local, remote addr
	closed        bool
}

// LocalAddr is the address of this end: the listener's name, or for a dialer the link's.
func (e *end) LocalAddr() net.Addr { return e.local }

// RemoteAddr is the address of the other end.
func (e *end) RemoteAddr() net.Addr { return e.remote }

// Link is the link that this is an end of.
func (e *end) Link() *Link { return e.link }

// Close ends the connection at once. If this end left input unread, the peer sees a reset and loses its unread input;
// otherwise the peer reads all written bytes, then the end. A second Close does nothing.
func (e *end) Close() error {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	now := time.Now()
	peerLearns := now.Add(e.out.faults.Latency)
	if len(e.in.segments) > 0 && !e.in.lossy {
		e.out.reset(peerLearns)
	} else {
		e.out.finish(now)
	}
	e.in.leave(peerLearns)
	l.closedEnds++
	if l.closedEnds == 2 {
		l.net.forget(l)
	}
	l.changed.raise()
	return nil
}

// CloseWrite ends the outgoing direction after the written bytes. Reading continues.
func (e *end) CloseWrite() error {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case e.closed:
		return e.opError("close", net.ErrClosed)
	case e.in.isReset(now):
		return e.opError("close", syscall.ECONNRESET)
	}
	e.out.finish(now)
	l.changed.raise()
	return nil
}

// writeErrLocked is why nothing more can be written, if that is known by now.
func (e *end) writeErrLocked(now time.Time) error {
	switch {
	case e.closed:
		return net.ErrClosed
	case e.in.isReset(now):
		return syscall.ECONNRESET
	case e.out.end != open, e.out.gone && !e.in.stopped() && !e.out.goneDue.After(now):
		return syscall.EPIPE
	}
	return nil
}

// nextWriteLocked is when a writer that found no room should look again; zero means after a change.
func (e *end) nextWriteLocked() time.Time {
	if e.in.stopped() {
		return time.Time{}
	}
	var next time.Time
	if e.out.gone {
		next = e.out.goneDue
	}
	if e.in.end == broken {
		next = earliest(next, e.in.endDue)
	}
	return next
}

// opError says which end failed at what. io.EOF stays itself, as everywhere in package net.
func (e *end) opError(op string, err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: e.local.scheme, Source: e.local, Addr: e.remote, Err: err}
}

// An addr is the address of one end of a link.
type addr struct{ scheme, name string }

func (a addr) Network() string { return a.scheme }
func (a addr) String() string  { return a.name }
