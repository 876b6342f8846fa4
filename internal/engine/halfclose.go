// SPDX-License-Identifier: MIT

package engine

// The two directions of a connection end one by one. An end that closes, or drains, ends its outgoing direction when its
// queue is written, and reads until the peer has ended the other: closing a connection with unread input would make the
// kernel discard what was just sent. The pipe ends when both directions have.

// endSending accepts no more messages and ends the outgoing direction when the queue is written.
func (p *Pipe) endSending() {
	o := &p.out
	o.mu.Lock()
	o.life.advance(pipeEnding)
	o.mu.Unlock()
	if h := p.heartbeat.Load(); h != nil {
		h.stop() // this end can ask nothing any more
	}
	p.writeOn()
}

// peerEnded is called when the peer has ended its direction. A peer that drains still reads: if the pattern's messages can
// go to no other pipe, the queue is sent to it. Otherwise the pipe ends at once.
func (p *Pipe) peerEnded(cause error) {
	o := &p.out
	o.mu.Lock()
	o.peerEnded = true
	done := o.life.reached(pipeEnded) || !p.socket.pattern.Traits().FlushesEnded
	o.mu.Unlock()
	if done {
		p.end(cause)
		return
	}
	p.endSending()
}

// Over reports whether the pipe takes no more messages.
func (p *Pipe) Over() bool { return !p.out.open() }
