// SPDX-License-Identifier: MIT

package engine

// The writer's role of a pipe, under outbox.mu, is the right to write. It is no lock, because writing may wait.
//
//	held ──release──> free ──claimLocked──> taken
//	                    ^───────yield─────────┘
//
// While a pipe is attached, nothing is written. The role of one that is over is never free again.
const (
	writerHeld uint8 = iota
	writerFree
	writerTaken
)

// A PendingWrite is what is left to be done when messages have been queued under a lock: writing them, without the lock. The
// zero value is nothing. Somebody has to call Write of any other: nobody else writes by that pipe.
type PendingWrite struct {
	pipe    *Pipe    // whose writer's role the holder has
	flusher *Flusher // which is to start
}

// IsZero reports whether there is nothing to be done.
func (w PendingWrite) IsZero() bool { return w.pipe == nil && w.flusher == nil }

// Write writes what was queued, as far as the link takes it at once, and leaves the rest to the pipe's writer. It does not
// wait, and no lock may be held.
func (w PendingWrite) Write() {
	if !w.IsZero() {
		w.write()
	}
}

// write is apart from Write so that the compiler inlines that.
func (w PendingWrite) write() {
	if w.pipe != nil {
		w.pipe.write()
	} else {
		w.flusher.start()
	}
}

// WriteSoon is Write for a caller who knows that others are about to add to the queue: one system call serves them all.
func (w PendingWrite) WriteSoon() {
	if w.pipe != nil {
		w.pipe.writeInBackground()
	}
}

// pending is the write of a pipe, if the caller has the writer's role.
func (p *Pipe) pending(write bool) (w PendingWrite) {
	if write {
		w.pipe = p
	}
	return w
}

// claimLocked takes the writer's role if it is free and there is something to write.
func (p *Pipe) claimLocked() PendingWrite { return p.pending(p.out.claimLocked()) }
