// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"fmt"
	"io"
	"net"
)

// A muxStream is one stream of a Mux. Its fields are under the lock of the mux.
type muxStream struct {
	mux     *Mux
	id      uint32
	changed chan struct{} // closed and replaced when anything changes
	credit  int           // bytes that may be sent
	window  int           // bytes that the peer may send
	taken   int           // bytes that were received and for which no credit was given back
	queue   []muxPiece    // received, and not taken
	partial []byte        // the beginning of a message
	ended   bool          // the peer's direction
	sentEnd bool          // this end's direction
	reset   bool          // by the peer
	closed  bool          // here
	broken  error         // a message was sent or received in part
}

// A muxPiece is a part of a message.
type muxPiece struct {
	data []byte
	last bool
}

func newMuxStream(m *Mux, id uint32) *muxStream {
	return &muxStream{mux: m, id: id, changed: make(chan struct{}), credit: muxWindow, window: m.config.Window}
}

func (s *muxStream) changeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// releaseLocked removes a stream that has ended in both directions.
func (s *muxStream) releaseLocked() {
	m := s.mux
	if m.streams[s.id] == s && (s.reset || s.closed || s.ended && s.sentEnd) {
		delete(m.streams, s.id)
		if s.id%2 != m.next%2 {
			m.theirs--
		}
	}
}

func (s *muxStream) receivedLocked(data []byte, last bool) error {
	if s.ended {
		return fmt.Errorf("%w: data after the end of stream %d", errMuxProtocol, s.id)
	}
	if s.window -= len(data) + muxOverhead; s.window < 0 {
		return fmt.Errorf("%w: more data than credit on stream %d", errMuxProtocol, s.id)
	}
	s.queue = append(s.queue, muxPiece{data, last})
	return nil
}

