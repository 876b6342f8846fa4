// SPDX-License-Identifier: MIT

package engine

import (
	"io"
	"runtime"

	"github.com/sprymq/spry/internal/lock"
)

// The writer's role of a pipe, under outbox.mu, is the right to write. It is not a lock, because writing may block.
//
//	held ──release──> free ──claimLocked──> taken
//	                    ^───────yield─────────┘
//
// While a pipe is being attached, nothing is written. The role of an ended pipe is never free again.
const (
	writerHeld uint8 = iota
	writerFree
	writerTaken
)

// A PendingWrite is the work that remains after messages have been queued under a lock: writing them, without the lock. The
// zero value does nothing. Write of any other must be called, because no other goroutine writes this pipe until then.
type PendingWrite struct {
	pipe    *Pipe    // the pipe whose writer's role the holder has
	queued  int      // messages in the pipe's queue when the role was taken
	flusher *Flusher // which is to start
}

// IsZero reports whether there is nothing to be done.
func (w PendingWrite) IsZero() bool { return w.pipe == nil && w.flusher == nil }

// Write writes queued messages, as far as the link takes them at once, and leaves the rest to the pipe's writer, with the
// role. It does not block. The caller must hold no lock.
func (w PendingWrite) Write() {
	if !w.IsZero() {
		w.write()
	}
}

// write is apart from Write so that the compiler inlines that.
func (w PendingWrite) write() {
	lock.AssertNone()
	if w.pipe == nil {
		w.flusher.start()
		return
	}
	f := w.pipe.sharedWriter()
	if f != nil && f.join(w) { // a flow: the link is not idle, though this pipe is
		return
	}
	for w.pipe.out.carrier.eager(w.queued) {
		if done := w.pipe.writeOnce(false); done {
			return
		}
	}
	if f == nil {
		w.pipe.writeInBackground()
	} else {
		f.Add([]PendingWrite{w}).Write()
	}
}

// WriteSoon is Write for a caller that knows that others are about to add to the queue: one system call writes them all.
func (w PendingWrite) WriteSoon() {
	if w.pipe != nil {
		w.pipe.writeInBackground()
	}
}

// claimLocked takes the writer's role if it is free, for a caller that has queued messages.
func (p *Pipe) claimLocked() (w PendingWrite) {
	if p.out.writer == writerFree {
		p.out.writer, w.pipe, w.queued = writerTaken, p, p.out.queued
	}
	return w
}

// writeOn writes queued messages, if no goroutine does.
func (p *Pipe) writeOn() {
	var w PendingWrite
	p.out.mu.Lock()
	if !p.out.emptyLocked() || p.out.endsLocked() {
		w = p.claimLocked()
	}
	p.out.mu.Unlock()
	w.Write()
}

func (p *Pipe) writeInBackground() {
	if p.writer == nil { // not before: an idle connection saves 56 bytes
		p.writer = p.scope.NewTask(p.writeAll)
	}
	if p.writer.Start() != nil { // closing: the queue is emptied by end
		p.giveUpRole()
	}
}

// writeAll is the writer's goroutine: started when there is something to write, gone when there is not.
func (p *Pipe) writeAll() {
	runtime.Gosched() // who else can run may have something to add: one system call serves them all
	for !p.writeOnce(true) {
	}
}

// writeOnce writes once. It reports whether the writer's role was given up, because nothing is left to write or the pipe has
// ended.
func (p *Pipe) writeOnce(wait bool) (done bool) {
	o := &p.out
	o.mu.Lock()
	some := !p.over() && o.queue.Take(o.controls)
	if o.controls.Empty() {
		o.controls = nil
	}
	if !some {
		return p.yieldAndUnlock()
	}
	o.mu.Unlock()

	messages, bytes, err := o.carrier.write(wait)

	o.mu.Lock()
	hasRoom := o.settleLocked(messages, bytes)
	if o.queued > 0 {
		o.marks = o.marks.add(o.sent, o.queued)
	} else {
		o.marks = o.marks[:0]
	}
	last := err == nil && (o.emptyLocked() || o.carrier.stuck())
	if last {
		done = p.yieldAndUnlock()
	} else {
		o.mu.Unlock()
	}
	if hasRoom {
		p.socket.pattern.Writable(p)
	}
	if err != nil {
		p.writeFailed(err)
		p.giveUpRole()
		return true
	}
	return done
}

// yieldAndUnlock gives the writer's role up and releases the lock. If the pipe has ended, it also finishes the pipe: no
// other goroutine may do that while the role is taken.
func (p *Pipe) yieldAndUnlock() bool {
	o := &p.out
	if o.endsLocked() {
		both := o.peerEnded
		if !both {
			o.life.advance(pipeEnded)
		}
		o.mu.Unlock()
		if err := o.carrier.closeWrite(); err != nil {
			p.setErr(err)
		}
		if both {
			p.end(io.EOF)
		}
		o.mu.Lock()
	}
	over := p.over()
	if !over {
		o.writer = writerFree
		o.queue.Idle()
	}
	o.mu.Unlock()
	if over {
		p.finish()
	}
	return true
}

func (p *Pipe) giveUpRole() {
	p.out.mu.Lock()
	p.yieldAndUnlock()
}

// writeFailed stops sending. The reader has a short time to read data that the peer sent before the connection broke, and
// then ends the pipe. If the peer has ended its direction, the pipe ends at once.
func (p *Pipe) writeFailed(err error) {
	p.setErr(err)
	p.out.mu.Lock()
	p.out.life.advance(pipeBroken)
	both := p.out.peerEnded
	p.out.mu.Unlock()
	p.out.carrier.expire()
	p.out.carrier.resume() // a pattern that accepts nothing while it owes replies has none to send any more
	if both {
		p.end(err)
	}
}
