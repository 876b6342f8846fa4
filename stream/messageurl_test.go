// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
)

// operations are those that a layer trace has reported.
type operations struct {
	mu  sync.Mutex
	all map[stream.Op]int
}

func (o *operations) report(_ net.Addr, op stream.Op, _ []byte, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.all[op]++
	}
}

// A URL of messages is listened on and dialed in one grammar, and the URL of the listener is dialable as it is.
func TestMessageURLs(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	server, client := testkit.Certificates()
	for _, url := range []string{
		"ws+tcp://127.0.0.1:0",
		"ws+tls+tcp://127.0.0.1:0?ws-path=/feed%3F&ws-subprotocol=chat",
		"ws+ipc://" + t.TempDir() + "/s?ws-path=/feed&ws-format=text",
		"trace+throttle+prefix+tcp://127.0.0.1:0?prefix=2&message-throttle=1000000/s&message-limit=100",
		"prefix+tls+tcp://127.0.0.1:0",
		"throttle+lines+inproc://messages?message-throttle-send=1000000/s&message-throttle-receive=999999/s",
		"fault+fault+lines+tcp://127.0.0.1:0?message-fault-cut=100&message-fault-delay=1us&message-fault-seed=3",
	} {
		url = strings.Replace(url, "/feed%3F", "/feed", 1)
		seen := &operations{all: make(map[stream.Op]int)}
		l, err := stream.ListenMessages(ctx, url, &stream.ListenOptions{TLS: server, Trace: seen.report})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		both(t, func() error {
			m, err := l.Accept(ctx)
			if err != nil {
				return err
			}
			defer m.Close()
			for {
				got, err := m.Receive(ctx)
				if errors.Is(err, io.EOF) {
					return m.CloseSend(ctx)
				}
				if err == nil {
					err = m.Send(ctx, append([]byte("re: "), got...))
				}
				if err != nil {
					return err
				}
			}
		}, func() error {
			m, err := stream.DialMessages(ctx, l.URL(), &stream.DialOptions{TLS: client})
			if err != nil {
				return err
			}
			defer m.Close()
			if err := m.Send(ctx, []byte("one"), []byte("two")); err != nil {
				return err
			}
			for _, want := range []string{"re: one", "re: two"} {
				if got, err := m.Receive(ctx); err != nil || string(got) != want {
					return fmt.Errorf("%q, want %q: %w", got, want, err)
				}
			}
			if err := m.CloseSend(ctx); err != nil {
				return err
			}
			if _, err := m.Receive(ctx); !errors.Is(err, io.EOF) {
				return fmt.Errorf("after the end: %w", err)
			}
			return nil
		})
		testkit.Check(t, l.Close())
		if _, err := l.Accept(ctx); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: Accept after Close: %v", url, err)
		}
		if traced := seen.all[stream.OpReceive] == 2 && seen.all[stream.OpSend] == 2; traced != strings.HasPrefix(url, "trace") {
			t.Errorf("%s: the layer trace reported %v", url, seen.all)
		}
	}
}

// The parameters of the filters of a URL are those of their functions.
func TestFiltersOfURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for url, want := range map[string]struct {
			took   time.Duration
			failed error
		}{
			"lines":          {0, nil},
			"throttle+lines": {100 * time.Second, nil},
			"fault+lines":    {10 * time.Second, stream.ErrCut},
		} {
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			o := &stream.DialOptions{DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
			query := map[string]string{"throttle+lines": "?message-throttle-send=0.1/s", "fault+lines": "?message-fault-delay=1s&message-fault-cut=10"}[url]
			m, err := stream.DialMessages(t.Context(), url+"+tcp://127.0.0.1:1"+query, o)
			testkit.Check(t, err)
			start := time.Now()
			for range 11 {
				if err = m.Send(t.Context(), []byte("x")); err != nil {
					break
				}
			}
			if took := time.Since(start); took != want.took || !errors.Is(err, want.failed) {
				t.Errorf("%s: %v after %v, want %v after %v", url, err, took, want.failed, want.took)
			}
			_, _ = m.Close(), far.Close()
		}
	})
}

