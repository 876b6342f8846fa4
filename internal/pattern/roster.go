// SPDX-License-Identifier: MIT

package pattern

import "github.com/sprymq/spry/internal/engine"

// A roster is a set of pipes that take turns. A pipe without room is left out until it is open again. Every change, and every
// turn, takes the same few steps however many pipes there are. A roster is not copied.
type roster struct {
	pipes set[*engine.Pipe] // all
	seats map[*engine.Pipe]*seat
	open  int   // pipes in turn
	ring  seat  // before the first pipe in turn, and after the last one
	last  *seat // which had the last turn; ring if that was none of those here
}

// A seat is a pipe's place in a roster.
type seat struct {
	pipe       *engine.Pipe
	prev, next *seat // in turn; nil: the pipe is left out
}

// add adds a pipe, which takes its turn after all others.
func (r *roster) add(p *engine.Pipe) {
	if r.seats == nil {
		r.seats = make(map[*engine.Pipe]*seat)
		r.ring.prev, r.ring.next, r.last = &r.ring, &r.ring, &r.ring
	}
	s := &seat{pipe: p}
	r.seats[p] = s
	r.pipes.add(p)
	r.enter(s)
}

// remove removes a pipe, if the roster has it.
func (r *roster) remove(p *engine.Pipe) {
	s := r.seats[p]
	if s == nil {
		return
	}
	r.leave(s)
	r.pipes.remove(p)
	delete(r.seats, p)
}

// leaveOut leaves a pipe out until it comes back.
func (r *roster) leaveOut(p *engine.Pipe) {
	if s := r.seats[p]; s != nil {
		r.leave(s)
	}
}

// comeBack lets a pipe that was left out take turns again, after all others.
func (r *roster) comeBack(p *engine.Pipe) {
	if s := r.seats[p]; s != nil && s.next == nil {
		r.enter(s)
	}
}

func (r *roster) enter(s *seat) {
	s.prev, s.next = r.ring.prev, &r.ring
	s.prev.next, s.next.prev = s, s
	r.open++
}

func (r *roster) leave(s *seat) {
	if s.next == nil {
		return
	}
	if r.last == s {
		r.last = s.prev // the next turn is still that of the pipe after s
	}
	s.prev.next, s.next.prev = s.next, s.prev
	s.prev, s.next = nil, nil
	r.open--
}

// next returns the pipe whose turn it is, or nil if none is open.
func (r *roster) next() *engine.Pipe {
	if r.open == 0 {
		return nil
	}
	if r.last = r.last.next; r.last == &r.ring {
		r.last = r.ring.next
	}
	return r.last.pipe
}

// inTurn yields the open pipes, which may be left out meanwhile.
func (r *roster) inTurn(yield func(*engine.Pipe) bool) {
	for s := r.ring.next; s != nil && s != &r.ring; {
		p := s.pipe
		if s = s.next; !yield(p) {
			return
		}
	}
}
