// SPDX-License-Identifier: MIT

package timing_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A crowd is a listener in memory whose connections come from where the test says.
type crowd struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newCrowd() *crowd { return &crowd{conns: make(chan net.Conn), done: make(chan struct{})} }

// dial connects from an address. It returns nil when the listener is closed.
func (c *crowd) dial(from string) net.Conn {
	near, far := net.Pipe()
	addr := &net.TCPAddr{IP: net.ParseIP(from), Port: 1}
	select {
	case c.conns <- comesFrom{far, addr}:
		return near
	case <-c.done:
		return nil
	}
}

func (c *crowd) Accept() (net.Conn, error) {
	select {
	case conn := <-c.conns:
		return conn, nil
	case <-c.done:
		return nil, net.ErrClosed
	}
}

func (c *crowd) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (c *crowd) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

type comesFrom struct {
	net.Conn
	addr net.Addr
}

func (f comesFrom) RemoteAddr() net.Addr { return f.addr }

// A flood of connections must not keep a distant peer out: neither one from elsewhere, whatever the flood says, nor one behind
// the same address, if the flood is silent.
func TestDistantPeersOutlastAFlood(t *testing.T) {
	for name, c := range map[string]struct {
		peer    string
		says    int           // bytes of the header that each connection of the flood sends
		latency time.Duration // one way, after which the peer's first bytes come
	}{
		"silent flood":             {"10.0.0.2", 0, 400 * time.Millisecond},
		"flood that speaks":        {"10.0.0.2", 4, 400 * time.Millisecond},
		"IPv6":                     {"2001:db8:1::1", 4, 400 * time.Millisecond},
		"silent, the same address": {"10.0.0.1", 0, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testFlood(t, c.peer, c.says, c.latency) }) })
	}
}

func testFlood(t *testing.T, peer string, says int, latency time.Duration) {
	const rate, tries = 1500, 10
	pull := spry.NewPull(nil)
	l := newCrowd()
	_, err := pull.ListenOn(l, nil)
	testkit.Check(t, err)
	var flooded []net.Conn
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second / rate):
			}
			conn := l.dial("10.0.0.1")
			flooded = append(flooded, conn)
			if says > 0 {
				_, _ = conn.Write(testkit.Header(spry.ProtocolPush)[:says])
			}
		}
	}()
	time.Sleep(time.Second)
	in := 0
	for range tries {
		conn := l.dial(peer)
		time.Sleep(latency)
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write(testkit.Header(spry.ProtocolPush)); err == nil {
			time.Sleep(2 * latency)
			if _, err := io.ReadFull(conn, make([]byte, 8)); err == nil {
				in++
			}
		}
		_ = conn.Close()
	}
	close(stop)
	<-ended
	if in != tries {
		t.Errorf("a peer got in %d of %d times; rejected %v", in, tries, pull.Stats().Rejected)
	}
	for _, c := range flooded {
		_ = c.Close()
	}
	testkit.Check(t, pull.Close())
}
