// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"io"

	"github.com/sprymq/spry/internal/lock"
)

// setErr sets why the pipe ends, unless that is set.
func (p *Pipe) setErr(err error) {
	p.out.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.out.mu.Unlock()
}

// Done is closed when the pipe has ended.
func (p *Pipe) Done() <-chan struct{} {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.done == nil {
		p.done = make(chan struct{})
		if p.finished {
			close(p.done)
		}
	}
	return p.done
}

// setDone closes the channel of Done.
func (p *Pipe) setDone() {
	p.out.mu.Lock()
	p.finished = true
	if p.done != nil {
		close(p.done)
	}
	p.out.mu.Unlock()
}

// end ends the pipe. The first cause stands.
func (p *Pipe) end(cause error) {
	lock.AssertNone() // because it calls the pattern
	p.setErr(cause)
	o := &p.out
	if p.over() {
		return
	}
	confirmed := o.carrier.confirmed(o.life.at(pipeEnded) && errors.Is(p.err, io.EOF))
	o.mu.Lock()
	if !o.life.advance(pipeOver) {
		o.mu.Unlock()
		return
	}
	o.confirmed = confirmed
	finish := o.writer != writerTaken
	o.writer = writerTaken // for good: a running writer sees that the pipe has ended
	o.mu.Unlock()
	_ = o.carrier.close()
	p.reads.WakeReader()
	if finish {
		p.finish()
	}
}

func (p *Pipe) over() bool { return p.out.life.reached(pipeOver) }

// finish is called once, with the writer's role, when the pipe has ended.
func (p *Pipe) finish() {
	o := &p.out
	keep := p.socket.pattern.Traits().ReturnsUnsent
	if h := p.heartbeat.Load(); h != nil {
		h.stop()
	}
	p.stopExpiry()
	p.socket.ending.Add(1) // until the pattern has the returned messages: Flush and Shutdown must see them somewhere
	p.socket.ended.Add(1)
	reason := p.lossReason()
	o.mu.Lock()
	unsent, lost := o.unsentLocked(keep, reason)
	unknown := o.unknownLocked()
	o.mu.Unlock()
	if c, ok := o.carrier.(*inprocCarrier); ok {
		c.peer.pipe.silent.Store(true) // nothing arrives there any more
		c.peer.pipe.socket.Changed()
	}
	if p.socket.closing() {
		p.socket.unsent.Add(int64(lost))
		if errors.Is(p.err, ErrClosed) { // by this end: else the peer ended it, or it broke, as it could have at any other time
			p.socket.unknown.Add(int64(unknown))
		}
	}
	if lost > 0 {
		p.socket.dropped(p, reason, lost)
	}
	p.closeAccount()
	p.socket.detach(p, unsent)
	p.socket.ending.Add(-1)
	p.socket.Changed()
	p.setDone()
	p.scope.Cancel(p.err)
}