// Receive implements [MessageConn]. A call that its context has ended can be repeated.
func (s *muxStream) Receive(ctx context.Context) (message []byte, err error) {
	for {
		s.mux.mu.Lock()
		message, done, err := s.assembleLocked()
		changed := s.changed
		s.mux.mu.Unlock()
		if done || err != nil {
			return message, err
		}
		select {
		case <-changed:
		case <-s.mux.done:
			return nil, s.mux.err
		case <-s.mux.ended:
			if err := s.finished(); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// finished is the error of a stream without further data, after the peer's end of the mux.
func (s *muxStream) finished() error {
	s.mux.mu.Lock()
	defer s.mux.mu.Unlock()
	if len(s.queue) > 0 || s.ended || s.reset || s.closed {
		return nil // the next look says more
	}
	return fmt.Errorf("%w: the peer has ended it", ErrMux)
}

// assembleLocked takes the queue until a message is whole.
func (s *muxStream) assembleLocked() (message []byte, done bool, err error) {
	if s.broken != nil {
		return nil, false, s.broken
	}
	for !done && len(s.queue) > 0 {
		p := s.queue[0]
		s.queue[0] = muxPiece{}
		s.queue = s.queue[1:]
		s.taken += len(p.data) + muxOverhead
		if len(s.partial)+len(p.data) > s.mux.config.MaxMessage {
			s.broken = fmt.Errorf("%w: %w", ErrBroken, tooLarge(uint64(len(s.partial)+len(p.data)), s.mux.config.MaxMessage))
			s.closeLocked()
			return nil, false, s.broken
		}
		if message = p.data; s.partial != nil || !p.last {
			s.partial = append(s.partial, p.data...)
			message = s.partial
		}
		if done = p.last; done {
			s.partial = nil
		}
	}
	if s.taken >= s.mux.config.Window/2 && !s.ended && !s.closed && !s.reset && !s.mux.ending {
		s.mux.putLocked(muxCredit, s.id, uint32(s.taken))
		s.window += s.taken
		s.taken = 0
	}
	switch {
	case done:
		return message, true, nil
	case s.closed:
		return nil, false, net.ErrClosed
	case s.reset:
		return nil, false, ErrReset
	case s.ended && s.partial != nil:
		return nil, false, io.ErrUnexpectedEOF
	case s.ended:
		return nil, false, io.EOF
	}
	return nil, false, nil
}

// Send implements [MessageConn]. A call that ends within a message closes the stream, and no other.
func (s *muxStream) Send(ctx context.Context, messages ...[]byte) error {
	for _, message := range messages {
		if err := s.send(ctx, message); err != nil {
			return err
		}
	}
	return nil
}

func (s *muxStream) send(ctx context.Context, message []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for rest := message; ; {
		s.mux.mu.Lock()
		n, err := s.putLocked(rest)
		changed, room := s.changed, s.mux.room
		s.mux.mu.Unlock()
		if rest = rest[max(n, 0):]; n >= 0 && len(rest) == 0 {
			return nil
		}
		if err == nil && n < 0 {
			err = s.wait(ctx, changed, room)
		}
		if err != nil {
			return s.interrupted(len(message)-len(rest), err)
		}
	}
}

// putLocked queues the next part of a message and returns its size. It is negative if there is no room or no credit.
func (s *muxStream) putLocked(rest []byte) (n int, err error) {
	switch {
	case s.broken != nil:
		return -1, s.broken
	case s.closed:
		return -1, net.ErrClosed
	case s.reset:
		return -1, ErrReset
	case s.sentEnd:
		return -1, errEnded
	}
	if err := s.mux.stateLocked(); err != nil {
		return -1, err
	}
	const worthwhile = 1 << 10 // smaller parts of a message wait for more credit
	if n = min(len(rest), muxPartMax, s.credit-muxOverhead); n < min(len(rest), worthwhile) || len(s.mux.out) >= muxBuffer {
		return -1, nil
	}
	kind := byte(muxPart)
	if n == len(rest) {
		kind = muxLast
	}
	s.credit -= n + muxOverhead
	s.mux.putLocked(kind, s.id, uint32(n), rest[:n]...)
	return n, nil
}

// wait waits for a change of the stream, or for room among the frames to be written.
func (s *muxStream) wait(ctx context.Context, changed, room <-chan struct{}) error {
	select {
	case <-changed:
	case <-room:
	case <-s.mux.ended:
		return fmt.Errorf("%w: the peer has ended it", ErrMux)
	case <-s.mux.done:
		return s.mux.err
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// interrupted closes the stream if a message was sent in part.
func (s *muxStream) interrupted(sent int, err error) error {
	s.mux.mu.Lock()
	defer s.mux.mu.Unlock()
	if sent > 0 && s.broken == nil {
		s.broken = fmt.Errorf("%w, after %d bytes: %w", ErrBroken, sent, err)
		s.closeLocked()
	}
	return err
}

// CloseSend implements [MessageConn]. It does not wait.
func (s *muxStream) CloseSend(context.Context) error {
	s.mux.mu.Lock()
	defer s.mux.mu.Unlock()
	switch err := s.mux.stateLocked(); {
	case s.sentEnd:
		return nil
	case s.broken != nil:
		return s.broken
	case s.closed:
		return net.ErrClosed
	case s.reset:
		return ErrReset
	case err != nil:
		return err
	}
	s.mux.putLocked(muxEnd, s.id, 0)
	s.sentEnd = true
	s.releaseLocked()
	return nil
}

// Close implements [MessageConn]. The peer's calls fail with ErrReset, unless both directions have ended.
func (s *muxStream) Close() error {
	s.mux.mu.Lock()
	defer s.mux.mu.Unlock()
	s.closeLocked()
	return nil
}

func (s *muxStream) closeLocked() {
	if s.closed {
		return
	}
	s.closed, s.queue, s.partial = true, nil, nil
	if s.mux.streams[s.id] == s && s.mux.stateLocked() == nil {
		s.mux.putLocked(muxReset, s.id, 0)
	}
	s.releaseLocked()
	s.changeLocked()
}
