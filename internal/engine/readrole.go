// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
)

// The reader's role is the right to read a stream. It belongs to the pipe's reader goroutine, or for a while to a receiver
// that waits for a message and reads the connection itself: a direct read. So no goroutine has to wake another one, which is
// about half of a round trip between idle processors; see the round trips in docs/performance.md.
//
//	goroutine ──yield──> free ──claim──> receiver ──begin──> reading ──Interrupt──> interrupting ──> interrupted
//	    ^ ^───reclaim─────┘ ^───release───┘ │  ^ ^─────end─────┘                                         │
//	    └─────────────return────────────────┘  └────────────────────────end──────────────────────────────┘
//
//	yield      the reader goroutine delivered one message to a receiver that waited alone
//	reclaim    any goroutine: another receiver waits, direct reads are not allowed any more, the pipe ends, or no receiver reads
//	claim      a receiver waits
//	begin      that receiver, before a read, which may wait for the connection
//	end        that receiver, after the read
//	Interrupt  the goroutine that has woken the receiver: a deadline ends its read
//	release    that receiver has its message, or its context has ended
//	return     that receiver met the end of the stream, may not read any more or, on one processor, has read a flow
//
// Several goroutines may take the role out of free and reading, by compare-and-swap. Only one may leave each other state: the
// reader goroutine, the receiver that has the role, or the goroutine that interrupts.
const (
	roleGoroutine int32 = iota
	roleFree
	roleReceiver
	roleReading
	roleInterrupting
	roleInterrupted
)

// unusedAfter is how long the role may be free before the reader goroutine reclaims it.
const unusedAfter = 10 * time.Millisecond

// fewAtOnce is the number of messages of one read up to which they are not a flow. On one processor, the reader goroutine and
// the receiver carry a flow better in turn. On several, they would run at once, and wake each other for each read.
const fewAtOnce = 1

// A ReadRole is the reader's role of a pipe. It implements [queue.Readable]. Pipes without a stream never yield it.
type ReadRole struct {
	state    atomic.Int32
	wanted   atomic.Bool                 // a receiver would have read
	used     atomic.Bool                 // a receiver has read since the last alarm
	alarmOff atomic.Bool                 // the receiver that has the role sets the alarm when it releases it
	idle     atomic.Pointer[func() bool] // reports whether no receiver waits; nil: direct reads are not allowed

	*directReads // set by the first yield
}

// directReads is the state of direct reads. The holder of the role owns the fields that the role protects.
type directReads struct {
	reader *streamReader
	wake   chan struct{} // wakes the reader goroutine
	alarm  *time.Timer   // of the reader goroutine
	alarms atomic.Int64  // how often it was set

	// With the role.
	refused  []msg.Message   // by a pattern that had no room; the next reader delivers them before it reads
	err      error           // what ended the stream
	done     <-chan struct{} // of the context that is watched
	previous <-chan struct{} // of the receiver before
	unwatch  func() bool
}

// Reader is the reader's role.
func (p *Pipe) Reader() *ReadRole { return &p.reads }

// AllowDirectReads lets a waiting receiver read this connection itself. idle reports whether no receiver waits; it is called
// without locks. Nil forbids direct reads, and interrupts one.
func (r *ReadRole) AllowDirectReads(idle func() bool) {
	if idle == nil {
		r.idle.Store(nil)
		r.Interrupt()
		r.WakeReader()
		return
	}
	r.idle.Store(&idle)
}

// ReadDirectly reads until w is woken, ctx ends or the reader goroutine should read, which may be at once.
func (r *ReadRole) ReadDirectly(ctx context.Context, w queue.Wakeable) {
	if r.idle.Load() == nil {
		return
	}
	if !r.take(roleReceiver) {
		set(&r.wanted)
		return
	}
	set(&r.used)
	keep := r.watch(ctx)
	for keep && !w.Woken() && !r.canceled() {
		keep = r.readOnce(w)
	}
	r.unwatchOnce()
	r.release(keep)
}

// set stores true where there is none yet, which is cheaper than to store it again.
func set(b *atomic.Bool) {
	if !b.Load() {
		b.Store(true)
	}
}

// take takes the role if it is free.
func (r *ReadRole) take(state int32) bool {
	return r.state.Load() == roleFree && r.state.CompareAndSwap(roleFree, state)
}

// WakeReader makes the reader goroutine read if no receiver does: for receivers that wait and do not read.
func (r *ReadRole) WakeReader() {
	if r.take(roleGoroutine) {
		r.wakeGoroutine()
	}
}

// Interrupt makes a receiver that reads look whether it has been woken.
func (r *ReadRole) Interrupt() {
	if r.state.Load() == roleReading && r.state.CompareAndSwap(roleReading, roleInterrupting) {
		_ = r.reader.c.link.SetReadDeadline(time.Unix(1, 0))
		r.state.Store(roleInterrupted)
	}
}

