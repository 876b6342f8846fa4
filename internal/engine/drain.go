// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"fmt"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/stats"
)

// A Drainer is a pattern that can receive everything that its peers have sent, after asking them to stop sending.
type Drainer interface {
	// Drain refuses new messages of the application with err. From now on progress is called, without locks, whenever the
	// last received message has been taken or a reply that was owed is queued.
	Drain(err error, progress func())

	// Owed is how many messages of a pipe are still to be answered. While there are some, the pattern accepts no
	// further ones of that pipe, unless its outgoing direction has ended.
	Owed(p *Pipe) int

	// Empty reports whether the application has taken everything that was received.
	Empty() bool

	// EndReceiving makes the application's receiving calls fail with err.
	EndReceiving(err error)
}

// A DrainReport says what became of received messages from the beginning of Drain.
type DrainReport struct {
	Delivered  uint64 // taken by the application
	Left       uint64 // received, not taken, and dropped
	Unanswered int    // taken, and still to be answered when Drain ended
	Cut        int    // connections that their peers had not ended
}

// A draining is a Drain at work.
type draining struct {
	done   chan struct{}
	report DrainReport
	err    error
}

// Drain asks every peer to stop sending, delivers messages that still arrive, and closes the socket. If ctx ends first, the
// remaining messages are dropped and counted. Further calls wait for the first and return the same.
func (s *Socket) Drain(ctx context.Context) (DrainReport, error) {
	before := s.Stats().Recv // before a Close that comes meanwhile can drop anything
	s.mu.Lock()
	first := s.life.advance(socketDraining)
	if first {
		s.draining = &draining{done: make(chan struct{})}
	}
	d := s.draining
	s.mu.Unlock()
	switch {
	case d == nil:
		return DrainReport{}, ErrClosed
	case first:
		d.report, d.err = s.receiveToTheEnd(ctx, before)
		close(d.done)
		return d.report, d.err
	}
	select {
	case <-d.done:
		return d.report, d.err
	case <-ctx.Done():
		return DrainReport{}, ctx.Err()
	}
}

func (s *Socket) receiveToTheEnd(ctx context.Context, before stats.RecvStats) (r DrainReport, err error) {
	pattern := s.pattern.(Drainer)
	err = s.drainPipes(ctx, pattern)
	if err == nil {
		err = s.waitOpen(ctx, pattern.Empty)
	}
	if err == nil {
		pattern.EndReceiving(ErrClosed) // handlers keep their requests; no more are delivered
		err = s.waitOpen(ctx, func() bool { return s.handling == 0 })
	}
	for _, p := range s.Pipes() {
		r.Cut++
		r.Unanswered += pattern.Owed(p)
	}
	r.Unanswered = max(0, r.Unanswered-int(s.Stats().Recv.Queued)) // undelivered requests are counted as left, not as unanswered
	closed := s.Shutdown(ctx)
	after := s.Stats().Recv
	r.Delivered = after.Delivered - before.Delivered
	r.Left = after.Dropped[reasons.Closed] - before.Dropped[reasons.Closed]
	if err == nil {
		return r, closed
	}
	return r, fmt.Errorf("%d received messages were not delivered, %d requests not answered, and %d connections had not been ended by their peers: %w",
		r.Left, r.Unanswered, r.Cut, err)
}

// drainPipes stops making connections, ends the outgoing direction of each pipe when its replies and queue are written, and
// waits until the peers have ended theirs.
func (s *Socket) drainPipes(ctx context.Context, pattern Drainer) error {
	s.mu.Lock()
	endpoints := s.endpointsLocked()
	s.mu.Unlock()
	for _, e := range endpoints {
		e.quiesce()
	}
	pattern.Drain(ErrClosed, s.Changed)
	for {
		var paid []*Pipe
		err := s.waitOpen(ctx, func() bool {
			paid = paid[:0]
			for _, p := range s.pipes {
				if p.known.at(pipeAttached) && !p.Over() && pattern.Owed(p) == 0 {
					paid = append(paid, p)
				}
			}
			return len(paid) > 0 || len(s.pipes) == 0 && s.past.silent()
		})
		if err != nil || len(paid) == 0 {
			return err
		}
		for _, p := range paid {
			p.endSending()
			p.out.carrier.resume() // for messages that were refused while there were replies to send
		}
	}
}

// waitOpen waits until ok, called under the lock, holds, and fails when the socket is closed, whether it holds or not.
func (s *Socket) waitOpen(ctx context.Context, ok func() bool) error {
	return s.wait(ctx, func() (bool, error) {
		if err := s.closedLocked(); err != nil {
			return false, err
		}
		return ok(), nil
	})
}

// Handling adds n to the number of the application's calls that hand requests to a handler. Drain waits for their end.
func (s *Socket) Handling(n int) {
	s.mu.Lock()
	s.handling += n
	s.changed.WakeAll()
	s.mu.Unlock()
}
