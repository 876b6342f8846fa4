// SPDX-License-Identifier: MIT

package port_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/port"
)

// Silent and slow clients are refused in time, and nobody waits for them.
func TestSlowClients(t *testing.T) {
	var mu sync.Mutex
	reasons := make(map[port.Reason]int)
	p, serve := open(t, &port.Config{Timeout: 300 * time.Millisecond, Refused: func(_ net.Addr, r port.Reason, err error) {
		mu.Lock()
		defer mu.Unlock()
		if reasons[r]++; err == nil {
			t.Error("a refusal without an error")
		}
	}})
	server(t, p.Claim(port.HTTP), http.NotFoundHandler())
	serve()
	dial(t, p)
	for _, part := range []string{"G", "\x00", "\x00S", "PRI * HTT"} {
		_, err := io.WriteString(dial(t, p), part)
		testkit.Check(t, err)
	}
	left := dial(t, p)
	testkit.Check(t, left.CloseWrite())
	begun := dial(t, p)
	_, err := io.WriteString(begun, "GE")
	testkit.Check(t, err)
	testkit.Check(t, begun.CloseWrite())
	refused(t, p, port.ReasonTimeout, 5)
	refused(t, p, port.ReasonEarlyEOF, 2)
	testkit.Eventually(t, "all are reported", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return reasons[port.ReasonTimeout] == 5 && reasons[port.ReasonEarlyEOF] == 2
	})
}

// Thousands of silent clients use a bounded number of goroutines, and a client that speaks is served beside them.
func TestSilentClientsAreBounded(t *testing.T) {
	const limit = 100
	silent := testkit.Figure(1000, 10_000)
	p, serve := open(t, &port.Config{MaxUndecided: limit})
	heard := make(chan struct{})
	p.Claim(port.Protocol{Match: func() func([]byte) (yes, more bool) {
		var once sync.Once
		return func([]byte) (yes, more bool) { once.Do(func() { close(heard) }); return false, false }
	}()})
	server(t, p.Claim(port.HTTP), http.NotFoundHandler())
	serve()
	begun := dial(t, p)
	_, err := io.WriteString(begun, "GET")
	testkit.Check(t, err)
	<-heard // until then it is as silent as the others, which come next
	most := 0
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for i := range silent {
		c, err := net.Dial("tcp", p.Addr().String())
		testkit.Check(t, err)
		open = append(open, c)
		most = max(most, p.Stats().Undecided)
		if len(open) == 500 { // a process has not so many descriptors
			open[0].Close()
			open = slices.Delete(open, 0, 1)
		}
		if i%200 == 199 {
			if got := answer(t, dial(t, p), "GET / HTTP/1.0\r\n\r\n"); len(got) == 0 {
				t.Errorf("after %d silent clients, a client has no answer", i+1)
			}
		}
	}
	if most > limit {
		t.Errorf("%d were undecided, with a limit of %d", most, limit)
	}
	testkit.Eventually(t, "all but those within the limit are refused", func() bool {
		s := balanced(t, p)
		return s.Undecided <= limit && s.Refused[port.ReasonEvicted]+s.Refused[port.ReasonEarlyEOF]+uint64(s.Undecided) == uint64(silent)+1
	})
	if got := answer(t, begun, " / HTTP/1.0\r\n\r\n"); len(got) == 0 {
		t.Error("a client that had begun has no answer")
	}
	t.Logf("%d silent clients, at most %d undecided", silent, most)
}

// Clients whose server speaks first are claimed by their silence, in TLS too, and those that speak are not.
func TestServersThatSpeakFirst(t *testing.T) {
	p, serve := open(t, nil)
	mail := p.Claim(port.Protocol{Silence: 50 * time.Millisecond})
	pages := p.Claim(port.HTTP)
	serve()
	silent, busy := dial(t, p), dial(t, p)
	_, err := io.WriteString(busy, "GET / HTTP/1.1\r\n\r\n")
	testkit.Check(t, err)
	for _, test := range []struct {
		l *port.Listener
		c net.Conn
	}{{mail, silent}, {pages, busy}} {
		got, err := test.l.Accept()
		testkit.Check(t, err)
		if got.RemoteAddr().String() != test.c.LocalAddr().String() {
			t.Error("the other client was claimed")
		}
		_, err = io.WriteString(got, "220 ready\r\n")
		testkit.Check(t, err)
		got.Close()
	}
	if got, err := io.ReadAll(silent); err != nil || string(got) != "220 ready\r\n" {
		t.Errorf("the client reads %q: %v", got, err)
	}
}

// Close ends everything that the port has, and nothing that was accepted.
func TestClosePort(t *testing.T) {
	p, serve := open(t, nil)
	l := p.Claim(port.HTTP)
	serve()
	accepted, waiting, silent := dial(t, p), dial(t, p), dial(t, p)
	_, err := io.WriteString(accepted, "GET / HTTP/1.1\r\n\r\n")
	testkit.Check(t, err)
	got, err := l.Accept()
	testkit.Check(t, err)
	defer got.Close()
	_, err = io.WriteString(waiting, "GET / HTTP/1.1\r\n\r\n")
	testkit.Check(t, err)
	testkit.Eventually(t, "one waits and one is silent", func() bool {
		s := p.Stats()
		return s.Waiting == 1 && s.Undecided == 1
	})
	testkit.Check(t, p.Close())
	if s := balanced(t, p); s.Undecided != 0 || s.Waiting != 0 || s.Refused[port.ReasonClosed] != 2 {
		t.Errorf("after Close: %+v", s)
	}
	for _, c := range []net.Conn{waiting, silent} {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("a connection that was not accepted: %v", err)
		}
	}
	if _, err := io.WriteString(got, "x"); err != nil {
		t.Errorf("the accepted connection: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if _, err := p.Claim(port.SP).Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a claim after Close: %v", err)
	}
	if err := p.Serve(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve after Close: %v", err)
	}
}
