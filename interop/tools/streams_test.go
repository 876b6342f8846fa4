// SPDX-License-Identifier: MIT

package tools_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
)

// clientTLS and serverTLS are the configurations of Spry's end.
func clientTLS(t *testing.T) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(kit.Certificates(t).AuthorityFile)
	testkit.Check(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

func serverTLS(t *testing.T) *tls.Config {
	t.Helper()
	own := kit.Certificates(t).Server
	pair, err := tls.LoadX509KeyPair(own.CertFile, own.KeyFile)
	testkit.Check(t, err)
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// echoed writes a text and reads it back. With half it ends its direction, and reads to the end.
func echoed(ctx context.Context, t *testing.T, s *stream.Bytes, half bool) {
	t.Helper()
	defer s.Close()
	text := []byte(strings.Repeat("streams are values\n", 5000))
	got := make([]byte, len(text))
	written := make(chan error, 1)
	go func() {
		err := s.Write(ctx, text)
		if err == nil && half {
			err = s.CloseWrite(ctx)
		}
		written <- err
	}()
	testkit.Check(t, s.ReadFull(ctx, got))
	testkit.Check(t, <-written)
	kit.Same(t, "the echo", got, text)
	if half {
		if _, err := s.Read(ctx, got); !errors.Is(err, io.EOF) {
			t.Errorf("after the peer's end: %v", err)
		}
	}
}

// Streams to servers of socat, ncat and openssl, also through a SOCKS proxy.
func TestStreamsToServers(t *testing.T) {
	own := kit.Certificates(t).Server
	for name, tc := range map[string]struct {
		half  bool
		start func(t *testing.T, port string) (program, debian string, args []string)
		url   string
	}{
		"socat tcp": {true, func(_ *testing.T, port string) (string, string, []string) {
			return "socat", "socat", []string{"TCP-LISTEN:" + port + ",bind=127.0.0.1,fork", "EXEC:cat"}
		}, "tcp://"},
		"socat tcp, throttled": {true, func(_ *testing.T, port string) (string, string, []string) {
			return "socat", "socat", []string{"TCP-LISTEN:" + port + ",bind=127.0.0.1,fork", "EXEC:cat"}
		}, "throttle+fault+tcp://%s?throttle=10MB/s&fault-chunk=999"},
		"socat tls": {false, func(_ *testing.T, port string) (string, string, []string) {
			return "socat", "socat", []string{"OPENSSL-LISTEN:" + port + ",bind=127.0.0.1,fork,verify=0,cert=" + own.CertFile + ",key=" + own.KeyFile, "EXEC:cat"}
		}, "tls+tcp://"},
		"ncat tcp": {false, func(_ *testing.T, port string) (string, string, []string) {
			return "ncat", "ncat", []string{"-l", "-k", "127.0.0.1", port, "--exec", "/bin/cat"}
		}, "tcp://"},
		"ncat tls": {false, func(_ *testing.T, port string) (string, string, []string) {
			return "ncat", "ncat", []string{"-l", "-k", "--ssl", "--ssl-cert", own.CertFile, "--ssl-key", own.KeyFile, "127.0.0.1", port, "--exec", "/bin/cat"}
		}, "tls+tcp://"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := kit.Watched(t)
			address := peer.TCPAddress(t)
			_, port, _ := net.SplitHostPort(address)
			program, debian, args := tc.start(t, port)
			peer.Start(t, peer.Find(t, program, debian), args...)
			peer.WaitListening(t, "tcp://"+address)
			url := tc.url + address
			if strings.Contains(tc.url, "%s") {
				url = fmt.Sprintf(tc.url, address)
			}
			s, err := stream.Dial(ctx, url, &stream.DialOptions{TLS: clientTLS(t)})
			testkit.Check(t, err)
			echoed(ctx, t, s, tc.half)
		})
	}
	t.Run("socat ipc", func(t *testing.T) {
		ctx := kit.Watched(t)
		path := peer.SocketPath(t.TempDir())
		peer.Start(t, peer.Find(t, "socat", "socat"), "UNIX-LISTEN:"+path+",fork", "EXEC:cat")
		peer.WaitListening(t, "ipc://"+path)
		s, err := stream.Dial(ctx, "ipc://"+path, nil)
		testkit.Check(t, err)
		echoed(ctx, t, s, true)
	})
}

// Streams and sockets go through a SOCKS proxy, with and without a password.
func TestStreamsThroughSOCKS(t *testing.T) {
	for name, login := range map[string][]string{"open": nil, "password": {"-u", "ali", "-P", "hunter2"}} {
		t.Run(name, func(t *testing.T) {
			ctx := kit.Watched(t)
			proxy := peer.TCPAddress(t)
			host, port, _ := net.SplitHostPort(proxy)
			peer.Start(t, peer.Find(t, "microsocks", "microsocks"), append(login, "-i", host, "-p", port)...)
			peer.WaitListening(t, "tcp://"+proxy)
			query := "?socks5=" + proxy
			if login != nil {
				_, err := stream.Dial(ctx, "socks5+tcp://127.0.0.1:1"+query, nil)
				testkit.Wants(t, err, err, "give a user and a password")
				_, err = stream.Dial(ctx, "socks5+tcp://127.0.0.1:1"+query+"&socks5-user=ali&socks5-password=wrong", nil)
				testkit.Wants(t, err, err, "refuses the user or the password")
				query += "&socks5-user=ali&socks5-password=hunter2"
			}
			l, err := stream.Listen(ctx, "tls+tcp://127.0.0.1:0", &stream.ListenOptions{TLS: serverTLS(t)})
			testkit.Check(t, err)
			defer l.Close()
			go func() {
				if s, err := l.Accept(ctx); err == nil {
					echo(ctx, s)
				}
			}()
			s, err := stream.Dial(ctx, "tls+socks5+tcp://"+l.Addr().String()+query, &stream.DialOptions{TLS: clientTLS(t)})
			testkit.Check(t, err)
			echoed(ctx, t, s, true)
			_, err = stream.Dial(ctx, "socks5+tcp://127.0.0.1:1"+query, nil)
			testkit.Wants(t, err, err, "SOCKS5 proxy", "127.0.0.1:1")

			o := spry.Options{Transports: []transport.Transport{stream.Transport{}}}
			pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
			defer testkit.CloseAll(t, pull, push)
			e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
			testkit.Check(t, err)
			_, err = push.Dial(ctx, "socks5+"+e.URL()+query)
			testkit.Check(t, err)
			testkit.Check(t, push.Send(ctx, []byte("through the proxy")))
			m, err := pull.Recv(ctx)
			testkit.Check(t, err)
			kit.Same(t, "the message", m, []byte("through the proxy"))
		})
	}
}

// A TLS stream goes through an HTTP proxy.
func TestStreamsThroughHTTPProxy(t *testing.T) {
	ctx := kit.Watched(t)
	proxy := peer.TCPAddress(t)
	_, port, _ := net.SplitHostPort(proxy)
	config := filepath.Join(t.TempDir(), "proxy.conf")
	testkit.Check(t, os.WriteFile(config, []byte("Port "+port+"\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth ali hunter2\n"), 0o600))
	peer.Start(t, peer.Find(t, "tinyproxy", "tinyproxy-bin"), "-d", "-c", config)
	peer.WaitListening(t, "tcp://"+proxy)
	l, err := stream.Listen(ctx, "tls+tcp://127.0.0.1:0", &stream.ListenOptions{TLS: serverTLS(t)})
	testkit.Check(t, err)
	defer l.Close()
	go func() {
		if s, err := l.Accept(ctx); err == nil {
			echo(ctx, s)
		}
	}()
	url := "tls+connect+tcp://" + l.Addr().String() + "?connect=" + proxy
	_, err = stream.Dial(ctx, url, &stream.DialOptions{TLS: clientTLS(t)})
	testkit.Wants(t, err, stream.ErrHTTP, "407")
	s, err := stream.Dial(ctx, url+"&connect-user=ali&connect-password=hunter2", &stream.DialOptions{TLS: clientTLS(t)})
	testkit.Check(t, err)
	echoed(ctx, t, s, false)
}

// echo sends back all that it reads.
func echo(ctx context.Context, s *stream.Bytes) {
	defer s.Close()
	for p := make([]byte, 4096); ; {
		n, err := s.Read(ctx, p)
		if err != nil {
			_ = s.CloseWrite(ctx)
			return
		}
		if s.Write(ctx, p[:n]) != nil {
			return
		}
	}
}

// Clients of socat, ncat, openssl and curl meet listeners of streams.
func TestClientsToStreams(t *testing.T) {
	authority := kit.Certificates(t).AuthorityFile
	for name, tc := range map[string]struct {
		scheme, program, debian string
		args                    func(address string) []string
	}{
		"socat": {"tcp", "socat", "socat", func(a string) []string { return []string{"-t", "10", "-", "TCP:" + a} }},
		"ncat":  {"tcp", "ncat", "ncat", func(a string) []string { return strings.Split(a, ":") }},
		"socat tls": {"tls+tcp", "socat", "socat", func(a string) []string {
			return []string{"-t", "10", "-", "OPENSSL:" + strings.Replace(a, "127.0.0.1", "localhost", 1) + ",cafile=" + authority}
		}},
		"openssl s_client": {"tls+tcp", "openssl", "openssl", func(a string) []string {
			return []string{"s_client", "-quiet", "-verify_return_error", "-CAfile", authority, "-connect", a}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := kit.Watched(t)
			l, err := stream.Listen(ctx, tc.scheme+"://127.0.0.1:0", &stream.ListenOptions{TLS: serverTLS(t)})
			testkit.Check(t, err)
			defer l.Close()
			p := peer.Start(t, peer.Find(t, tc.program, tc.debian), tc.args(l.Addr().String())...)
			s, err := l.Accept(ctx)
			testkit.Check(t, err)
			go echo(ctx, s)
			p.WriteLine("hello")
			p.WaitLine("hello")
			p.WriteLine("again")
			p.WaitLine("again")
		})
	}
}

// openssl upgrades a plain connection as SMTP does: TLS follows a conversation in lines on the same stream, and is followed by another.
func TestStartTLSFromOpenSSL(t *testing.T) {
	ctx := kit.Watched(t)
	l, err := stream.Listen(ctx, "tcp://127.0.0.1:0", nil)
	testkit.Check(t, err)
	defer l.Close()
	p := peer.Start(t, peer.Find(t, "openssl", "openssl"), "s_client", "-quiet", "-starttls", "smtp", "-verify_return_error",
		"-CAfile", kit.Certificates(t).AuthorityFile, "-connect", l.Addr().String())
	s, err := l.Accept(ctx)
	testkit.Check(t, err)
	for _, step := range []struct{ say, hear string }{{"220 here", "EHLO"}, {"250-here\r\n250 STARTTLS", "STARTTLS"}, {"220 go on", ""}} {
		testkit.Check(t, s.Write(ctx, []byte(step.say+"\r\n")))
		if step.hear == "" {
			break
		}
		line, err := s.ReadUntil(ctx, []byte("\r\n"), 100)
		testkit.Check(t, err)
		if !strings.HasPrefix(string(line), step.hear) {
			t.Fatalf("%q, want %s", line, step.hear)
		}
	}
	secure, err := stream.TLSServer(ctx, s, serverTLS(t))
	testkit.Check(t, err)
	testkit.Check(t, secure.Write(ctx, []byte("250 secure\n")))
	p.WaitLine("250 secure")
	p.WriteLine("QUIT")
	line, err := secure.ReadUntil(ctx, []byte("\n"), 100)
	testkit.Check(t, err)
	kit.Same(t, "the line", line, []byte("QUIT"))
	testkit.Check(t, secure.Close())
}

// curl gets a page from a stream, with and without TLS, and goes through a proxy that is one.
func TestCurlToStreams(t *testing.T) {
	curl := peer.Find(t, "curl", "curl")
	serve := func(ctx context.Context, l *stream.Listener) {
		s, err := l.Accept(ctx)
		if err != nil {
			return
		}
		defer s.Close()
		r, err := stream.ReadHTTPRequest(ctx, s)
		if err != nil {
			return
		}
		answer := &stream.HTTPResponse{Code: 200, Reason: "OK", Header: map[string][]string{"Connection": {"close"}}}
		if answer.Write(ctx, s) == nil && s.Write(ctx, []byte(r.Method+" "+r.Target+" "+r.Header.Get("Host"))) == nil {
			_ = s.CloseWrite(ctx)
			_, _ = s.Read(ctx, make([]byte, 1))
		}
	}
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			ctx := kit.Watched(t)
			base := map[string]string{"http": "tcp", "https": "tls+tcp"}[scheme]
			l, err := stream.Listen(ctx, base+"://127.0.0.1:0", &stream.ListenOptions{TLS: serverTLS(t)})
			testkit.Check(t, err)
			defer l.Close()
			go serve(ctx, l)
			_, port, _ := net.SplitHostPort(l.Addr().String())
			p := peer.Start(t, curl, "-sS", "--noproxy", "*", "--http1.1", "--resolve", "localhost:"+port+":127.0.0.1",
				"--cacert", kit.Certificates(t).AuthorityFile, scheme+"://localhost:"+port+"/a?b=c")
			if got, want := p.Wait(), "GET /a?b=c localhost:"+port; got != want {
				t.Errorf("curl got %q, want %q", got, want)
			}
		})
	}
	t.Run("proxy", func(t *testing.T) {
		ctx := kit.Watched(t)
		l, err := stream.Listen(ctx, "tcp://127.0.0.1:0", nil)
		testkit.Check(t, err)
		defer l.Close()
		go func() { // a CONNECT, and then the request, on one stream
			s, err := l.Accept(ctx)
			if err != nil {
				return
			}
			defer s.Close()
			for range 2 {
				r, err := stream.ReadHTTPRequest(ctx, s)
				if err != nil || (&stream.HTTPResponse{Code: 200, Reason: "OK"}).Write(ctx, s) != nil {
					return
				}
				if r.Method == http.MethodGet {
					_ = s.Write(ctx, []byte("tunnelled "+r.Target))
				}
			}
			_ = s.CloseWrite(ctx)
		}()
		p := peer.Start(t, curl, "-sS", "-p", "-x", "http://"+l.Addr().String(), "http://example.com/x")
		if got := p.Wait(); got != "tunnelled /x" {
			t.Errorf("curl got %q", got)
		}
	})
}
