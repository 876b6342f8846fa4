// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
)

// echo sends back all that it reads, until the peer's end, and then ends its own direction.
func echo(ctx context.Context, s *stream.Bytes) error {
	for p := make([]byte, 4096); ; {
		n, err := s.Read(ctx, p)
		if errors.Is(err, io.EOF) {
			return s.CloseWrite(ctx)
		}
		if err != nil {
			return err
		}
		if err := s.Write(ctx, p[:n]); err != nil {
			return err
		}
	}
}

// said writes a text, ends the direction, and reads the answer to its end.
func said(ctx context.Context, s *stream.Bytes, text string) error {
	if err := s.Write(ctx, []byte(text)); err != nil {
		return err
	}
	if err := s.CloseWrite(ctx); err != nil {
		return err
	}
	var got []byte
	for p := make([]byte, 4096); ; {
		n, err := s.Read(ctx, p)
		got = append(got, p[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if string(got) != text {
		return fmt.Errorf("%.100q came back for %.100q", got, text)
	}
	return nil
}

// Every pair of layers works, over every base, in both orders.
func TestEveryPairOfLayers(t *testing.T) {
	cert := testcert.NewAuthority(t)
	ctx := testkit.Watchdog(t)
	var traced atomic.Int64
	report := func(net.Addr, stream.Op, []byte, error) { traced.Add(1) }
	layers := []string{"tls+", "throttle+", "trace+", "fault+", ""}
	text := strings.Repeat("all work and no play ", 50)
	for base, address := range map[string]string{
		"tcp": "127.0.0.1:0", "ipc": filepath.Join(t.TempDir(), "s"), "inproc": "every-pair",
	} {
		if base == "ipc" && runtime.GOOS == "windows" {
			continue
		}
		for _, upper := range layers {
			for _, lower := range layers {
				url := fmt.Sprintf("%s%s%s://%s", upper, lower, base, address)
				t.Run(url, func(t *testing.T) {
					query := ""
					if strings.Contains(url, "throttle") {
						query += "&throttle=100MB/s"
					}
					if strings.Contains(url, "fault") {
						query += "&fault-chunk=7"
					}
					if query != "" {
						query = "?" + query[1:]
					}
					l, err := stream.Listen(ctx, url+query, &stream.ListenOptions{TLS: cert.Server(t), Trace: report})
					testkit.Check(t, err)
					defer l.Close()
					both(t, func() error {
						s, err := l.Accept(ctx)
						if err != nil {
							return err
						}
						defer s.Close()
						return echo(ctx, s)
					}, func() error {
						s, err := stream.Dial(ctx, l.URL()+query, &stream.DialOptions{TLS: clientConfig(t, cert), Trace: report})
						if err != nil {
							return err
						}
						defer s.Close()
						return said(ctx, s, text)
					})
				})
			}
		}
	}
	if traced.Load() == 0 {
		t.Error("no operation was reported")
	}
}

// goodClient has a client served.
func goodClient(t *testing.T, l *stream.Listener, o *stream.DialOptions) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	both(t, func() error {
		s, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		return echo(ctx, s)
	}, func() error {
		s, err := stream.Dial(ctx, l.URL(), o)
		if err != nil {
			return err
		}
		defer s.Close()
		return said(ctx, s, "hello")
	})
}

// A client that sends nothing delays no other, and is refused after the timeout.
func TestSilentClientsDelayNoOther(t *testing.T) {
	cert := testcert.NewAuthority(t)
	ctx := testkit.Watchdog(t)
	refused := make(chan error, 10)
	l, err := stream.Listen(ctx, "tls+tcp://127.0.0.1:0", &stream.ListenOptions{
		TLS: cert.Server(t), HandshakeTimeout: 200 * time.Millisecond, Refused: func(_ net.Addr, err error) { refused <- err },
	})
	testkit.Check(t, err)
	defer l.Close()
	silent, err := stream.Dial(ctx, strings.TrimPrefix(l.URL(), "tls+"), nil)
	testkit.Check(t, err)
	defer silent.Close()
	goodClient(t, l, &stream.DialOptions{TLS: clientConfig(t, cert)})
	if err := <-refused; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "layer tls") {
		t.Errorf("a silent client was refused: %v", err)
	}
	if _, err := silent.Read(ctx, make([]byte, 1)); err == nil {
		t.Error("its connection is open")
	}
}

// Any number of silent clients is bounded, and they do not keep out a good one.
func TestSilentClientsAreEvicted(t *testing.T) {
	cert := testcert.NewAuthority(t)
	ctx := testkit.Watchdog(t)
	var evicted atomic.Int64
	l, err := stream.Listen(ctx, "tls+tcp://127.0.0.1:0", &stream.ListenOptions{
		TLS: cert.Server(t), HandshakeTimeout: time.Hour, Refused: func(_ net.Addr, err error) {
			if strings.Contains(err.Error(), "newer connection") {
				evicted.Add(1)
			}
		},
	})
	testkit.Check(t, err)
	defer l.Close()
	const clients, pending = 200, 128
	for range clients {
		silent, err := stream.Dial(ctx, strings.TrimPrefix(l.URL(), "tls+"), nil)
		testkit.Check(t, err)
		defer silent.Close()
	}
	goodClient(t, l, &stream.DialOptions{TLS: clientConfig(t, cert)})
	testkit.Eventually(t, "the oldest clients are closed", func() bool { return evicted.Load() == clients+1-pending })
}

// Accept ends with its context and with Close, which closes streams that were not accepted.
func TestListenersEnd(t *testing.T) {
	ctx := testkit.Watchdog(t)
	for _, url := range []string{"tcp://127.0.0.1:0", "inproc://listeners-end"} {
		l, err := stream.Listen(ctx, url, nil)
		testkit.Check(t, err)
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		if _, err := l.Accept(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: Accept ended with %v", url, err)
		}
		cancel()
		s, err := stream.Dial(ctx, l.URL(), nil)
		testkit.Check(t, err)
		testkit.Check(t, l.Close())
		if _, err := l.Accept(ctx); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: Accept after Close: %v", url, err)
		}
		if _, err := s.Read(ctx, make([]byte, 1)); err == nil {
			t.Errorf("%s: a stream that was not accepted is open", url)
		}
		if _, err := stream.Dial(ctx, l.URL(), nil); err == nil {
			t.Errorf("%s can be dialed after Close", url)
		}
		testkit.Check(t, s.Close())
		testkit.Check(t, l.Close())
	}
}

