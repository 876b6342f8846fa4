// SPDX-License-Identifier: MIT

//go:build unix

package rawconn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// connected is a connection with little room for what is on its way, and its other end.
func connected(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if a, err = net.DialUnix("unix", nil, addr); err != nil {
		t.Fatal(err)
	}
	if b, err = l.AcceptUnix(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	if err := errors.Join(a.SetWriteBuffer(16<<10), b.SetReadBuffer(16<<10)); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// A write to a full connection takes what there is room for and returns; nothing is lost or doubled by going on
// from there.
func TestDirectWriterStopsWhereTheKernelIsFull(t *testing.T) {
	a, b := connected(t)
	w := NewWriter(a)
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	total, full := 0, 0
	got := make(chan []byte, 1)
	for full == 0 { // nobody reads: at some point nothing is taken any more
		n, err := w.Write(net.Buffers{data[total : total+1000], data[total+1000 : total+1500]})
		if err != nil {
			t.Fatal(err)
		}
		if total += int(n); n == 0 {
			full++
		}
		if total > len(data)-2000 {
			t.Fatal("the connection never was full")
		}
	}
	if n, err := w.Write(net.Buffers{data[total:]}); n != 0 || err != nil {
		t.Fatalf("a full connection took %d bytes: %v", n, err)
	}
	go func() {
		all, _ := io.ReadAll(b)
		got <- all
	}()
	for total < len(data) {
		n, err := w.Write(net.Buffers{data[total:min(len(data), total+5000)]})
		if err != nil {
			t.Fatal(err)
		}
		if total += int(n); n == 0 {
			runtime.Gosched() // to the one that reads
		}
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(<-got, data) {
		t.Error("what arrived is not what was written")
	}
	if _, err := w.Write(net.Buffers{data}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write to a closed connection: %v", err)
	}
}

func TestDirectWriterReportsABrokenConnection(t *testing.T) {
	a, b := connected(t)
	w := NewWriter(a)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(net.Buffers{[]byte("hello")}); !errors.Is(err, syscall.EPIPE) || n != 0 {
		t.Errorf("a write to a connection whose peer is gone: %d, %v", n, err)
	}
	if n, err := w.Write(nil); n != 0 || err != nil {
		t.Errorf("a write of nothing: %d, %v", n, err)
	}
}

// Only a connection with a descriptor can be written without waiting.
func TestDirectWriterNeedsADescriptor(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _, _ = near.Close(), far.Close() }()
	if NewWriter(near) != nil {
		t.Error("a net.Pipe has a direct writer")
	}
}

// A Unix socket gets a larger send buffer, and a TCP connection keeps its own.
func TestEnlargeLocal(t *testing.T) {
	a, _ := connected(t)
	before := sendBuffer(t, a)
	EnlargeLocal(a)
	if after := sendBuffer(t, a); after <= before {
		t.Errorf("the send buffer has %d bytes, and had %d", after, before)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	before = sendBuffer(t, c.(*net.TCPConn))
	EnlargeLocal(c)
	if after := sendBuffer(t, c.(*net.TCPConn)); after != before {
		t.Errorf("the send buffer of a TCP connection has %d bytes, and had %d", after, before)
	}
}

// sendBuffer is the size of a connection's send buffer, as the system says.
func sendBuffer(t *testing.T, c syscall.Conn) (size int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { size, failed = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF) })
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return size
}
