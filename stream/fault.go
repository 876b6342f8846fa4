// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// ErrCut is the error of a stream that a layer of [Fault] has cut.
var ErrCut = errors.New("the stream was cut by a fault layer")

// Faults are the faults of one direction of a stream, for tests.
type Faults struct {
	Delay    time.Duration // of every operation
	ChunkMax int           // the most bytes that move at once; 0 means no limit
	StallAt  int64         // nothing moves any more after this number of bytes; 0 means never
	CutAt    int64         // after this number of bytes the stream is closed and the direction fails with ErrCut; 0 means never
}

// Fault attaches a layer that makes a stream slow, cuts what is read and written into pieces, stalls or ends it. It changes
// no byte.
func Fault(below *Bytes, read, write Faults) (*Bytes, error) {
	return Wrap(below, func(below net.Conn) (Layer, error) {
		f := &fault{Conn: below, closed: make(chan struct{})}
		f.read.Faults, f.write.Faults = read, write
		return f, nil
	})
}

type fault struct {
	net.Conn
	read, write faultyDirection
	close       sync.Once
	closed      chan struct{}
}

type faultyDirection struct {
	Faults
	by    deadline
	moved int64
}

func (f *fault) Transparent() {}

// NetConn returns the connection below.
func (f *fault) NetConn() net.Conn { return f.Conn }

func (f *fault) End(context.Context) ([]byte, error) { return nil, nil }

func (f *fault) Read(p []byte) (int, error) { return f.do(&f.read, p, f.Conn.Read) }

func (f *fault) Write(p []byte) (done int, err error) {
	for done < len(p) && err == nil {
		var n int
		n, err = f.do(&f.write, p[done:], f.Conn.Write)
		done += n
	}
	return done, err
}

// do moves some of p.
func (f *fault) do(d *faultyDirection, p []byte, move func([]byte) (int, error)) (int, error) {
	n := int64(len(p))
	if d.ChunkMax > 0 {
		n = min(n, int64(d.ChunkMax))
	}
	if d.CutAt > 0 {
		if n = min(n, d.CutAt-d.moved); n == 0 {
			_ = f.Close()
			return 0, ErrCut
		}
	}
	pause := d.Delay
	if d.StallAt > 0 {
		if n = min(n, d.StallAt-d.moved); n == 0 {
			pause = -1 // for ever
		}
	}
	if err := d.by.sleep(pause, f.closed); err != nil {
		return 0, err
	}
	k, err := move(p[:n])
	d.moved += int64(k)
	return k, err
}

func (f *fault) SetDeadline(at time.Time) error {
	return errors.Join(f.SetReadDeadline(at), f.SetWriteDeadline(at))
}

func (f *fault) SetReadDeadline(at time.Time) error {
	f.read.by.set(at)
	return f.Conn.SetReadDeadline(at)
}

func (f *fault) SetWriteDeadline(at time.Time) error {
	f.write.by.set(at)
	return f.Conn.SetWriteDeadline(at)
}

func (f *fault) CloseWrite() error { return closeWrite(f.Conn) }

func (f *fault) Close() error {
	f.close.Do(func() { close(f.closed) })
	return f.Conn.Close()
}
