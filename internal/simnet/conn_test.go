// SPDX-License-Identifier: MIT

package simnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/simnet"
)

func TestConnCarriesBytesBothWays(t *testing.T) {
	a, b := simnet.Pipe()
	data := numbered(1 << 20)
	var wg sync.WaitGroup
	for _, ends := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			if _, err := ends[0].Write(data); err != nil {
				t.Errorf("write: %v", err)
			}
			if err := ends[0].(*simnet.Conn).CloseWrite(); err != nil {
				t.Errorf("close write: %v", err)
			}
		})
		wg.Go(func() {
			if got, err := io.ReadAll(ends[1]); err != nil || !bytes.Equal(got, data) {
				t.Errorf("read %d bytes, %v; want the %d written", len(got), err, len(data))
			}
		})
	}
	wg.Wait()
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	a, b := simnet.Pipe()
	const writers, size = 4, 200 << 10 // more than the window, so that each blocks in the middle
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			if _, err := a.Write(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
				t.Errorf("write: %v", err)
			}
		})
	}
	for range writers {
		block := make([]byte, size)
		if _, err := io.ReadFull(b, block); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(block, block[:1]); n != size {
			t.Fatalf("bytes of two writes are mixed: %d of %d are the first writer's", n, size)
		}
	}
	wg.Wait()
}

func TestFullWindowBlocksTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := simnet.Pipe()
		mustWrite(t, a, make([]byte, 64<<10))
		a.SetWriteDeadline(time.Now().Add(time.Hour))
		n, err := a.Write(make([]byte, 10))
		if n != 0 {
			t.Fatalf("a full window took %d bytes", n)
		}
		wantErr(t, "write to a full window", err, os.ErrDeadlineExceeded)

		a.SetWriteDeadline(time.Time{})
		mustRead(t, b, make([]byte, 4))
		a.SetWriteDeadline(time.Now().Add(time.Hour))
		if n, _ := a.Write(make([]byte, 10)); n != 4 {
			t.Fatalf("a window with room for 4 bytes took %d", n)
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := simnet.Pipe()
		var err error
		a.SetReadDeadline(time.Now().Add(3 * time.Second))
		if d := after(func() { _, err = a.Read(make([]byte, 1)) }); d != 3*time.Second {
			t.Errorf("read returned after %v, want 3s", d)
		}
		wantErr(t, "read", err, os.ErrDeadlineExceeded)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is no timeout of package net", err)
		}

		// An expired deadline wins over data at hand, as it does for the conns of package net.
		mustWrite(t, b, []byte("x"))
		_, err = a.Read(make([]byte, 1))
		wantErr(t, "read with data", err, os.ErrDeadlineExceeded)
		a.SetDeadline(time.Time{})
		mustRead(t, a, []byte("x"))

		// A deadline set during the call counts.
		time.AfterFunc(time.Minute, func() { a.SetDeadline(time.Unix(1, 0)) })
		if d := after(func() { _, err = a.Read(make([]byte, 1)) }); d != time.Minute {
			t.Errorf("read returned after %v, want 1m", d)
		}
		wantErr(t, "interrupted read", err, os.ErrDeadlineExceeded)
	})
}

func TestCloseWakesBlockedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := simnet.Pipe()
		mustWrite(t, a, make([]byte, 64<<10))
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := a.Read(make([]byte, 1))
			wantErr(t, "read", err, net.ErrClosed)
		})
		wg.Go(func() {
			_, err := a.Write(make([]byte, 1))
			wantErr(t, "write", err, net.ErrClosed)
		})
		synctest.Wait()
		a.Close()
		wg.Wait()
		if err := a.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		wantErr(t, "set deadline", a.SetDeadline(time.Now()), net.ErrClosed)
		wantErr(t, "close write", a.CloseWrite(), net.ErrClosed)
	})
}

func TestOrderlyCloseDeliversWhatWasWritten(t *testing.T) {
	a, b := simnet.Pipe()
	mustWrite(t, a, []byte("last words"))
	a.Close()
	got, err := io.ReadAll(b)
	if err != nil || string(got) != "last words" {
		t.Fatalf("read %q, %v", got, err)
	}
	_, err = b.Write([]byte("x"))
	wantErr(t, "write to a closed peer", err, noPipe)
}

func TestHalfCloseLeavesTheOtherDirection(t *testing.T) {
	a, b := simnet.Pipe()
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, err := a.Write([]byte("x"))
	wantErr(t, "write after CloseWrite", err, noPipe)
	_, err = b.Read(make([]byte, 1))
	wantErr(t, "read", err, io.EOF)
	mustWrite(t, b, []byte("still here"))
	mustRead(t, a, []byte("still here"))
}

// The reason why an engine must read to the end before it closes.
func TestCloseWithUnreadInputResets(t *testing.T) {
	a, b := simnet.Pipe()
	mustWrite(t, a, []byte("answer"))
	mustWrite(t, b, []byte("unread"))
	a.Close()
	_, err := b.Read(make([]byte, 10))
	wantErr(t, "read", err, reset)
	_, err = b.Write([]byte("x"))
	wantErr(t, "write", err, reset)
}

func TestBlockedWriterLearnsThatThePeerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.Both, simnet.Faults{Latency: time.Second})
		a, b := n.Pipe()
		mustWrite(t, a, make([]byte, 64<<10))
		// b has unread input on its way, and resets.
		b.Close()
		var err error
		if d := after(func() { _, err = a.Write([]byte("x")) }); d != time.Second {
			t.Errorf("write returned after %v, want 1s", d)
		}
		wantErr(t, "write", err, reset)
	})
}

func TestEndedLinksAreForgotten(t *testing.T) {
	n := simnet.New(1)
	a, b := n.Pipe()
	c, _ := n.Pipe()
	if got := len(n.Links()); got != 2 {
		t.Fatalf("%d links, want 2", got)
	}
	a.Close()
	if got := len(n.Links()); got != 2 {
		t.Fatalf("%d links while one is half open, want 2", got)
	}
	b.Close()
	c.Link().Cut()
	if got := n.Links(); len(got) != 0 {
		t.Fatalf("links %v are left, want none", got)
	}
}
