// SPDX-License-Identifier: MIT

package engine

import (
	"runtime"
	"sync"

	"github.com/sprymq/spry/internal/scope"
)

// A Flusher writes for all the pipes of a fan-out socket: one goroutine goes round those that have something to
// write, where one a pipe would have to be woken for every message. What a pipe's link does not take at once is
// left to the pipe's own writer, so that a stalled peer delays nobody.
type Flusher struct {
	task *scope.Task

	mu      sync.Mutex
	dirty   []*Pipe // whose writer's role the flusher holds
	spare   []*Pipe
	running bool
}

// NewFlusher returns a flusher that runs in the socket's scope.
func NewFlusher(s *Socket) *Flusher {
	f := &Flusher{}
	f.task = s.scope.NewTask(f.run)
	return f
}

// Add takes pipes whose writer's role the caller has. It keeps no reference to the slice. If start is true, the caller calls
// Start when it has released its locks.
func (f *Flusher) Add(pipes []*Pipe) (start bool) {
	if len(pipes) == 0 {
		return false
	}
	f.mu.Lock()
	f.dirty = append(f.dirty, pipes...)
	start = !f.running
	f.running = true
	f.mu.Unlock()
	return start
}

// Start begins to write. While the socket closes, it writes in the caller, which may end pipes: no lock may be held.
func (f *Flusher) Start() {
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
		for _, p := range round {
			p.writeRound()
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
