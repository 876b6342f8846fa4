// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// Flush waits until every message that is queued now was handed to its link.
func (s *Socket) Flush(ctx context.Context) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	return s.handOver(ctx, s.closedLocked)
}

// handOver waits until every message that is queued now was handed to a link, or dropped and counted. hopeless is called,
// under the lock, while messages are in no pipe's queue, and may return why no pipe will take them.
//
// The messages of an ended pipe may go to a pipe that was already checked. So a pass over the pipes counts only if no pipe
// has ended since before it began.
func (s *Socket) handOver(ctx context.Context, hopeless func() error) error {
	for {
		ended := s.ended.Load()
		err := s.wait(ctx, func() (bool, error) {
			return s.ending.Load() == 0 && s.pattern.Pending() == 0, hopeless()
		})
		if err != nil {
			return err
		}
		for _, p := range s.Pipes() {
			if err := p.out.flush(ctx); err != nil {
				return err
			}
		}
		if s.ended.Load() == ended {
			return nil
		}
	}
}

// Close sends queued messages, for as long as the socket's Linger, and closes.
func (s *Socket) Close() error {
	ctx := context.Background()
	linger := s.options.Linger
	if linger < unlimitedLinger {
		bounded, cancel := context.WithTimeout(ctx, linger)
		defer cancel()
		ctx = bounded
	}
	return s.shutdown(ctx, linger > 0)
}

// Done is closed when the socket is.
func (s *Socket) Done() <-chan struct{} { return s.closed }

// unlimitedLinger is a Linger beyond any that a context can be given.
const unlimitedLinger = 1<<63 - 1

// Shutdown sends queued messages, until ctx ends, and closes. The error says how many messages were not handed over, and how
// many were sent on connections that had to be closed without proof of arrival. Further calls wait for the first and return
// its error.
func (s *Socket) Shutdown(ctx context.Context) error {
	return s.shutdown(scope.OrBackground(ctx), true)
}

// shutdown is Shutdown. With prove false, it does not expect proof that messages arrived.
func (s *Socket) shutdown(ctx context.Context, prove bool) error {
	s.mu.Lock()
	first := s.life.advance(socketClosing)
	s.changed.WakeAll()
	endpoints := s.endpointsLocked()
	s.mu.Unlock()
	if !first {
		<-s.closed
		return s.closeErr
	}
	defer close(s.closed) // even if a callback of the user panics: other calls wait for it
	s.closeErr = s.sendAndClose(ctx, endpoints, prove)
	return s.closeErr
}

func (s *Socket) sendAndClose(ctx context.Context, endpoints []*Endpoint, prove bool) error {
	s.pattern.Refuse(ErrClosed)
	if !s.mayNeedPipes() {
		for _, e := range endpoints {
			e.quiesce()
		}
	}
	for _, p := range s.Pipes() {
		p.out.carrier.resume()
	}
	s.sendToTheEnd(ctx, endpoints)
	for _, p := range s.Pipes() {
		p.end(ErrClosed)
	}
	for _, e := range endpoints {
		e.stop(ErrClosed)
	}
	s.scope.Close(ErrClosed)
	lost := int(s.unsent.Load()) + s.pattern.Close()
	s.events.close()
	listed.remove(s.id)
	if o := observer.Load(); o != nil {
		(*o).Closed(s)
	}
	if !prove {
		return closingError(lost, 0)
	}
	return closingError(lost, int(s.unknown.Load()))
}

// closingError says how many messages were not handed over, and how many were and may not have arrived.
func closingError(unsent, unknown int) error {
	e := &OpError{Op: "close", Unsent: unsent, Unknown: unknown}
	switch {
	case unsent > 0 && unknown > 0:
		e.Err = fmt.Errorf("%d messages were not handed over, and %d others may not have arrived: %w, %w", unsent, unknown, ErrUnsent, ErrUnconfirmed)
	case unsent > 0:
		e.Err = fmt.Errorf("%d messages were not handed over: %w", unsent, ErrUnsent)
	case unknown > 0:
		e.Err = fmt.Errorf("%d messages may not have arrived: %w", unknown, ErrUnconfirmed)
	default:
		return nil
	}
	return e
}

// mayNeedPipes reports whether new connections may be needed to deliver queued messages.
func (s *Socket) mayNeedPipes() bool {
	if s.pattern.Pending() > 0 {
		return true
	}
	if s.pattern.Traits().ReturnsUnsent {
		if s.ending.Load() > 0 {
			return true
		}
		for _, p := range s.Pipes() {
			if queued, _, _ := p.Room(0); queued > 0 {
				return true
			}
		}
	}
	return s.pattern.Pending() > 0 // a pipe may have ended meanwhile
}

var errNoEndpoints = errors.New("no endpoint is left to make a pipe")

// sendToTheEnd waits until everything is sent, then ends every pipe in order. If a connection were closed with unread input,
// data that the peer has not read would be lost.
func (s *Socket) sendToTheEnd(ctx context.Context, endpoints []*Endpoint) {
	err := s.handOver(ctx, func() error {
		if len(s.endpoints) == 0 && len(s.pipes) == 0 {
			return errNoEndpoints
		}
		return nil
	})
	for _, e := range endpoints {
		e.quiesce() // nothing is worth a new connection any more
	}
	if err != nil {
		return
	}
	pipes := s.Pipes()
	for _, p := range pipes {
		p.closeWrite()
	}
	for _, p := range pipes {
		if !p.awaitEnd(ctx) {
			return
		}
	}
}

const (
	// patience is how long a peer that cannot be asked may take to end its direction after its machine has everything.
	patience = 5 * time.Second

	// looks is how often this end looks whether it has.
	looks = 100 * time.Millisecond
)

// awaitEnd waits until the peer has ended its direction too. It reports false if ctx ends first. A peer of a link that has pings,
// but not for this peer, may be libnng 1.5.2, which can forget the end: it gets patience.
func (p *Pipe) awaitEnd(ctx context.Context) bool {
	var look <-chan time.Time
	if pinger, ok := p.link.(transport.Pinger); ok && !pinger.CanPing() {
		t := time.NewTicker(looks)
		defer t.Stop()
		look = t.C
	}
	for has := time.Duration(0); has < patience; {
		select {
		case <-p.Done():
			return true
		case <-ctx.Done():
			return false
		case <-look:
			if has += looks; rawconn.ProgressOf(p.link.Info().Conn).Queued > 0 {
				has = 0
			}
		}
	}
	return true
}

// closeWrite ends the outgoing direction of a pipe with an empty queue. The peer's end of stream then ends the
// pipe. Where nothing was sent there is nothing to wait for.
func (p *Pipe) closeWrite() {
	if p.Sent() == 0 {
		p.end(ErrClosed)
		return
	}
	p.endSending()
}
