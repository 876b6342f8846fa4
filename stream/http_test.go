// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"reflect"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// What follows a response is the next protocol's, even if it comes with the same packet: with net/http at the other end.
func TestUpgradeFromNetHTTP(t *testing.T) {
	ctx := testkit.Watchdog(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "shout" {
			http.Error(w, "no", http.StatusUpgradeRequired)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: Upgrade\r\n\r\nHELLO\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, strings.ToUpper(line)+"\r\n")
	}))
	defer server.Close()
	dial := func() *stream.Bytes {
		s, err := stream.Dial(ctx, "tcp://"+server.Listener.Addr().String(), nil)
		testkit.Check(t, err)
		return s
	}
	header := textproto.MIMEHeader{"Host": {"h"}, "Connection": {"Upgrade"}, "Upgrade": {"shout"}}
	s, response, err := stream.HTTPUpgrade(ctx, dial(), &stream.HTTPRequest{Method: "GET", Target: "/", Header: header})
	testkit.Check(t, err)
	if response.Code != http.StatusSwitchingProtocols || response.Header.Get("upgrade") != "shout" {
		t.Errorf("%+v", response)
	}
	m, err := stream.Lines(s, 100)
	testkit.Check(t, err)
	testkit.Check(t, m.Send(ctx, []byte("quiet")))
	for _, want := range []string{"HELLO", "QUIET"} {
		if got, err := m.Receive(ctx); err != nil || string(got) != want {
			t.Fatalf("%q, %v, want %s", got, err, want)
		}
	}
	testkit.Check(t, m.Close())
	header.Set("Upgrade", "whisper")
	_, response, err = stream.HTTPUpgrade(ctx, dial(), &stream.HTTPRequest{Method: "GET", Target: "/", Header: header})
	testkit.Wants(t, err, stream.ErrHTTP, "refused with 426 Upgrade Required")
	if response == nil || response.Code != http.StatusUpgradeRequired {
		t.Errorf("%+v", response)
	}
}

// A client of net/http speaks to a server that reads heads, and a proxy that knows CONNECT is passed through.
func TestHTTPServerAndProxy(t *testing.T) {
	ctx := testkit.Watchdog(t)
	cert := testcert.NewAuthority(t)
	l, err := stream.Listen(ctx, "tcp://127.0.0.1:0", nil)
	testkit.Check(t, err)
	defer l.Close()
	accept := func(code int, body string) func() error {
		return func() error {
			s, err := l.Accept(ctx)
			if err != nil {
				return err
			}
			defer s.Close()
			r, err := stream.ReadHTTPRequest(ctx, s)
			if err != nil {
				return err
			}
			answer := &stream.HTTPResponse{Code: code, Reason: r.Method + " " + r.Target}
			if err := answer.Write(ctx, s); err != nil {
				return err
			}
			if err := s.Write(ctx, []byte(body)); err != nil {
				return err
			}
			return echo(ctx, s)
		}
	}
	both(t, accept(200, "body"), func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+"/a?b=c", http.NoBody)
		if err != nil {
			return err
		}
		request.Header.Set("Connection", "close")
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := request.Write(conn); err != nil {
			return err
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		got, err := io.ReadAll(conn)
		if want := "HTTP/1.1 200 GET /a?b=c\r\n\r\nbody"; string(got) != want || err != nil {
			return fmt.Errorf("%q, %w, want %q", got, err, want)
		}
		return nil
	})
	both(t, accept(200, ""), func() error {
		s, err := stream.Dial(ctx, l.URL(), nil)
		if err != nil {
			return err
		}
		if s, err = stream.HTTPConnect(ctx, s, "example.com:443", textproto.MIMEHeader{"Proxy-Authorization": {"Basic eA=="}}); err != nil {
			return err
		}
		defer s.Close()
		return said(ctx, s, "through the proxy")
	})
	both(t, func() error { // by a URL, with TLS to the target
		s, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		r, err := stream.ReadHTTPRequest(ctx, s)
		if err != nil {
			return err
		}
		if got := r.Method + " " + r.Target + " " + r.Header.Get("Proxy-Authorization"); got != "CONNECT localhost:443 Basic YWxpOmh1bnRlcjI=" {
			return fmt.Errorf("the proxy was asked for %q", got)
		}
		if err := (&stream.HTTPResponse{Code: 200, Reason: "OK"}).Write(ctx, s); err != nil {
			return err
		}
		if s, err = stream.TLSServer(ctx, s, cert.Server(t)); err != nil {
			return err
		}
		defer s.Close()
		return echo(ctx, s)
	}, func() error {
		config := clientConfig(t, cert)
		config.ServerName = "" // that of the URL
		s, err := stream.Dial(ctx, "tls+connect+tcp://localhost:443?connect="+l.Addr().String()+"&connect-user=ali&connect-password=hunter2", &stream.DialOptions{TLS: config})
		if err != nil {
			return err
		}
		defer s.Close()
		return said(ctx, s, "through the proxy, in TLS")
	})
	both(t, accept(407, ""), func() error {
		s, err := stream.Dial(ctx, l.URL(), nil)
		if err != nil {
			return err
		}
		if _, err = stream.HTTPConnect(ctx, s, "example.com:443", nil); !errors.Is(err, stream.ErrHTTP) {
			return fmt.Errorf("a refusal: %w", err)
		}
		return nil
	})
}