// A URL that can never work is refused with a remedy, and without secrets.
func TestMalformedStacks(t *testing.T) {
	for url, remedy := range map[string]string{
		"tcp://127.0.0.1:1?throttle=1MB/s":                        "no parameter",
		"zip+tcp://127.0.0.1:1":                                   `no layer "zip"; there are tls, throttle, trace, fault, socks5, connect`,
		"tls+carrier://pigeon":                                    "no transport for \"carrier\"; there are tcp,",
		"throttle+tcp://127.0.0.1:1":                              "?throttle=1MB/s",
		"throttle+tcp://127.0.0.1:1?throttle=1MB":                 "write a rate",
		"throttle+tcp://127.0.0.1:1?throttle=/s":                  "write a rate",
		"throttle+tcp://127.0.0.1:1?throttle=":                    "has no value",
		"throttle+tcp://127.0.0.1:1?throttle=1B/s&throttle=2B/s":  "2 times",
		"throttle+tcp://127.0.0.1:1?throttle=1MB/s&rate=2":        "no parameter",
		"throttle+ipc:///tmp/a?throttle=1MB/s&rate=2":             "no layer of it has the parameter",
		"fault+tcp://127.0.0.1:1":                                 "?fault-delay=10ms",
		"fault+tcp://127.0.0.1:1?fault-delay=-1s":                 "write a duration",
		"fault+tcp://127.0.0.1:1?fault-cut=3GiB":                  "write a size",
		"trace+tcp://127.0.0.1:1":                                 "set Trace",
		"socks5+tcp://127.0.0.1:1":                                "?socks5=proxy:1080",
		"socks5+socks5+tcp://127.0.0.1:1?socks5=a:1":              "two proxies",
		"connect+tcp://127.0.0.1:1":                               "?connect=proxy:1080",
		"socks5+connect+tcp://127.0.0.1:1?socks5=a:1&connect=b:2": "two proxies",
		"socks5+tcp://127.0.0.1?socks5=a:1":                       "port",
		"throttle+tcp://127.0.0.1:1?%":                            "write them like",
		strings.Repeat("trace+", 17) + "tcp://127.0.0.1:1":        "at most 16",
		"throttle+tcp://127.0.0.1:1?x=1&socks5-password=hunter2":  "xxxxx",
	} {
		_, err := stream.Dial(t.Context(), url, nil)
		testkit.Wants(t, err, transport.ErrURL, remedy)
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	for url, remedy := range map[string]string{
		"tls+tcp://127.0.0.1:0":                  "needs a certificate",
		"socks5+tcp://127.0.0.1:0?socks5=a:1080": "for dialing",
	} {
		_, err := stream.Listen(t.Context(), url, nil)
		testkit.Wants(t, err, transport.ErrURL, remedy)
	}
}

// The adapters take and give what package net has.
func TestNetListeners(t *testing.T) {
	ctx := testkit.Watchdog(t)
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	l := stream.NewListener(inner).Listener()
	if l.Addr() != inner.Addr() {
		t.Errorf("the address is %v", l.Addr())
	}
	both(t, func() error {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		return echo(ctx, stream.New(c))
	}, func() error {
		s, err := stream.Dial(ctx, "tcp://"+inner.Addr().String(), nil)
		if err != nil {
			return err
		}
		defer s.Close()
		return said(ctx, s, "hello")
	})
	testkit.Check(t, l.Close())
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if _, err := inner.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener below is open: %v", err)
	}
}

