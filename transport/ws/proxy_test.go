// SPDX-License-Identifier: MIT

package ws_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// proxied runs a proxy for one connection. open reads the request from c, and answers it when it returns.
func proxied(t *testing.T, l net.Listener, open func(c io.ReadWriter) (target, answer string, err error)) (asked chan string) {
	t.Helper()
	asked = make(chan string, 1)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		target, answer, err := open(c)
		asked <- target
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, answer)
		go func() { _, _ = io.Copy(to, c); _ = to.Close() }()
		_, _ = io.Copy(c, to)
	}()
	return asked
}

func openConnect(c io.ReadWriter) (target, answer string, err error) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return "", "", err
	}
	return r.Host, "HTTP/1.1 200 OK\r\n\r\n", nil
}

func openSOCKS(c io.ReadWriter) (target, answer string, err error) {
	hello := make([]byte, 3)
	if _, err = io.ReadFull(c, hello); err != nil {
		return "", "", err
	}
	if string(hello) != "\x05\x01\x00" {
		return "", "", errors.New("this is not SOCKS5 without a password")
	}
	if _, err = io.WriteString(c, "\x05\x00"); err != nil {
		return "", "", err
	}
	request := make([]byte, 4+net.IPv4len+2) // of an IPv4 address
	if _, err = io.ReadFull(c, request); err != nil {
		return "", "", err
	}
	port := int(request[8])<<8 | int(request[9])
	return net.JoinHostPort(net.IP(request[4:8]).String(), strconv.Itoa(port)), "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", nil
}

// A dialer goes through an https proxy, which the authorities of its configuration vouch for, and through a SOCKS5 proxy.
func TestProxies(t *testing.T) {
	authority, stranger := testcert.NewAuthority(t), testcert.NewAuthority(t)
	certificate := authority.Server(t)
	for _, scheme := range []string{"ws", "wss"} {
		for _, proxy := range []string{"https", "socks5"} {
			t.Run(scheme+" by "+proxy, func(t *testing.T) {
				leak.Check(t)
				ctx := testkit.Watchdog(t)
				l, err := net.Listen("tcp", "127.0.0.1:0")
				testkit.Check(t, err)
				open := openSOCKS
				if proxy == "https" {
					l, open = tls.NewListener(l, certificate), openConnect
				}
				asked := proxied(t, l, open)
				pull := spry.NewPull(&spry.PullOptions{Options: options()})
				o := options()
				o.Transports = []transport.Transport{ws.Transport{Proxy: func(*http.Request) (*url.URL, error) {
					return url.Parse(proxy + "://" + l.Addr().String())
				}}}
				push := spry.NewPush(&spry.PushOptions{Options: o})
				testkit.CloseAll(t, push, pull)
				e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: scheme + "://127.0.0.1:0/feed", TLS: certificate})
				testkit.Check(t, err)
				_, err = push.DialWith(ctx, &spry.DialConfig{URL: e.URL(), TLS: authority.Client(t, "client")})
				testkit.Check(t, err)
				if got := <-asked; got != e.Addr().String() {
					t.Errorf("the proxy was asked for %q", got)
				}
				testkit.Check(t, push.Send(ctx, []byte("x")))
				_, err = pull.Recv(ctx)
				testkit.Check(t, err)
			})
		}
	}
	t.Run("not trusted", func(t *testing.T) {
		leak.Check(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		testkit.Check(t, err)
		proxied(t, tls.NewListener(l, certificate), openConnect)
		o := options()
		o.Transports = []transport.Transport{ws.Transport{Proxy: func(*http.Request) (*url.URL, error) {
			return url.Parse("https://me:hunter2@" + l.Addr().String())
		}}}
		push := spry.NewPush(&spry.PushOptions{Options: o})
		testkit.CloseAll(t, push)
		_, err = push.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: "wss://127.0.0.1:1/feed", TLS: stranger.Client(t, "client")})
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok || !strings.Contains(err.Error(), "proxy https://me:xxxxx@"+l.Addr().String()) {
			t.Errorf("the error is %v", err)
		}
	})
}
