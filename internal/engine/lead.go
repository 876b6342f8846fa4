// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
)

// Who waits for a message on a socket with one pipe reads the connection by itself: it leads. The pipe's own goroutine, the
// resident, rests meanwhile. A message then does not have to be handed from one goroutine to another, which where
// processors sleep costs more than all the rest of its way: a round trip on two of them takes half the time.
//
// The resident begins, and goes on wherever messages come faster than they are waited for. It rests when it has given
// something to somebody who waited and nobody else does, and looks after restFor whether the role was of use.
const restFor = 10 * time.Millisecond

// fewAtOnce is how many messages may come with one read for that not to be a flow, which two goroutines carry better.
const fewAtOnce = 1

// The states of a reading: who reads, or may.
const (
	readResident int32 = iota
	readNobody         // whoever waits may lead
	readLeader
)

// A reading is the reader's role of a stream.
type reading struct {
	state atomic.Int32
	used  atomic.Bool   // somebody has led since the resident last looked
	deep  atomic.Bool   // the resident has no alarm: who stops leading sets it
	back  chan struct{} // calls the resident
	alarm *time.Timer

	// With the reader's role.
	err     error           // what ended the reading, for the resident
	watched <-chan struct{} // of the context that is watched
	unwatch func() bool
	last    <-chan struct{} // of the last leader's context

	leader atomic.Int32 // what it is at
}

// What a leader is at.
const (
	leaderWorks  int32 = iota
	leaderReads        // and may wait
	leaderKicked       // is being kicked, by a deadline
	leaderHurt         // has the deadline, which it takes away
)

// LetLead says that who waits for messages of this pipe may read them by itself, which idle, called without locks, reports
// that nobody does. Nil forbids it, and sends a leader away.
func (p *Pipe) LetLead(idle func() bool) {
	if idle == nil {
		p.idle.Store(nil)
		p.Kick()
		return
	}
	p.idle.Store(&idle)
}

// Lead reads until s is woken, ctx ends, or others can do it better, which may be at once.
func (p *Pipe) Lead(ctx context.Context, s queue.Sleeper) {
	r := p.reader.Load()
	if r == nil {
		p.want()
	} else if p.idle.Load() != nil {
		r.lead(ctx, s)
	}
}

// want tells the resident that somebody would have read.
func (p *Pipe) want() {
	if !p.wanted.Load() {
		p.wanted.Store(true)
	}
}

// ReadOn makes the pipe's own goroutine read again, if nobody does: for who waits and does not lead.
func (p *Pipe) ReadOn() {
	if r := p.reader.Load(); r != nil && r.reading.state.Load() == readNobody &&
		r.reading.state.CompareAndSwap(readNobody, readResident) {
		r.call()
	}
}

// Kick makes a leader look whether it has been woken.
func (p *Pipe) Kick() {
	if r := p.reader.Load(); r != nil {
		r.kick()
	}
}

func (r *streamReader) kick() {
	g := r.reading
	if g.leader.Load() == leaderReads && g.leader.CompareAndSwap(leaderReads, leaderKicked) {
		_ = r.c.conn.SetReadDeadline(time.Unix(1, 0))
		g.leader.Store(leaderHurt)
	}
}

// call wakes the resident.
func (r *streamReader) call() {
	select {
	case r.reading.back <- struct{}{}:
	default:
	}
}

func (r *streamReader) lead(ctx context.Context, s queue.Sleeper) {
	g := r.reading
	if !g.state.CompareAndSwap(readNobody, readLeader) {
		r.c.pipe.want()
		return
	}
	g.used.Store(true)
	r.watch(ctx)
	on := true
	for on && !s.Woken() && ctx.Err() == nil {
		on = r.leadOnce(s)
	}
	r.unwatchOnce()
	if !on {
		g.state.Store(readResident)
		r.call()
		return
	}
	g.state.Store(readNobody)
	switch idle := r.c.pipe.idle.Load(); {
	case idle == nil || !(*idle)(): // others wait, or it is not the only pipe any more
		r.c.pipe.ReadOn()
	case g.deep.Load() && g.deep.CompareAndSwap(true, false):
		g.alarm.Reset(restFor)
	}
}