// FuzzStack dials any URL without a network: it is refused as malformed, or the layers that it names are attached. No URL is one of
// bytes and of messages.
func FuzzStack(f *testing.F) {
	for _, s := range []string{
		"tcp://h:1", "tls+throttle+tcp://h:1?throttle=1MB/s", "connect+tcp://h:1?connect=p:2&connect-user=u", "fault+ipc://a?fault-cut=1KiB", "trace+socks5+tcp://[::1]:5?socks5=p:1080&socks5-user=u",
		"throttle+trace+fault+ws+tls+tcp://h:1?ws-path=/a%3Fb&ws-subprotocol=c&message-throttle=5/s&message-fault-loss=0.5&message-fault-seed=7&message-limit=1KiB",
		"prefix+ipc://a?prefix=8", "lines+throttle+inproc://a?throttle=1B/s", "ws+lines+tcp://h:1",
		"throttle+inproc://a?throttle-read=8Mbit/s&throttle-write=1B/s", "+tcp://", "a+b+c://d?e=f;g",
	} {
		f.Add(s)
	}
	errNetwork := errors.New("no network")
	f.Fuzz(func(t *testing.T, url string) {
		o := &stream.DialOptions{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errNetwork },
			Trace:       func(net.Addr, stream.Op, []byte, error) {},
		}
		if strings.Contains(url, "_") { // no look-ups of services
			return
		}
		_, err := stream.Dial(t.Context(), url, o)
		_, merr := stream.DialMessages(t.Context(), url, o)
		for _, err := range []error{err, merr} {
			if err == nil || !errors.Is(err, transport.ErrURL) && !errors.Is(err, errNetwork) && !strings.Contains(err.Error(), "refused") {
				t.Errorf("%q: %v", url, err)
			}
		}
		if !errors.Is(err, transport.ErrURL) && !errors.Is(merr, transport.ErrURL) {
			t.Errorf("%q is a URL of bytes and of messages: %v, %v", url, err, merr)
		}
	})
}
