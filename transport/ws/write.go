// SPDX-License-Identifier: MIT

package ws

import (
	"crypto/rand"
	"net"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

const (
	// leastReference is the size from which a body is written from where it is.
	leastReference = 4 << 10

	// leastCopy and mostCopy are how much is copied before it is written. With less than mostCopy, the two ends of a connection
	// within a machine alternate too often.
	leastCopy = 4 << 10
	mostCopy  = 256 << 10
)

// A writer encodes frames.
type writer struct {
	conn     net.Conn
	mask     bool
	vector   bool           // the connection takes several buffers with one system call
	kind     wsframe.Opcode // of messages
	fragment int64          // largest payload of a frame; 0 = no limit

	keys [64]byte // random, for masks
	next int      // of keys; 0 = they are used up

	chunk *buf.Chunk  // while writing
	used  int         // bytes of chunk
	from  int         // of chunk: what is not in vec yet
	vec   net.Buffers // to be written before that
	size  int64       // of vec
	total int64       // bytes that were put, of all messages of this call
	wrote int64       // and written
	ends  []int64     // where messages end, as counted by total
}

// key returns a mask, which no page in a browser can foresee.
func (w *writer) key() (key [4]byte) {
	if w.next == 0 {
		_, _ = rand.Read(w.keys[:]) // never fails
	}
	copy(key[:], w.keys[w.next:])
	w.next = (w.next + len(key)) % len(w.keys)
	return key
}

// control appends a control frame.
func (w *writer) control(dst []byte, op wsframe.Opcode, payload []byte) []byte {
	h := wsframe.Header{Opcode: op, Final: true, Masked: w.mask, Length: int64(len(payload))}
	if w.mask {
		h.Key = w.key()
	}
	dst = append(wsframe.AppendHeader(dst, h), payload...)
	if w.mask {
		wsframe.Mask(h.Key, 0, dst[len(dst)-len(payload):])
	}
	return dst
}

// WriteMessages implements [transport.Messages].
func (k *link) WriteMessages(ps []transport.Packet) (n int, err error) {
	if !k.take() {
		return 0, k.cause(errClosedWrite)
	}
	defer k.leave()
	if k.format != binary {
		if ps, err = k.toText(ps); err != nil {
			return 0, err
		}
	}
	if n, err = k.writer.write(ps); err != nil {
		err = k.cause(err)
	}
	return n, err
}

func (w *writer) write(ps []transport.Packet) (n int, err error) {
	w.chunk = buf.NewScratch(min(max(w.copied(ps), leastCopy), mostCopy))
	w.used, w.from, w.total, w.wrote, w.size = 0, 0, 0, 0, 0
	w.ends = w.ends[:0]
	for i := range ps {
		if err = w.message(&ps[i]); err != nil {
			break
		}
		w.ends = append(w.ends, w.total)
	}
	if err == nil {
		err = w.flush()
	}
	w.chunk.Release(1)
	w.chunk = nil
	clear(w.vec[:cap(w.vec)])
	for n < len(w.ends) && w.ends[n] <= w.wrote {
		n++
	}
	return n, err
}

// copied is how much room messages need before they are written, or more than the most.
func (w *writer) copied(ps []transport.Packet) (size int) {
	for i := range ps {
		size += len(ps[i].Header) + wsframe.MaxHeader
		if !w.byReference(ps[i].Body) {
			size += len(ps[i].Body)
		}
		if w.fragment > 0 {
			size += len(ps[i].Body) / int(w.fragment) * wsframe.MaxHeader
		}
		if size >= mostCopy {
			break
		}
	}
	return size
}

// byReference says whether a part of a payload is written from where it is.
func (w *writer) byReference(p []byte) bool { return w.vector && !w.mask && len(p) >= leastReference }

// message puts a message, in as many frames as it needs.
func (w *writer) message(p *transport.Packet) error {
	head, body := p.Header, p.Body
	h := wsframe.Header{Opcode: w.kind, Masked: w.mask}
	for {
		left := int64(len(head) + len(body))
		h.Length = left
		if w.fragment > 0 {
			h.Length = min(left, w.fragment)
		}
		if h.Final = h.Length == left; w.mask {
			h.Key = w.key()
		}
		if len(w.chunk.Data)-w.used < wsframe.MaxHeader {
			if err := w.flush(); err != nil {
				return err
			}
		}
		at := w.used
		w.used = len(wsframe.AppendHeader(w.chunk.Data[:w.used], h))
		w.total += int64(w.used - at)
		a := min(int64(len(head)), h.Length)
		b := h.Length - a
		if err := w.payload(h, 0, head[:a]); err != nil {
			return err
		}
		if err := w.payload(h, int(a), body[:b]); err != nil {
			return err
		}
		head, body = head[a:], body[b:]
		if h.Final {
			return nil
		}
		h.Opcode = wsframe.Continuation
	}
}

// payload puts a part of a frame's payload, which begins at offset of it.
func (w *writer) payload(h wsframe.Header, offset int, p []byte) error {
	w.total += int64(len(p))
	if w.byReference(p) {
		w.cut()
		w.vec = append(w.vec, p)
		w.size += int64(len(p))
		return nil
	}
	for len(p) > 0 {
		if w.used == len(w.chunk.Data) {
			if err := w.flush(); err != nil {
				return err
			}
		}
		n := min(len(p), len(w.chunk.Data)-w.used)
		if into := w.chunk.Data[w.used : w.used+n]; w.mask {
			wsframe.MaskCopy(h.Key, offset, into, p[:n])
		} else {
			copy(into, p)
		}
		w.used, offset, p = w.used+n, offset+n, p[n:]
	}
	return nil
}

// cut adds the bytes of the chunk to the vector.
func (w *writer) cut() {
	if w.used > w.from {
		w.vec = append(w.vec, w.chunk.Data[w.from:w.used:w.used])
		w.size += int64(w.used - w.from)
		w.from = w.used
	}
}

// flush writes what was put.
func (w *writer) flush() (err error) {
	w.cut()
	var n int64
	switch base := w.vec; len(w.vec) {
	case 0:
	case 1:
		var k int
		k, err = w.conn.Write(w.vec[0])
		n, w.vec = int64(k), base[:0]
	default:
		vec := w.vec // which WriteTo changes
		n, err = vec.WriteTo(w.conn)
		clear(base)
		w.vec = base[:0]
	}
	w.wrote += n
	w.used, w.from, w.size = 0, 0, 0
	return err
}
