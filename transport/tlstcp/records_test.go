// SPDX-License-Identifier: MIT

package tlstcp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
)

// A countingConn counts writes, and takes no more than left bytes if that is not negative.
type countingConn struct {
	net.Conn
	writes, reads int
	left          int
}

var errFull = errors.New("full")

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes++
	if c.left >= 0 && len(p) > c.left {
		n, _ := c.Conn.Write(p[:c.left])
		c.left = 0
		return n, errFull
	}
	n, err := c.Conn.Write(p)
	if c.left >= 0 {
		c.left -= n
	}
	return n, err
}

func (c *countingConn) Read(p []byte) (int, error) {
	c.reads++
	return c.Conn.Read(p)
}

// connected returns two ends of a connection after their handshake, and the connections below them.
func connected(t *testing.T) (client, server *conn, belowClient, belowServer *countingConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	a := testcert.NewAuthority(t)
	belowClient, belowServer = &countingConn{Conn: near, left: -1}, &countingConn{Conn: far, left: -1}
	config := a.Client(t, "client")
	config.ServerName = "127.0.0.1"
	config.DynamicRecordSizingDisabled = true
	serverConfig := a.Server(t)
	serverConfig.DynamicRecordSizingDisabled = true
	client = newLink(belowClient, config, tls.Client).Conn.(*conn)
	server = newLink(belowServer, serverConfig, tls.Server).Conn.(*conn)
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	done := make(chan error, 1)
	go func() { done <- server.HandshakeContext(t.Context()) }()
	if err := errors.Join(client.HandshakeContext(t.Context()), <-done); err != nil {
		t.Fatal(err)
	}
	return client, server, belowClient, belowServer
}

func TestRecordsAreWrittenTogether(t *testing.T) {
	for size, most := range map[int]int{1: 1, recordSize: 1, recordSize + 1: 1, together * recordSize: 1, together*recordSize + 1: 2, 1 << 20: 1 << 20 / recordSize / together} {
		client, server, below, _ := connected(t)
		sent, before := bytes.Repeat([]byte{'x'}, size), below.writes
		received := make(chan []byte, 1)
		go func() {
			got := make([]byte, size)
			_, _ = io.ReadFull(server, got)
			received <- got
		}()
		if n, err := client.Write(sent); n != size || err != nil {
			t.Fatalf("%d bytes: %d, %v", size, n, err)
		}
		if !bytes.Equal(<-received, sent) {
			t.Errorf("%d bytes arrived as others", size)
		}
		if n := below.writes - before; n > most {
			t.Errorf("%d bytes are %d writes, want %d", size, n, most)
		}
	}
}

// What Write returns after a failure is no more than what has left.
func TestFailedWritesCountWhatHasLeft(t *testing.T) {
	const size = 10 * recordSize
	for left, want := range map[int]int{0: 0, 100: 0, recordRoom: 1, 3 * recordRoom: 3, 5 * recordRoom: 5} {
		client, server, below, _ := connected(t)
		go func() { _, _ = io.Copy(io.Discard, server) }()
		below.left = left
		if n, err := client.Write(make([]byte, size)); n != want*recordSize || !errors.Is(err, errFull) {
			t.Errorf("of %d bytes %d have left: %d, %v; want %d", size, left, n, err, want*recordSize)
		}
	}
}

// Another goroutine writes a record, as crypto/tls does for an alert or a new key, before the first of a Write or after it.
func TestRecordsOfOthersKeepTheirOrder(t *testing.T) {
	client, server, below, _ := connected(t)
	for _, size := range []int{2 * recordSize, 6 * recordSize} {
		before := below.writes
		client.below.expected.Store(int32(size / recordSize)) // as Write does before it has the lock
		if _, err := client.Conn.Write([]byte("alert")); err != nil || below.writes != before {
			t.Fatalf("%d bytes: the record of another goroutine was not kept: %v", size, err)
		}
		sent := make(chan error, 1)
		go func() {
			_, err := client.Conn.Write(bytes.Repeat([]byte{'x'}, size))
			sent <- err
		}()
		all := make([]byte, len("alert")+size)
		if _, err := io.ReadFull(server, all); err != nil {
			t.Fatal(err)
		}
		if err := <-sent; err != nil || string(all[:5]) != "alert" || bytes.Count(all, []byte{'x'}) != size {
			t.Errorf("%d bytes: %.10q, %v", size, all, err)
		}
		if n := below.writes - before; n > size/recordSize/together+2 {
			t.Errorf("%d bytes: %d writes", size, n)
		}
	}
}

// A Read returns what crypto/tls has read ahead, and does not wait for more.
func TestReadsDoNotWaitForMore(t *testing.T) {
	client, server, _, below := connected(t)
	const size = 4 * recordSize
	for range 3 {
		if _, err := client.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		before, calls := below.reads, 0
		for left := size; left > 0; calls++ {
			n, err := server.Read(make([]byte, 256<<10))
			if err != nil {
				t.Fatal(err)
			}
			left -= n
		}
		if n := below.reads - before; calls > n {
			t.Errorf("%d reads of records took %d reads below: records that were read ahead were not returned together", calls, n)
		}
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Read(make([]byte, 10)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the end is %d bytes, %v", n, err)
	}
}
