// SPDX-License-Identifier: MIT

package tlstcp

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"

	"github.com/sprymq/spry/internal/buf"
)

const (
	recordSize = 16 << 10 // most plaintext of a record
	recordHead = 5
	recordRoom = recordSize + 256 // for all of it
	together   = 2                // most records that are written together: with more, small messages cost a fifth more
)

// A conn is a TLS connection that ends in the ways of a link. crypto/tls writes and reads a record at a time; here the records of
// one Write are written together, and those that have been read ahead are returned together.
type conn struct {
	*tls.Conn
	below *records
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (n int, err error) {
	if len(p) <= recordSize {
		return c.Conn.Write(p)
	}
	c.below.expected.Store(int32((len(p) + recordSize - 1) / recordSize))
	c.below.written.Store(0)
	n, err = c.Conn.Write(p)
	switch left := c.below.expected.Swap(0); {
	case err != nil:
		n = min(n, int(c.below.written.Load())*recordSize)
	case left > 0: // crypto/tls has written fewer records
		n, err = 0, io.ErrShortWrite
	}
	return n, err
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (n int, err error) {
	n, err = c.Conn.Read(p)
	for last := n; err == nil && last >= recordSize/2 && n < len(p); n += last { // a flow
		c.below.ahead = true
		last, err = c.Conn.Read(p[n:])
		c.below.ahead = false
		if errors.Is(err, errNothingAhead) {
			return n, nil
		}
	}
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}

// errNothingAhead is no failure of the connection to crypto/tls.
var errNothingAhead = os.ErrDeadlineExceeded

// records is the connection below TLS.
type records struct {
	net.Conn

	expected atomic.Int32 // records that are to be written together
	written  atomic.Int32 // records that have been, of those
	ahead    bool         // Read must not wait; of the goroutine that reads

	// Write uses these. crypto/tls calls it with a lock.
	chunk *buf.Chunk
	used  int
}

// NetConn returns the connection below.
func (r *records) NetConn() net.Conn { return r.Conn }

// Read implements [net.Conn].
func (r *records) Read(p []byte) (int, error) {
	if r.ahead {
		return 0, errNothingAhead
	}
	return r.Conn.Read(p)
}

// Write writes a record, or keeps it until the last one that is expected. A record of another goroutine, such as an alert, counts as
// one of those: then the last one is written by itself.
func (r *records) Write(p []byte) (int, error) {
	left := r.expected.Load()
	if left > 1 && r.chunk == nil {
		r.chunk = buf.NewScratch(min(int(left), together) * recordRoom)
	}
	if r.chunk == nil {
		return r.Conn.Write(p)
	}
	if len(p) > recordRoom {
		return 0, errors.New("a TLS record that is larger than any may be")
	}
	if len(p) > len(r.chunk.Data)-r.used {
		if err := r.flush(); err != nil {
			return 0, err
		}
	}
	r.used += copy(r.chunk.Data[r.used:], p)
	if left > 0 {
		r.expected.Store(left - 1)
	}
	if left <= 1 {
		err := r.flush()
		r.chunk.Release(1)
		r.chunk = nil
		if err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// flush writes the records in the chunk.
func (r *records) flush() error {
	n, err := r.Conn.Write(r.chunk.Data[:r.used])
	for b := r.chunk.Data[:n]; len(b) >= recordHead; r.written.Add(1) {
		size := recordHead + int(binary.BigEndian.Uint16(b[recordHead-2:]))
		if size > len(b) {
			break
		}
		b = b[size:]
	}
	r.used = 0
	return err
}
