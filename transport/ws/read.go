// SPDX-License-Identifier: MIT

package ws

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/wsframe"
)

const (
	smallBuffer = 512      // of an idle link
	maxBuffer   = 64 << 10 // of a busy one
	maxBuffered = 16 << 10 // payload of a frame that is waited for in the buffer
	quietReads  = 64       // small reads in a row after which the buffer becomes smaller

	// firstMemory is how much memory a large message gets before more than that of it has arrived.
	firstMemory = 32 << 10

	// maxEmpty is how many frames of a message may be empty. Each costs time, and a message no memory.
	maxEmpty = 1000
)

// A reader decodes frames. Small messages are copied from its buffer to their memory. The payload of larger ones is read into
// their memory, which grows as it arrives.
type reader struct {
	link *link
	conn net.Conn

	buf        []byte
	start, end int            // of the bytes that are not decoded yet
	chunk      *buf.Chunk     // that buf is of; nil = none
	quiet      int            // small reads in a row
	heard      time.Time      // when something was read last
	pings      bool           // sends pings
	kind       wsframe.Opcode // of messages
	armed      bool           // reading has a deadline

	sequence wsframe.Sequence
	empty    int // frames of the message

	large int  // size of the last message that was larger than the buffer
	after bool // that was the last one: another such message is likely to come
	err   error
}

// ReadMessages implements [transport.Messages].
func (k *link) ReadMessages(dst [][]byte, alloc func(have []byte, size int) []byte) (n int, err error) {
	if k.format == binary {
		n, err = k.reader.read(dst, alloc)
	} else {
		n, err = k.readText(dst, alloc)
	}
	if n > 0 && err != nil { // it comes again
		k.reader.err, err = err, nil
	}
	return n, err
}

