// SPDX-License-Identifier: MIT

package port_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/port"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

// open begins a port on TCP, whose claims the test makes before serve.
func open(t *testing.T, c *port.Config) (p *port.Port, serve func()) {
	t.Helper()
	leak.Check(t)
	p, err := port.Listen(t.Context(), "tcp://127.0.0.1:0", c)
	testkit.Check(t, err)
	return p, serving(t, p)
}

func serving(t *testing.T, p *port.Port) (serve func()) {
	t.Helper()
	return func() {
		var served sync.WaitGroup
		served.Go(func() {
			if err := p.Serve(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Serve: %v", err)
			}
		})
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			served.Wait()
			balanced(t, p)
		})
	}
}

// balanced checks the figures of a port.
func balanced(t *testing.T, p *port.Port) port.Stats {
	t.Helper()
	s := p.Stats()
	sum := uint64(s.Undecided) + uint64(s.Waiting) + s.Delivered
	for _, n := range s.Refused {
		sum += n
	}
	if sum != s.Accepted {
		t.Errorf("the figures do not add up: %+v", s)
	}
	return s
}

// refused waits until as many connections were refused for a reason.
func refused(t *testing.T, p *port.Port, reason port.Reason, n uint64) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprint(n, " are refused for ", reason), func() bool { return balanced(t, p).Refused[reason] == n })
}

func dial(t *testing.T, p *port.Port) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr().String())
	testkit.Check(t, err)
	t.Cleanup(func() { c.Close() })
	testkit.Check(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c.(*net.TCPConn)
}

// answer says something to a port and returns all that comes back.
func answer(t *testing.T, c net.Conn, say string) string {
	t.Helper()
	_, err := io.WriteString(c, say)
	testkit.Check(t, err)
	all, err := io.ReadAll(c)
	testkit.Check(t, err)
	return string(all)
}

// server serves HTTP/1, h2 and h2c at a listener.
func server(t *testing.T, l net.Listener, h http.Handler) {
	t.Helper()
	s := &http.Server{Handler: h, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	var served sync.WaitGroup
	served.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		_ = s.Close()
		served.Wait()
	})
}

// get asks for a page by one version of HTTP, and returns its text.
func get(t *testing.T, url string, config *tls.Config, version func(*http.Protocols)) string {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: config.Clone(), Protocols: new(http.Protocols)}
	version(tr.Protocols)
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get(url)
	testkit.Check(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	testkit.Check(t, err)
	return string(body)
}

// serveAll claims everything at a port: pages, two sockets by path, a socket of both families, and a protocol of lines.
func serveAll(t *testing.T, p *port.Port) (pull, feed *spry.Pull) {
	t.Helper()
	pull, feed = spry.NewPull(nil), spry.NewPull(nil)
	_, err := pull.ListenOn(p.Claim(port.Sockets), nil)
	testkit.Check(t, err)
	mux := http.NewServeMux()
	mux.Handle("/jobs", web.Handler(pull, nil))
	mux.Handle("/feed", web.Handler(feed, nil))
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " tls:", r.TLS != nil)
	})
	server(t, p.Claim(port.HTTP), mux)
	lines := p.Claim(port.Protocol{Match: func(first []byte) (yes, more bool) {
		n := min(len(first), 5)
		return string(first) >= "LINE " && string(first[:n]) == "LINE ", string(first[:n]) == "LINE "[:n]
	}})
	var echoes sync.WaitGroup
	echoes.Go(func() {
		for {
			c, err := lines.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, "echo "+line)
			c.Close()
		}
	})
	t.Cleanup(func() {
		_ = lines.Close()
		echoes.Wait()
		testkit.CloseAll(t, pull, feed)
	})
	return pull, feed
}

// pushed sends a message to a URL and expects it at a socket.
func pushed(ctx context.Context, t *testing.T, pull *spry.Pull, url string, config *tls.Config) {
	t.Helper()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{tcp.Transport{}, tlstcp.Transport{}, ws.Transport{}}}})
	defer testkit.CloseAll(t, push)
	_, err := push.DialWith(ctx, &spry.DialConfig{URL: url, TLS: config})
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte(url)))
	m, err := pull.Recv(ctx)
	testkit.Check(t, err)
	if string(m) != url {
		t.Errorf("received %q by %s", m, url)
	}
}