func TestMessageURLErrors(t *testing.T) {
	listen := func(url string) error {
		_, err := stream.ListenMessages(t.Context(), url, nil)
		return err
	}
	dial := func(url string) error {
		_, err := stream.DialMessages(t.Context(), url, nil)
		return err
	}
	for url, remedy := range map[string]string{
		"tcp://h:1":                                         "no protocol of messages",
		"x+tcp://h:1":                                       "no protocol of messages",
		"ws://h:1":                                          "write ws+tcp://host:port",
		"x+ws+tcp://h:1":                                    "there are throttle, trace, fault",
		"tls+ws+tcp://h:1":                                  "no layer \"tls\" of messages",
		"prefix+lines+tcp://h:1":                            "lines makes messages, not bytes",
		"ws+tcp://h:1?ws-path=feed":                         "begins with /",
		"ws+tcp://h:1?ws-format=json":                       "text or binary",
		"ws+tcp://h:1?ws-subprotocol=a,b":                   "one word",
		"prefix+tcp://h:1?prefix=9":                         "1 to 8 bytes",
		"lines+tcp://h:1?ws-path=/":                         "",
		"lines+ipc://h?ws-path=/":                           "no layer of it has the parameter",
		"trace+lines+tcp://h:1":                             "set Trace",
		"throttle+lines+tcp://h:1":                          "?message-throttle=100/s",
		"throttle+ws+tcp://h:1?throttle=1":                  "?message-throttle=100/s",
		"throttle+ws+tcp://h:1?message-throttle=1MB/s":      "a rate of messages",
		"throttle+ws+tcp://h:1?message-throttle=NaN/s":      "a rate of messages",
		"fault+ws+tcp://h:1?fault-delay=1s":                 "?message-fault-delay=10ms",
		"fault+ws+tcp://h:1?message-fault-seed=1":           "?message-fault-delay=10ms",
		"fault+ws+tcp://h:1?message-fault-loss=2":           "at most 1",
		"fault+ws+tcp://h:1?message-fault-cut=0":            "a number from 1",
		strings.Repeat("trace+", 17) + "lines+tcp://h:1":    "at most 16",
		"lines+socks5+tcp://h:1?socks5-password=hunter2&x=": "xxxxx",
	} {
		for name, open := range map[string]func(string) error{"dial": dial, "listen": listen} {
			err := open(url)
			testkit.Wants(t, err, transport.ErrURL, remedy)
			if err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), strings.SplitN(url, "?", 2)[0])) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	testkit.Wants(t, listen("ws+tcp://127.0.0.1:0?ws-path=/a%3Fb"), transport.ErrURL, "any parameters")
	testkit.Wants(t, listen("ws+tls+tcp://127.0.0.1:0"), transport.ErrURL, "needs a certificate")
	_, err := stream.Dial(t.Context(), "ws+tcp://127.0.0.1:1", nil)
	testkit.Wants(t, err, transport.ErrURL, "use DialMessages")
}

// A listener of WebSockets refuses other paths, pages of other hosts, and who does not speak its subprotocol. Slow clients delay nobody.
func TestWebSocketListenerRefuses(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	refused := make(chan error, 10)
	l, err := stream.ListenMessages(ctx, "ws+tcp://127.0.0.1:0?ws-path=/feed&ws-subprotocol=chat", &stream.ListenOptions{
		Refused: func(_ net.Addr, err error) { refused <- err },
	})
	testkit.Check(t, err)
	defer l.Close()
	address := "tcp://" + l.Addr().String()
	silent, err := stream.Dial(ctx, address, nil)
	testkit.Check(t, err)
	defer silent.Close()
	port := address[strings.LastIndex(address, ":"):]
	for _, test := range []struct {
		target, host, origin, subprotocol string
		code                              int
	}{
		{"/feed?since=5", "127.0.0.1" + port, "", "other, chat", 101},
		{"/feed", "127.0.0.1" + port, "http://127.0.0.1" + port, "chat", 101},
		{"/other", "127.0.0.1" + port, "", "chat", 404},
		{"/feed/", "127.0.0.1" + port, "", "chat", 404},
		{"/feed", "127.0.0.1" + port, "https://evil.example", "chat", 403},
		{"/feed", "evil.example" + port, "http://evil.example" + port, "chat", 403}, // a name that was made to lead here
		{"/feed", "127.0.0.1" + port, "", "other", 400},
		{"/feed", "127.0.0.1" + port, "", "", 400},
	} {
		s, err := stream.Dial(ctx, address, nil)
		testkit.Check(t, err)
		header := textproto.MIMEHeader{}
		for name, value := range map[string]string{"Origin": test.origin, "Sec-Websocket-Protocol": test.subprotocol} {
			if value != "" {
				header.Set(name, value)
			}
		}
		m, response, err := stream.WebSocketClient(ctx, s, test.host, test.target, &stream.WebSocketOptions{Header: header})
		switch {
		case response == nil || response.Code != test.code:
			t.Fatalf("%+v: %+v, %v", test, response, err)
		case test.code == 101:
			accepted, err := l.Accept(ctx)
			testkit.Check(t, err)
			if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "chat" {
				t.Errorf("the subprotocol is %q", got)
			}
			_, _ = accepted.Close(), m.Close()
		default:
			if err := <-refused; !errors.Is(err, stream.ErrHTTP) {
				t.Errorf("%+v: refused: %v", test, err)
			}
		}
	}
	// A server that speaks another subprotocol than the one that was asked for is not taken.
	plain, err := stream.ListenMessages(ctx, "ws+tcp://127.0.0.1:0", nil)
	testkit.Check(t, err)
	defer plain.Close()
	_, err = stream.DialMessages(ctx, plain.URL()+"?ws-subprotocol=chat", nil)
	testkit.Wants(t, err, stream.ErrHTTP, "subprotocol")
}