func TestMalformedHTTP(t *testing.T) {
	ctx := testkit.Watchdog(t)
	for _, head := range []string{
		"GET / HTTP/1.1\n\r\n", "GET / HTTP/2\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n", "\r\n\r\n",
		"GET / HTTP/1.1\r\n folded: x\r\n\r\n", "GET / HTTP/1.1\r\na : x\r\n\r\n", "GET / HTTP/1.1\r\na\r\n\r\n", "GET / HTTP/1.1\r\na: \x01\r\n\r\n",
		"GET / HTTP/1.1\r\na: x\r\n", "GET / HTTP/1.1\r\na: " + strings.Repeat("x", stream.MaxHTTPHead) + "\r\n\r\n",
		"GET / HTTP/1.1\r\n" + strings.Repeat("a: x\r\n", stream.MaxHTTPHead/6+1) + "\r\n",
	} {
		a, b := stream.Pipe()
		both(t, func() error {
			defer a.Close()
			if err := a.Write(ctx, []byte(head)); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		}, func() error {
			defer b.Close()
			if r, err := stream.ReadHTTPRequest(ctx, b); err == nil {
				return fmt.Errorf("%.60q is the request %+v", head, r)
			}
			return nil
		})
	}
	a, _ := stream.Pipe()
	for _, r := range []*stream.HTTPRequest{
		{Method: "GET", Target: "/ HTTP/1.1\r\nx: y"},
		{Method: "GET\r\n", Target: "/"},
		{Method: "GET", Target: "/", Header: textproto.MIMEHeader{"A": {"x\r\nb: y"}}},
		{Method: "GET", Target: "/", Header: textproto.MIMEHeader{"A:b": {"x"}}},
		{Method: "GET", Target: "/", Header: textproto.MIMEHeader{"A": {strings.Repeat("x", stream.MaxHTTPHead)}}},
	} {
		if err := r.Write(ctx, a); !errors.Is(err, stream.ErrHTTP) {
			t.Errorf("%.60q is written: %v", r.Target, err)
		}
	}
}

// FuzzHTTP reads heads. What is accepted can be written and read again, and the bytes behind it are untouched.
func FuzzHTTP(f *testing.F) {
	f.Add([]byte("GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\nA: c\r\n\r\nrest"))
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > 32<<10 {
			return
		}
		ctx := context.Background()
		head := func(read func(ctx context.Context, b *stream.Bytes) (any, func(*stream.Bytes) error, error)) {
			a, b := stream.Pipe()
			testkit.Check(t, a.Write(ctx, p))
			testkit.Check(t, a.CloseWrite(ctx))
			first, write, err := read(ctx, b)
			if err != nil {
				return
			}
			rest := 0
			for q := make([]byte, 4096); ; {
				n, err := b.Read(ctx, q)
				if rest += n; err != nil {
					break
				}
			}
			if tail := string(p[:len(p)-rest]); !strings.HasSuffix(tail, "\r\n\r\n") {
				t.Fatalf("the head ends with %q", tail)
			}
			c, d := stream.Pipe()
			testkit.Check(t, write(c))
			if again, _, err := read(ctx, d); err != nil || !reflect.DeepEqual(again, first) {
				t.Fatalf("%+v became %+v, %v", first, again, err)
			}
		}
		head(func(ctx context.Context, b *stream.Bytes) (any, func(*stream.Bytes) error, error) {
			r, err := stream.ReadHTTPRequest(ctx, b)
			return r, func(b *stream.Bytes) error { return r.Write(ctx, b) }, err
		})
		head(func(ctx context.Context, b *stream.Bytes) (any, func(*stream.Bytes) error, error) {
			r, err := stream.ReadHTTPResponse(ctx, b)
			return r, func(b *stream.Bytes) error { return r.Write(ctx, b) }, err
		})
	})
}
