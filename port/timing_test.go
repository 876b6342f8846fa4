// SPDX-License-Identifier: MIT

package port_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/port"
)

// pipes is a listener whose connections are in memory, so that time can be virtual.
type pipes chan net.Conn

func (l pipes) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l pipes) dial() net.Conn {
	near, far := net.Pipe()
	l <- far
	return near
}

func (pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// Close implements [net.Listener]. The test closes the channel.
func (pipes) Close() error { return nil }

// inMemory runs a test of a port in virtual time.
func inMemory(t *testing.T, c *port.Config, test func(t *testing.T, p *port.Port, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes)
		p, err := port.New(l, c)
		testkit.Check(t, err)
		served := make(chan error, 1)
		go func() { served <- p.Serve() }()
		test(t, p, l.dial)
		close(l)
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
		testkit.Check(t, p.Close())
		balanced(t, p)
	})
}

// A client that sends a byte from time to time has no more time than others.
func TestSlowBytesDoNotProlongTheTimeout(t *testing.T) {
	inMemory(t, &port.Config{Timeout: 10 * time.Second}, func(t *testing.T, p *port.Port, dial func() net.Conn) {
		p.Claim(port.HTTP)
		start, c := time.Now(), dial()
		for {
			if _, err := io.WriteString(c, "A"); err != nil {
				break
			}
			time.Sleep(1500 * time.Millisecond)
		}
		if d := time.Since(start); d != 10500*time.Millisecond { // the first byte after the timeout
			t.Errorf("closed after %v", d)
		}
		if s := p.Stats(); s.Refused[port.ReasonTimeout] != 1 {
			t.Errorf("figures %+v", s)
		}
	})
}

// The timeout ends when a connection is claimed, and silence is claimed at its time.
func TestTimesOfAConnection(t *testing.T) {
	inMemory(t, nil, func(t *testing.T, p *port.Port, dial func() net.Conn) {
		patient, soon := p.Claim(port.Protocol{Silence: 3 * time.Second}), p.Claim(port.Protocol{Silence: time.Second})
		pages := p.Claim(port.HTTP)
		start := time.Now()
		silent := dial()
		defer silent.Close()
		got, err := soon.Accept()
		testkit.Check(t, err)
		defer got.Close()
		if d := time.Since(start); d != time.Second {
			t.Errorf("silence is claimed after %v", d)
		}
		testkit.Check(t, soon.Close())
		second := dial()
		defer second.Close()
		start = time.Now()
		late, err := patient.Accept()
		testkit.Check(t, err)
		defer late.Close()
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("silence is claimed after %v", d)
		}
		c := dial()
		defer c.Close()
		go io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		page, err := pages.Accept()
		testkit.Check(t, err)
		defer page.Close()
		time.Sleep(time.Minute)
		go io.WriteString(c, "later")
		if n, err := io.ReadFull(page, make([]byte, len("GET / HTTP/1.1\r\n\r\nlater"))); err != nil {
			t.Errorf("a minute later, the connection reads %d bytes: %v", n, err)
		}
	})
}

// A client of TLS that is slower than the patience for silence has all of the timeout for its handshake.
func TestSlowHandshakesBesideSilence(t *testing.T) {
	authority := testcert.NewAuthority(t)
	inMemory(t, &port.Config{TLS: authority.Server(t)}, func(t *testing.T, p *port.Port, dial func() net.Conn) {
		p.Claim(port.Protocol{Silence: time.Second})
		pages := p.Claim(port.HTTP)
		config := authority.Client(t, "client")
		config.InsecureSkipVerify = true // virtual time is before the certificate's
		c := tls.Client(slowConn{dial(), 1500 * time.Millisecond}, config)
		defer c.NetConn().Close()
		go io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		page, err := pages.Accept()
		testkit.Check(t, err)
		defer page.Close()
		if n, err := page.Read(make([]byte, 3)); n != 3 || err != nil {
			t.Errorf("the connection reads %d bytes: %v", n, err)
		}
	})
}

// A slowConn begins each read after a pause.
type slowConn struct {
	net.Conn
	pause time.Duration
}

// Read implements [net.Conn].
func (c slowConn) Read(p []byte) (int, error) {
	time.Sleep(c.pause)
	return c.Conn.Read(p)
}
