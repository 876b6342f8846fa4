// SPDX-License-Identifier: MIT

package stream

import (
	"net"
	"slices"
	"sync"
)

// gatherMax is the most bytes that are copied together for one write.
const gatherMax = 64 << 10

// gathers are buffers for that.
var gathers = sync.Pool{New: func() any { b := make([]byte, 0, gatherMax); return &b }}

// writeAll writes buffers with as few writes as possible: the kernel takes many at once, and for a layer they are copied
// together, so that TLS makes no record for each.
func (s *byteStream) writeAll(buffers [][]byte) (done int, err error) {
	switch s.conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		v := net.Buffers(slices.Clone(buffers))
		n, err := v.WriteTo(s.conn)
		return int(n), err
	}
	memory := gathers.Get().(*[]byte)
	defer gathers.Put(memory)
	gathered := *memory
	write := func(p []byte) error {
		n, err := s.conn.Write(p)
		done += n
		return err
	}
	for _, b := range buffers {
		for len(b) > 0 && err == nil {
			if len(gathered) == 0 && len(b) >= gatherMax {
				err = write(b)
				break
			}
			n := min(len(b), gatherMax-len(gathered))
			gathered, b = append(gathered, b[:n]...), b[n:]
			if len(gathered) == gatherMax {
				err = write(gathered)
				gathered = gathered[:0]
			}
		}
	}
	if len(gathered) > 0 && err == nil {
		err = write(gathered)
	}
	return done, err
}