// everything uses all services of a port, with TLS and without.
func everything(t *testing.T, p *port.Port, pull, feed *spry.Pull, config *tls.Config) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	at := p.Addr().String()
	one, two := (*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2
	for _, test := range []struct {
		url     string
		version func(*http.Protocols, bool)
		want    string
	}{
		{"http://", one, "HTTP/1.1 tls:false"},
		{"http://", (*http.Protocols).SetUnencryptedHTTP2, "HTTP/2.0 tls:false"},
		{"https://", one, "HTTP/1.1 tls:true"},
		{"https://", two, "HTTP/2.0 tls:true"},
	} {
		if got := get(t, test.url+at+"/page", config, func(p *http.Protocols) { test.version(p, true) }); got != test.want {
			t.Errorf("%s: %q, want %q", test.url, got, test.want)
		}
	}
	named := config.Clone()
	named.NextProtos = []string{"sp"}
	for url, config := range map[string]*tls.Config{"tcp": nil, "zmtp+tcp": nil, "tls+tcp": config, "zmtp+tls+tcp": config, "sp+tls+tcp": named} {
		pushed(ctx, t, pull, url+"://"+at, config)
	}
	for _, scheme := range []string{"ws", "wss", "zmtp+ws", "zmtp+wss"} {
		pushed(ctx, t, pull, scheme+"://"+at+"/jobs", config)
		pushed(ctx, t, feed, scheme+"://"+at+"/feed", config)
	}
	line, err := net.Dial("tcp", at)
	testkit.Check(t, err)
	defer line.Close()
	if got := answer(t, line, "LINE 1\n"); got != "echo LINE 1\n" {
		t.Errorf("the protocol of lines answers %q", got)
	}
	byAddress := config.Clone()
	byAddress.ServerName = "127.0.0.1"
	secure := tls.Client(dial(t, p), byAddress)
	defer secure.Close()
	if got := answer(t, secure, "LINE 2\n"); got != "echo LINE 2\n" {
		t.Errorf("over TLS, the protocol of lines answers %q", got)
	}
	secure = tls.Client(dial(t, p), byAddress) // a client without ALPN
	defer secure.Close()
	if got := answer(t, secure, "GET /page HTTP/1.0\r\n\r\n"); !strings.HasSuffix(got, "HTTP/1.0 tls:true") {
		t.Errorf("over TLS without ALPN, the page is %q", got)
	}
}

// Pages, sockets by path, sockets of both families and a protocol of the user's share one port, with TLS and without.
func TestEverythingOnOnePort(t *testing.T) {
	authority := testcert.NewAuthority(t)
	p, serve := open(t, &port.Config{TLS: authority.Server(t)})
	pull, feed := serveAll(t, p)
	serve()
	everything(t, p, pull, feed, authority.Client(t, "client"))
}

// A listener whose connections are not those of the operating system serves the same.
func TestEverythingOnAListenerOfTheUsers(t *testing.T) {
	leak.Check(t)
	authority := testcert.NewAuthority(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	p, err := port.New(wrappedListener{l}, &port.Config{TLS: authority.Server(t)})
	testkit.Check(t, err)
	serve := serving(t, p)
	pull, feed := serveAll(t, p)
	serve()
	everything(t, p, pull, feed, authority.Client(t, "client"))
}

// A wrappedListener hides the kind of its connections.
type wrappedListener struct{ net.Listener }

func (l wrappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return struct {
		net.Conn
		closeWriter
	}{c, c.(*net.TCPConn)}, nil
}

type closeWriter interface{ CloseWrite() error }

// Connections of the operating system are handed over as they are, with their first bytes.
func TestConnectionsAreHandedOverAsTheyAre(t *testing.T) {
	p, serve := open(t, nil)
	l := p.Claim(port.SP)
	serve()
	c := dial(t, p)
	const header = "\x00SP\x00\x00\x50\x00\x00"
	for _, b := range []byte(header) { // byte by byte
		_, err := c.Write([]byte{b})
		testkit.Check(t, err)
	}
	got, err := l.Accept()
	testkit.Check(t, err)
	defer got.Close()
	if _, ok := got.(*net.TCPConn); !ok {
		t.Errorf("Accept returns a %T", got)
	}
	first := make([]byte, len(header))
	if _, err := io.ReadFull(got, first); err != nil || string(first) != header {
		t.Errorf("the connection begins with %q: %v", first, err)
	}
	if s := balanced(t, p); s.Delivered != 1 || s.Accepted != 1 {
		t.Errorf("figures %+v", s)
	}
}
