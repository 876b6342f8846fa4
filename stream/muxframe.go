// SPDX-License-Identifier: MIT

package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The protocol of a Mux consists of frames: a type of one byte, and two big-endian numbers of four bytes, the stream and a
// value. Data follow the frames muxPart and muxLast; the value is their size. The end that is the client opens streams with
// odd numbers, the other with even ones, in rising order.
//
// Each direction of a stream has credit, at first muxWindow bytes. A frame of data costs muxOverhead and its size. The
// receiver gives credit back when its application has taken the data.
const (
	muxOpen   = 1 // opens a stream; the value is credit beyond muxWindow
	muxPart   = 2 // a part of a message, which goes on
	muxLast   = 3 // the last part of a message
	muxCredit = 4 // the value is more credit
	muxEnd    = 5 // the sender sends nothing more on the stream
	muxReset  = 6 // the sender has closed the stream, or refuses it
	muxFinish = 7 // the end of the protocol: the next byte is no frame
)

const (
	muxHeader    = 9        // size of a frame without its data
	muxPartMax   = 16 << 10 // most data of one frame
	muxOverhead  = 32
	muxWindow    = 64 << 10
	maxMuxWindow = 1 << 30
	maxMuxID     = 1 << 31
	muxBuffer    = 64 << 10  // frames that wait to be written, when senders wait
	muxBacklog   = 256 << 10 // the same, when nothing more is read
)

var errMuxProtocol = errors.New("the peer breaks the protocol")

// putLocked queues a frame.
func (m *Mux) putLocked(kind byte, id, value uint32, data ...byte) {
	m.out = append(m.out, kind)
	m.out = binary.BigEndian.AppendUint32(m.out, id)
	m.out = binary.BigEndian.AppendUint32(m.out, value)
	m.out = append(m.out, data...)
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// write writes queued frames, many at once.
func (m *Mux) write() {
	ctx := m.scope.Context()
	var frames []byte
	for {
		select {
		case <-m.wake:
		case <-ctx.Done():
			return
		}
		m.mu.Lock()
		frames, m.out = m.out, frames[:0]
		m.writing = true
		m.mu.Unlock()
		var err error
		if len(frames) > 0 {
			err = m.below.Write(ctx, frames)
		}
		m.mu.Lock()
		m.writing = false
		close(m.room)
		m.room = make(chan struct{})
		m.mu.Unlock()
		if err != nil {
			m.broken(err)
			return
		}
	}
}

// broken ends the mux and the stream below because of an error.
func (m *Mux) broken(err error) {
	m.fail(err)
	_ = m.below.Close()
}

// read reads frames until the peer's end of the protocol.
func (m *Mux) read() {
	finished, err := m.readFrame()
	for !finished && err == nil {
		finished, err = m.readFrame()
	}
	if finished {
		close(m.ended)
		return
	}
	if m.scope.Context().Err() == nil {
		m.broken(err)
	}
}

func (m *Mux) readFrame() (finished bool, err error) {
	ctx := m.scope.Context()
	if err := m.mayRead(); err != nil {
		return false, err
	}
	head, err := m.below.Peek(ctx, muxHeader)
	if err != nil {
		return false, noEnd(err)
	}
	kind, id, value := head[0], binary.BigEndian.Uint32(head[1:]), binary.BigEndian.Uint32(head[5:])
	if err := m.below.Discard(ctx, muxHeader); err != nil {
		return false, err
	}
	var data []byte
	switch kind {
	case muxFinish:
		return true, nil
	case muxPart, muxLast:
		if value > muxPartMax {
			return false, fmt.Errorf("%w: a frame of %d bytes, at most %d are allowed", errMuxProtocol, value, muxPartMax)
		}
		data = make([]byte, value)
		if err := m.below.ReadFull(ctx, data); err != nil {
			return false, noEnd(err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return false, m.handleLocked(kind, id, value, data)
}

// mayRead waits while too many frames wait to be written: the peer can cause responses and not read them.
func (m *Mux) mayRead() error {
	for {
		m.mu.Lock()
		full, room := len(m.out) > muxBacklog, m.room
		m.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-room:
		case <-m.done:
			return m.err
		}
	}
}

// handleLocked does what a frame says.
func (m *Mux) handleLocked(kind byte, id, value uint32, data []byte) error {
	if kind == muxOpen {
		return m.openedLocked(id, value)
	}
	s := m.streams[id]
	switch ours := id%2 == m.next%2; {
	case id == 0 || kind < muxPart || kind > muxReset:
		return fmt.Errorf("%w: a frame of type %d for stream %d", errMuxProtocol, kind, id)
	case s == nil && (ours && id >= m.next || !ours && (m.last == ^uint32(0) || id > m.last)):
		return fmt.Errorf("%w: a frame for stream %d, which was not opened", errMuxProtocol, id)
	case m.ending:
		if m.dropped += len(data); m.dropped > MaxDrain {
			return fmt.Errorf("%w: the peer sent more than %d bytes before its end", ErrTooLarge, MaxDrain)
		}
		return nil
	case s == nil: // it was closed here, and the peer did not know that yet
		return nil
	}
	defer s.changeLocked()
	switch kind {
	case muxPart, muxLast:
		return s.receivedLocked(data, kind == muxLast)
	case muxCredit:
		if value == 0 || int64(s.credit)+int64(value) > maxMuxWindow {
			return fmt.Errorf("%w: credit of %d bytes", errMuxProtocol, value)
		}
		s.credit += int(value)
	case muxEnd:
		s.ended = true
		s.releaseLocked()
	case muxReset:
		s.reset = true
		s.releaseLocked()
	}
	return nil
}

// openedLocked takes a stream that the peer opens, or refuses it.
func (m *Mux) openedLocked(id, value uint32) error {
	after := m.last == ^uint32(0) || id > m.last
	if id == 0 || id >= maxMuxID || id%2 == m.next%2 || !after || value > maxMuxWindow-muxWindow {
		return fmt.Errorf("%w: it opens stream %d after %d", errMuxProtocol, id, m.last)
	}
	m.last = id
	if m.ending {
		return nil
	}
	s := newMuxStream(m, id)
	s.credit += int(value)
	if m.theirs < m.config.MaxStreams {
		select {
		case m.accept <- s:
			m.streams[id] = s
			m.theirs++
			if more := m.config.Window - muxWindow; more > 0 {
				m.putLocked(muxCredit, id, uint32(more))
			}
			return nil
		default: // streams that were closed have not been accepted yet
		}
	}
	m.putLocked(muxReset, id, 0)
	return nil
}