// leadOnce reads once and delivers what has come. It reports false if the resident should go on.
func (r *streamReader) leadOnce(s queue.Sleeper) bool {
	g := r.reading
	g.leader.Store(leaderReads)
	var n int
	var err error
	if !s.Woken() && r.c.pipe.idle.Load() != nil { // looked at after saying so: who wakes it now will kick it
		n, err = r.direct.read()
	}
	kicked := r.endRead()
	switch {
	case kicked && errors.Is(err, os.ErrDeadlineExceeded):
		return r.c.pipe.idle.Load() != nil
	case err == nil && n == 0:
		return false
	}
	if n > 0 {
		err = r.took(n, false)
	}
	if err != nil {
		g.err = err
		return false
	}
	return len(r.refused) == 0 && r.came <= fewAtOnce
}

// endRead says that a leader does not read any more. It reports whether somebody has kicked it.
func (r *streamReader) endRead() (kicked bool) {
	g := r.reading
	if g.leader.CompareAndSwap(leaderReads, leaderWorks) {
		return false
	}
	for !g.leader.CompareAndSwap(leaderHurt, leaderWorks) { // the kick is a moment away
		runtime.Gosched()
	}
	_ = r.c.conn.SetReadDeadline(time.Time{})
	if r.c.expired.Load() {
		r.c.expire()
	}
	return true
}

// watch sees to it that the end of ctx kicks.
func (r *streamReader) watch(ctx context.Context) {
	g := r.reading
	done := ctx.Done()
	if done == g.watched {
		return
	}
	r.stopWatching()
	if g.watched = done; done != nil {
		g.unwatch = scope.Watch(ctx, r.kick)
	}
}

// unwatchOnce stops the watch of a context that was not the last leader's too: of one that is for one call only, and ends
// with it. Another stays watched, which costs its callers nothing.
func (r *streamReader) unwatchOnce() {
	g := r.reading
	if g.watched != g.last {
		g.last = g.watched
		r.stopWatching()
	}
}

func (r *streamReader) stopWatching() {
	g := r.reading
	if g == nil {
		return
	}
	if g.unwatch != nil {
		g.unwatch()
	}
	g.watched, g.unwatch = nil, nil
}

// rest lets others read, after what was read is delivered, if there is somebody who would. When it returns, the
// resident has the role again, and what a leader has left undone is done. The error is what has ended the reading.
func (r *streamReader) rest() error {
	p := r.c.pipe
	idle := p.idle.Load()
	if r.came > fewAtOnce || idle == nil || !p.wanted.Swap(false) || !(*idle)() {
		return nil
	}
	if r.reading == nil {
		r.reading = &reading{back: make(chan struct{}, 1), alarm: time.NewTimer(restFor)}
		p.reader.Store(r)
	}
	g := r.reading
	g.alarm.Reset(restFor)
	g.used.Store(true)
	g.state.Store(readNobody)
	if !(*idle)() || p.over.Load() { // somebody began to wait, and may have seen that the role was not free
		if g.state.CompareAndSwap(readNobody, readResident) {
			return nil
		}
	}
	for g.state.Load() != readResident {
		select {
		case <-g.back:
		case <-g.alarm.C:
			r.alarmed()
		}
	}
	g.alarm.Stop()
	g.deep.Store(false)
	if g.err != nil || len(r.refused) == 0 {
		return g.err
	}
	refused := r.refused
	r.refused = nil
	if !p.hand(refused, &r.c.room) {
		return ErrPipeClosed
	}
	return r.decode(true)
}

// alarmed takes the role back if nobody had a use for it, or else sets the alarm anew: if somebody leads, when that ends.
func (r *streamReader) alarmed() {
	g := r.reading
	if !g.used.Swap(false) && g.state.CompareAndSwap(readNobody, readResident) {
		return
	}
	g.deep.Store(true)
	if g.state.Load() != readLeader && g.deep.CompareAndSwap(true, false) {
		g.alarm.Reset(restFor)
	}
}