func (r *reader) read(dst [][]byte, alloc func(have []byte, size int) []byte) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	for n < len(dst) {
		h, size, err := wsframe.ParseHeader(r.buf[r.start:r.end], !r.link.client)
		whole := size > 0 && int64(r.end-r.start-size) >= h.Length
		switch {
		case err != nil:
			return n, r.link.fail(err)
		case whole && h.Opcode == r.kind && h.Final:
			if err := r.next(h, size); err != nil {
				return n, err
			}
			dst[n] = alloc(nil, int(h.Length))
			r.copy(h, 0, dst[n])
			r.after = false
			n++
		case whole && h.Opcode.IsControl():
			if err := r.control(h, size); err != nil {
				return n, err
			}
		case n > 0:
			return n, nil // do not wait
		case size > 0 && !h.Opcode.IsControl() && (!h.Final || h.Opcode == wsframe.Continuation || h.Length > maxBuffered):
			if dst[0], err = r.message(alloc); err != nil {
				return 0, err
			}
			n++
		default:
			if size > 0 { // a frame of the other kind must not be waited for
				if err := r.acceptable(h); err != nil {
					return n, err
				}
			}
			most := maxBuffer
			if r.after && r.start == r.end {
				most = smallBuffer // bytes behind the header of a large message are copied
			}
			if err := r.fill(int(h.Length)+max(size, 2), most); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// acceptable refuses messages of the other kind, and messages beyond the limit before they are waited for.
func (r *reader) acceptable(h wsframe.Header) error {
	switch {
	case h.Opcode == wsframe.Text && r.kind == wsframe.Binary:
		return r.link.fail(&wsframe.ProtocolError{Code: wsframe.StatusUnsupported, Reason: "a text message, where binary ones are spoken: connect with ?format=text or ?format=json"})
	case h.Opcode == wsframe.Binary && r.kind == wsframe.Text:
		return r.link.fail(&wsframe.ProtocolError{Code: wsframe.StatusUnsupported, Reason: "a binary message, where text is spoken: connect without ?format"})
	}
	s := r.sequence
	if _, err := s.Next(h); err != nil {
		return r.link.fail(err)
	}
	return nil
}

// next takes the header of a frame.
func (r *reader) next(h wsframe.Header, size int) error {
	if err := r.acceptable(h); err != nil {
		return err
	}
	_, _ = r.sequence.Next(h)
	r.start += size
	return nil
}

// copy takes as much of a payload as is in the buffer, and p has room for. The first byte is at offset of the payload.
func (r *reader) copy(h wsframe.Header, offset int64, p []byte) int {
	n := min(len(p), r.end-r.start)
	if from := r.buf[r.start : r.start+n]; h.Masked {
		wsframe.MaskCopy(h.Key, int(offset&3), p, from)
	} else {
		copy(p, from)
	}
	r.start += n
	return n
}

// control takes a control frame, which is in the buffer as a whole.
func (r *reader) control(h wsframe.Header, size int) error {
	if err := r.next(h, size); err != nil {
		return err
	}
	payload := make([]byte, h.Length)
	r.copy(h, 0, payload)
	switch h.Opcode {
	case wsframe.Ping:
		r.link.send(pending{pong: payload})
	case wsframe.Close:
		err := r.link.closing(payload)
		if _, ok := errors.AsType[*wsframe.ProtocolError](err); ok {
			return r.link.fail(err)
		}
		return err
	}
	return nil
}

// message reads one message of any number of frames, and control frames between them.
func (r *reader) message(alloc func(have []byte, size int) []byte) (m []byte, err error) {
	have := 0
	for r.empty = 0; ; {
		h, size, err := wsframe.ParseHeader(r.buf[r.start:r.end], !r.link.client)
		switch {
		case err != nil:
			return nil, r.link.fail(err)
		case size == 0 || h.Opcode.IsControl() && int64(r.end-r.start-size) < h.Length:
			if err := r.fill(max(size, 2)+int(min(h.Length, wsframe.MaxControl)), smallBuffer); err != nil {
				return nil, err
			}
			continue
		case h.Opcode.IsControl():
			if err := r.control(h, size); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.next(h, size); err != nil {
			return nil, err
		}
		if h.Length == 0 {
			if r.empty++; r.empty > maxEmpty {
				return nil, r.link.fail(&wsframe.ProtocolError{Code: wsframe.StatusPolicy, Reason: "too many empty frames in one message"})
			}
		}
		if m, have, err = r.payload(h, m, have, alloc); err != nil {
			return nil, err
		}
		if h.Final {
			r.large, r.after = have, have > maxBuffered
			return m[:have], nil
		}
	}
}

// payload reads the payload of a frame into m, which has the first bytes of the message, and grows.
func (r *reader) payload(h wsframe.Header, m []byte, have int, alloc func(have []byte, size int) []byte) (grown []byte, now int, err error) {
	if m == nil {
		size := int64(max(r.large, firstMemory))
		if h.Final {
			size = min(size, h.Length)
		}
		if h.Final && r.large > 0 {
			size += smallBuffer // it is not the only large one: the next header is read with the payload
		}
		m = alloc(nil, int(size))
	}
	for offset := int64(0); offset < h.Length; {
		left := h.Length - offset
		if have == len(m) {
			size := int64(max(2*have, firstMemory))
			if h.Final {
				size = min(size, int64(have)+left)
			}
			if limit := r.sequence.Limit; limit > 0 {
				size = min(size, limit)
			}
			m = alloc(m[:have], int(size))
		}
		into := m[have:min(int64(len(m)), int64(have)+left)]
		n := r.copy(h, offset, into)
		if n == 0 {
			if n, err = r.into(m, have, len(into), h.Final); err != nil {
				return m, have, within(err)
			}
			if h.Masked {
				wsframe.Mask(h.Key, int(offset&3), into[:n])
			}
		}
		offset, have = offset+int64(n), have+n
	}
	return m, have, nil
}

// into reads up to most bytes to where have bytes of m end. The buffer is empty. The header of the next frame is read with them, as far
// as m has room, and is moved to the buffer; behind the last frame of a message, what follows the header may be the whole of a small message.
func (r *reader) into(m []byte, have, most int, last bool) (n int, err error) {
	behind := wsframe.MaxHeader
	if last {
		behind = smallBuffer
	}
	n, err = r.receive(m[have:min(len(m), have+most+behind)])
	if n > most {
		r.start, r.end = 0, copy(r.buf, m[have+most:have+n])
		n = most
	}
	return n, err
}

// fill reads up to most bytes into the buffer, which is to hold need bytes from start on.
func (r *reader) fill(need, most int) error {
	if r.start == r.end {
		r.start, r.end = 0, 0
		if len(r.buf) < smallBuffer {
			r.resize(smallBuffer)
		}
	}
	if room := len(r.buf) - r.start; room < need || r.end == len(r.buf) {
		if len(r.buf) < need {
			r.resize(min(max(need, 8*len(r.buf)), maxBuffer))
		} else {
			r.end = copy(r.buf, r.buf[r.start:r.end])
			r.start = 0
		}
	}
	had := r.end > r.start
	room := r.buf[r.end:min(len(r.buf), r.end+most)]
	n, err := r.receive(room)
	if err != nil {
		if had {
			err = within(err)
		}
		return err
	}
	r.end += n
	if n > 0 && most == maxBuffer {
		r.adapt(n, len(room))
	}
	return nil
}

// adapt makes the buffer larger after a read that fills it, and smaller after many that need little of it.
func (r *reader) adapt(n, room int) {
	switch {
	case n == room && len(r.buf) < maxBuffer:
		r.resize(min(8*len(r.buf), maxBuffer))
		r.quiet = 0
	case n > len(r.buf)/16:
		r.quiet = 0
	default:
		if r.quiet++; r.quiet >= quietReads && r.end-r.start <= smallBuffer {
			r.resize(smallBuffer)
			r.quiet = 0
		}
	}
}

// resize continues with another buffer.
func (r *reader) resize(size int) {
	var chunk *buf.Chunk
	var next []byte
	if size > smallBuffer {
		chunk = buf.NewScratch(size)
		next = chunk.Data
	} else {
		next = make([]byte, size)
	}
	r.end = copy(next, r.buf[r.start:r.end])
	r.start = 0
	if r.chunk != nil {
		r.chunk.Release(1)
	}
	r.buf, r.chunk = next, chunk
}

// receive reads from the connection. While nothing comes, it sends pings, if the peer may get some. It returns no bytes and no error after it has given
// up a buffer that was not needed for long.
func (r *reader) receive(p []byte) (int, error) {
	for {
		if !r.armed {
			if err := r.conn.SetReadDeadline(r.heard.Add(quiet)); err != nil {
				return 0, err
			}
			r.armed = true
		}
		n, err := r.conn.Read(p)
		switch {
		case n > 0:
			r.heard = time.Now()
			r.link.heard.Store(true)
			return n, nil
		case err == nil:
			return 0, io.ErrNoProgress
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		}
		r.armed = false
		if now := time.Now(); !now.Before(r.heard.Add(quiet)) { // else something came since the deadline was set
			r.heard = now
			if r.pings {
				r.link.send(pending{ping: true})
			}
			if r.start == r.end && r.chunk != nil {
				r.resize(smallBuffer)
				return 0, nil
			}
		}
	}
}

// within is the error for an end within a message.
func within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
