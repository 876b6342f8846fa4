// SPDX-License-Identifier: MIT

package engine

import (
	"runtime"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
)

// A Flusher writes all pipes of a fan-out socket, or of one that sends to many pipes in turn: one goroutine visits the pipes
// with queued messages, instead of one goroutine per pipe that is woken for every message. If a pipe's link does not take
// everything at once, the pipe's own writer sends the rest, so that a stalled peer delays no other.
type Flusher struct {
	task *scope.Task

	mu      lock.Mutex[lock.Flusher]
	dirty   []PendingWrite
	spare   []PendingWrite
	running bool
}

// NewFlusher returns a flusher that runs in the socket's scope.
func NewFlusher(s *Socket) *Flusher {
	f := &Flusher{}
	f.task = s.scope.NewTask(f.run)
	return f
}

// Add takes the writes of pipes and keeps no reference to the slice. The caller must then start the flusher.
//
// A fan-out calls it under its own lock, because that guards the slice: to call it later, each message would need its own
// slice. The flusher's lock is held only while the writes are copied, and is not taken at all for pipes that are being
// written.
func (f *Flusher) Add(writes []PendingWrite) (w PendingWrite) {
	if len(writes) == 0 {
		return w
	}
	f.mu.Lock()
	f.dirty = append(f.dirty, writes...)
	if !f.running {
		f.running, w.flusher = true, f
	}
	f.mu.Unlock()
	return w
}

// ShareWriter makes one flusher write all pipes of the socket whose links can be written without waiting, instead of a goroutine
// per pipe. It is for a pattern that sends to many pipes in turn.
func (s *Socket) ShareWriter() { s.flusher.CompareAndSwap(nil, NewFlusher(s)) }

// sharedWriter is the flusher that writes the pipe, or nil. The caller has the writer's role.
func (p *Pipe) sharedWriter() *Flusher {
	f := p.socket.flusher.Load()
	if f == nil || !p.out.carrier.direct() {
		return nil
	}
	return f
}

// join adds the write of a pipe if the flusher is running, and reports whether it did.
func (f *Flusher) join(w PendingWrite) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running {
		f.dirty = append(f.dirty, w)
	}
	return f.running
}

// start begins to write. While the socket closes, it writes in the caller, which may end pipes.
func (f *Flusher) start() {
	if f.task.Start() != nil {
		f.run()
	}
}

func (f *Flusher) run() {
	for {
		runtime.Gosched() // the publisher may have more: one system call a pipe serves it all
		f.mu.Lock()
		if len(f.dirty) == 0 {
			f.running = false
			f.mu.Unlock()
			return
		}
		round := f.dirty
		f.dirty = f.spare[:0]
		f.mu.Unlock()
		for _, w := range round {
			w.pipe.writeRound()
		}
		clear(round)
		f.spare = round
	}
}

// writeRound writes once without waiting, if the link can do that, and leaves the rest to the pipe's writer.
func (p *Pipe) writeRound() {
	if !p.out.carrier.direct() || !p.writeOnce(false) {
		p.writeInBackground()
	}
}
