// SPDX-License-Identifier: MIT

package timing_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

// A webServer is a peer that upgrades a connection and reads everything. It counts pings, answers them if it answers, and never
// sends a close frame.
type webServer struct {
	net.Conn
	pings    atomic.Int32
	messages atomic.Int32
}

func (s *webServer) serve(t *testing.T, answers bool, headers ...string) {
	(&testkit.Bare{Conn: s.Conn}).AnswerUpgrade(t, headers...)
	in := bufio.NewReader(s.Conn)
	for {
		head, err := in.Peek(6)
		if err != nil {
			return
		}
		h, size, err := wsframe.ParseHeader(head, true)
		testkit.Check(t, err)
		_, _ = in.Discard(size + int(h.Length))
		switch h.Opcode {
		case wsframe.Ping:
			s.pings.Add(1)
			if answers {
				_, _ = s.Write([]byte{0x8a, 0})
			}
		case wsframe.Binary:
			s.messages.Add(1)
		}
	}
}

// dialed is a Push with a WebSocket to such a peer.
func dialed(t *testing.T, o spry.Options, answers bool, headers ...string) (*spry.Push, *webServer) {
	t.Helper()
	near, far := simnet.Pipe()
	server := &webServer{Conn: far}
	go server.serve(t, answers, headers...)
	o.Transports = []transport.Transport{ws.Transport{}}
	push := spry.NewPush(&spry.PushOptions{Options: o})
	_, err := push.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: "ws://peer.test/feed", DialContext: func(context.Context, string, string) (net.Conn, error) {
		return near, nil
	}})
	testkit.Check(t, err)
	return push, server
}

// A peer over WebSocket that answers no ping is given up, as one over ZMTP is. One that may be libnanomsg is not asked.
func TestHeartbeatsOverWebSocket(t *testing.T) {
	for name, c := range map[string]struct {
		interval time.Duration
		answers  bool
		headers  []string
		ends     time.Duration // 0 = it does not
		pings    int32
	}{
		"silent":     {0, false, []string{"Server: x"}, 20 * time.Second, 1},
		"one second": {time.Second, false, []string{"Server: x"}, 2 * time.Second, 1},
		"answering":  {0, true, []string{"Server: x"}, 0, 5},
		"bare":       {time.Second, false, nil, 0, 0},
		"not wanted": {-1, false, []string{"Server: x"}, 0, 3}, // after 25 s each
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				push, server := dialed(t, spry.Options{Heartbeat: c.interval, Linger: -1}, c.answers, c.headers...)
				defer push.Close()
				defer server.Close()
				for p := range push.Pipes() {
					endsSilent(t, p, c.ends)
				}
				if n := server.pings.Load(); n != c.pings {
					t.Errorf("%d pings, want %d", n, c.pings)
				}
			})
		})
	}
}

// A receiver that has no room reads no pings. It says that it lives, and keeps its connection for any time.
func TestHeartbeatsOverWebSocketWithoutReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := simnet.Pipe()
		o := spry.Options{Heartbeat: time.Second, Linger: -1, Transports: []transport.Transport{ws.Transport{}}, RecvQueue: 1}
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		defer push.Close()
		defer pull.Close()
		listener := &oneConn{conns: make(chan net.Conn, 1), addr: far.LocalAddr()}
		listener.conns <- far
		server := &http.Server{Handler: web.Handler(pull, nil), ReadHeaderTimeout: time.Minute}
		defer server.Close()
		go func() { _ = server.Serve(listener) }()
		_, err := push.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: "ws://peer.test/", DialContext: func(context.Context, string, string) (net.Conn, error) {
			return near, nil
		}})
		testkit.Check(t, err)
		for range 3 {
			testkit.Check(t, push.Send(t.Context(), []byte("x")))
		}
		time.Sleep(time.Hour)
		if a, b := len(push.Stats().Pipes), len(pull.Stats().Pipes); a != 1 || b != 1 {
			t.Errorf("after an hour there are %d and %d pipes: %v", a, b, push.Stats())
		}
	})
}

// A peer that has everything and forgets the end, as libnng 1.5.2 can, is waited for five seconds. Others are waited for.
func TestCloseWithoutAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		within  time.Duration
	}{"bare": {nil, 5 * time.Second}, "others": {[]string{"Server: x"}, time.Minute}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				push, server := dialed(t, spry.Options{Heartbeat: -1}, false, c.headers...)
				defer server.Close()
				testkit.Check(t, push.Send(t.Context(), []byte("x")))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				err := push.Shutdown(ctx)
				if d := time.Since(start); d != c.within || !errors.Is(err, spry.ErrUnconfirmed) || server.messages.Load() != 1 {
					t.Errorf("closed after %v with %d messages there: %v", d, server.messages.Load(), err)
				}
			})
		})
	}
}

// A oneConn is a listener with one connection.
type oneConn struct {
	conns chan net.Conn
	once  sync.Once
	addr  net.Addr
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.conns) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return l.addr }
