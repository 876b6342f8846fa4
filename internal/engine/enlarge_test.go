// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"testing"

	"github.com/sprymq/spry/internal/wire/sp"
)

// A localConn is a Unix socket that counts how often its send buffer is set.
type localConn struct {
	fakeConn
	enlarged int
}

func (c *localConn) LocalAddr() net.Addr { return &net.UnixAddr{Net: "unix"} }

func (c *localConn) SetWriteBuffer(int) error {
	c.enlarged++
	return nil
}

// A connection's send buffer grows once, when one write carries much and its messages are large.
func TestSendBufferGrowsOnceForLargeMessages(t *testing.T) {
	for _, test := range []struct {
		name             string
		scheme           string
		buffer           int
		size, batch      int
		rounds, enlarged int
	}{
		{"large", "ipc", 0, 1 << 20, 1, 5, 1},
		{"1 KiB, many at a time", "ipc", 0, 1 << 10, 100, 5, 0},
		{"8 KiB, many at a time", "ipc", 0, 8 << 10, 20, 5, 1},
		{"1 KiB, one at a time", "ipc", 0, 1 << 10, 1, 100, 0},
		{"small, many at a time", "ipc", 0, 64, 2000, 5, 0},
		{"the application chose a buffer", "ipc", 100_000, 1 << 20, 1, 5, 0},
		{"the application made the connection", "", 0, 1 << 20, 1, 5, 0},
	} {
		_, e := testSocket(Options{SendQueue: 5000}, &recorder{})
		e.url.Scheme, e.config.WriteBuffer = test.scheme, test.buffer
		conn := &localConn{fakeConn: fakeConn{onWrite: func(p []byte) (int, error) { return len(p), nil }}}
		p, _ := streamPipe(t, e, net.Conn(conn), streamSession(t, sp.Pull, 0))
		for range test.rounds {
			for range test.batch {
				if queued, _ := p.TryQueue(false, nil, make([]byte, test.size), nil); !queued {
					t.Fatal("no room")
				}
			}
			for p.out.queue.Take(p.out.controls) {
				messages, cost, err := p.out.carrier.write(true)
				if err != nil {
					t.Fatal(err)
				}
				p.out.mu.Lock()
				p.out.settleLocked(messages, cost)
				p.out.mu.Unlock()
			}
		}
		if conn.enlarged != test.enlarged {
			t.Errorf("%s: the send buffer was set %d times, want %d", test.name, conn.enlarged, test.enlarged)
		}
		p.end(ErrClosed)
	}
}