// yield lets a receiver read, if one is likely to. It returns when the reader goroutine has the role again and has delivered
// refused messages. The error is that of the end of the stream.
func (r *ReadRole) yield(s *streamReader) error {
	idle := r.idle.Load()
	if s.burst > fewAtOnce && !s.flows || idle == nil || !r.wanted.Swap(false) || !(*idle)() {
		return nil
	}
	if r.directReads == nil {
		r.directReads = &directReads{reader: s, wake: make(chan struct{}, 1), alarm: time.NewTimer(unusedAfter)}
	}
	r.resetAlarm()
	r.used.Store(true)
	r.state.Store(roleFree)
	if !(*idle)() || s.c.pipe.over() { // a receiver began to wait, and may have seen that the role was not free
		r.take(roleGoroutine)
	}
	for r.state.Load() != roleGoroutine {
		select {
		case <-r.wake:
		case <-r.alarm.C:
			r.alarmed()
		}
	}
	r.alarm.Stop()
	r.alarmOff.Store(false)
	if refused := r.refused; len(refused) > 0 {
		r.refused = nil
		if _, err := s.c.pipe.deliver(refused, &s.c.room); err != nil {
			return err
		}
		if r.err == nil {
			return s.decode(true)
		}
	}
	return r.err
}

// alarmed reclaims the role if it was not used since the last alarm. Otherwise the alarm is set again. If a receiver has the
// role, that happens when it releases it, so that a receiver may wait for long.
func (r *ReadRole) alarmed() {
	if !r.used.Swap(false) && r.take(roleGoroutine) {
		return
	}
	r.alarmOff.Store(true)
	if r.state.Load() < roleReceiver { // else release sees that the alarm is off
		r.setAlarm()
	}
}

// setAlarm sets the alarm if it is off.
func (r *ReadRole) setAlarm() {
	if r.alarmOff.Load() && r.alarmOff.CompareAndSwap(true, false) {
		r.resetAlarm()
	}
}

func (r *ReadRole) resetAlarm() {
	r.alarms.Add(1)
	r.alarm.Reset(unusedAfter)
}

func (r *ReadRole) wakeGoroutine() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// release frees the role if the receiver could have kept it. Otherwise, and where another receiver waits or direct reads are
// not allowed any more, the reader goroutine has it.
func (r *ReadRole) release(kept bool) {
	if !kept {
		r.state.Store(roleGoroutine)
		r.wakeGoroutine()
		return
	}
	r.state.Store(roleFree)
	if idle := r.idle.Load(); idle == nil || !(*idle)() {
		r.WakeReader()
		return
	}
	r.setAlarm()
}

// readOnce reads once and delivers the messages. It reports whether the receiver keeps the role.
func (r *ReadRole) readOnce(w queue.Wakeable) bool {
	s := r.reader
	if len(r.refused) > 0 {
		return r.deliverRefused()
	}
	var n int
	var err error
	r.state.Store(roleReading)
	if !w.Woken() && r.idle.Load() != nil { // in this order: a goroutine that wakes w from now on interrupts the read
		n, err = s.direct.Read()
	}
	if r.endRead() && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if n > 0 {
		err = s.received(n, false)
	} else if err == nil {
		return r.idle.Load() != nil
	}
	r.err = err
	return err == nil && (s.flows || len(r.refused) == 0 && s.burst <= fewAtOnce)
}

// deliverRefused delivers messages that the pattern refused before, and those that were read behind them. It reports whether
// the receiver keeps the role: if there is no room although it waits, the reader goroutine waits for some.
func (r *ReadRole) deliverRefused() bool {
	before := len(r.refused)
	r.refused, _ = r.reader.c.pipe.deliver(r.refused, nil) // which fails only where it waits
	switch after := len(r.refused); after {
	case 0:
		r.refused = nil
		r.err = r.reader.decode(false)
		return r.err == nil
	default:
		return after < before
	}
}

// endRead ends the state reading. It reports whether there was an interrupt, and clears it.
func (r *ReadRole) endRead() (interrupted bool) {
	if r.state.CompareAndSwap(roleReading, roleReceiver) {
		return false
	}
	for !r.state.CompareAndSwap(roleInterrupted, roleReceiver) { // the deadline is about to be set
		runtime.Gosched()
	}
	c := r.reader.c
	_ = c.link.SetReadDeadline(time.Time{})
	if c.expired.Load() {
		c.expire()
	}
	return true
}

// watch has the end of ctx interrupt. It reports false if ctx panics, which its caller finds out when it waits.
func (r *ReadRole) watch(ctx context.Context) (ok bool) {
	defer func() { ok = recover() == nil }()
	done := ctx.Done()
	if done == r.done {
		return true
	}
	r.stopWatching()
	if done != nil {
		r.unwatch = scope.Watch(ctx, r.Interrupt)
	}
	r.done = done
	return true
}

// canceled reports whether the watched context has ended.
func (r *ReadRole) canceled() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// unwatchOnce stops watching a context that the receiver before did not have too. One of a single call may never end; one
// of several calls is watched on, which costs them nothing.
func (r *ReadRole) unwatchOnce() {
	if r.done != r.previous {
		r.previous = r.done
		r.stopWatching()
	}
}

func (r *ReadRole) stopWatching() {
	if r.directReads == nil {
		return
	}
	if r.unwatch != nil {
		r.unwatch()
	}
	r.done, r.unwatch = nil, nil
}
