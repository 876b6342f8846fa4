// SPDX-License-Identifier: MIT

package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"iter"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/zmq"
)

// The versions of HTTP that a server speaks.
var versions = []string{"HTTP/1.1", "HTTP/2", "HTTP/2 without TLS"}

// everyVersion runs a test for each version of HTTP. Whatever it does, every request has been counted when it ends.
func everyVersion(t *testing.T, f func(t *testing.T, version string)) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			leak.Check(t)
			f(t, version)
		})
	}
}

// A place is a server, and a client that speaks one version of HTTP to it. Connections are in memory, so that in a bubble of synctest their time
// is that of the bubble.
type place struct {
	*memory
	server *http.Server
	client *http.Client
	url    string
}

// open serves a handler until the test, or the bubble, ends.
func open(t *testing.T, version string, h http.Handler, changes ...func(*http.Server)) *place {
	t.Helper()
	p := &place{memory: newMemory(), server: gateway.NewServer(h), url: "http://gateway.test"}
	for _, change := range changes {
		change(p.server)
	}
	p.server.ErrorLog = log.New(io.Discard, "", 0)
	carrier := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) },
		Protocols:   new(http.Protocols),
		HTTP2:       &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}, // so that one that does not read is soon noticed
	}
	serve := p.server.Serve
	switch version {
	case "HTTP/1.1":
		carrier.Protocols.SetHTTP1(true)
	case "HTTP/2 without TLS":
		carrier.Protocols.SetUnencryptedHTTP2(true)
	default:
		authority := testcert.NewAuthority(t)
		p.url = "https://gateway.test"
		p.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "gateway", "gateway.test")}, MinVersion: tls.VersionTLS13}
		carrier.TLSClientConfig = &tls.Config{RootCAs: authority.Pool, MinVersion: tls.VersionTLS13}
		carrier.Protocols.SetHTTP2(true)
		serve = func(l net.Listener) error { return p.server.ServeTLS(l, "", "") }
	}
	p.client = &http.Client{Transport: carrier}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = serve(p.memory)
	}()
	t.Cleanup(func() {
		carrier.CloseIdleConnections()
		_ = p.server.Close()
		<-served
	})
	return p
}

// do sends a request.
func (p *place) do(t *testing.T, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := p.client.Do(r)
	if err != nil {
		return answer{text: err.Error()}
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{got.StatusCode, got.Header, string(text) + " and then " + err.Error()}
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

func (p *place) post(t *testing.T, body string, header ...string) answer {
	t.Helper()
	return p.do(t, http.MethodPost, "/", strings.NewReader(body), header...)
}

// A wire is a connection on which a test writes bytes of HTTP/1.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func (p *place) wire(t *testing.T) *wire {
	t.Helper()
	c, err := p.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &wire{c, bufio.NewReader(c)}
}

// send writes as much as the server takes.
func (w *wire) send(text string) {
	_, _ = io.WriteString(w, text)
}

// answer reads an answer; its status is 0 if the connection ends before.
func (w *wire) answer() answer {
	got, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return answer{text: err.Error()}
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		text = append(text, " and then "+err.Error()...)
	}
	if got.Close {
		got.Header.Set("Connection", "close")
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

// A memory is a listener of connections in memory.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (m *memory) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-m.closed:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// asks is a Req whose reply is what the function returns.
type asks func(ctx context.Context, body []byte) ([]byte, error)

func (f asks) Do(ctx context.Context, body []byte) ([]byte, error) { return f(ctx, body) }

// echo replies to "drop" when its time is over.
var echo = asks(func(ctx context.Context, body []byte) ([]byte, error) {
	if string(body) == "drop" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return append([]byte("echo "), body...), nil
})

// An inquirer answers a survey with what comes from a channel.
type inquirer struct {
	answers chan string
	err     error // of a survey whose channel was closed
}

func (q *inquirer) Survey(ctx context.Context, body []byte) iter.Seq2[*spry.Message, error] {
	return func(yield func(*spry.Message, error) bool) {
		for {
			select {
			case text, ok := <-q.answers:
				switch {
				case ok && yield(messageOf(string(body)+text), nil):
					continue
				case !ok && q.err != nil:
					yield(nil, q.err)
				}
				return
			case <-ctx.Done():
				if context.Cause(ctx) != context.DeadlineExceeded {
					yield(nil, ctx.Err())
				}
				return
			}
		}
	}
}

func (q *inquirer) Pipes() iter.Seq[*spry.Pipe] {
	return func(yield func(*spry.Pipe) bool) { yield(nil) }
}

// messageOf is a message of these frames.
func messageOf(frames ...string) *spry.Message {
	m := spry.NewMessage(0)
	_, _ = m.Write([]byte(frames[0]))
	for _, f := range frames[1:] {
		m.AppendFrame([]byte(f))
	}
	return m
}

// A source is a Sub that receives what a test gives it.
type source chan *spry.Message

func (s source) RecvMsg(ctx context.Context) (*spry.Message, error) {
	select {
	case m, ok := <-s:
		if !ok {
			return nil, spry.ErrClosed
		}
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// give gives a message, and waits until the events have it.
func (s source) give(t *testing.T, e *gateway.Events, frames ...string) {
	t.Helper()
	before := e.Stats().Received
	s <- messageOf(frames...)
	eventually(t, func() string { return differs(e.Stats().Received, before+1) })
}

// eventually waits until there is no fault.
func eventually(t *testing.T, fault func() string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second) // a watchdog
	for why := fault(); why != ""; why = fault() {
		if time.Now().After(deadline) {
			t.Fatal(why)
		}
		time.Sleep(time.Millisecond)
	}
}

func differs[T comparable](got, want T) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("got %v, want %v", got, want)
}

// settled returns the figures of a handler without open requests. All of them are counted.
func settled(t *testing.T, stats func() gateway.Stats) gateway.Stats {
	t.Helper()
	eventually(t, func() string { return differs(stats().Open, 0) })
	st := stats()
	sum := uint64(0)
	for _, n := range st.Answers {
		sum += n
	}
	if st.Requests != sum {
		t.Errorf("%d requests, and the answers are %v", st.Requests, st.Answers)
	}
	return st
}

// answered makes the test fail if a handler's answers are not these, as "200:1 404:2".
func answered(t *testing.T, stats func() gateway.Stats, want string) {
	t.Helper()
	if got := strings.Trim(strings.TrimPrefix(fmt.Sprint(settled(t, stats).Answers), "map"), "[]"); got != want {
		t.Errorf("answers are %s, want %s", got, want)
	}
}

// tcpAddr is a local address of a connection.
func tcpAddr(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 80} }

// dialTCP connects to a site.
func dialTCP(t *testing.T, s *site) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// eventsOfZeroMQ returns the events of a SUB of ZeroMQ, and how to send frames to it.
func eventsOfZeroMQ(t *testing.T) (e *gateway.Events, sub *zmq.Sub, send func(ctx context.Context, frames ...string) error) {
	t.Helper()
	pub := closes(t, zmq.NewPub(nil))
	sub = closes(t, zmq.NewSub(nil))
	if err := sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Listen(t.Context(), name(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Dial(t.Context(), name(t)); err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(t.Context(), "", 1); err != nil {
		t.Fatal(err)
	}
	e = gateway.NewEvents(sub, nil)
	t.Cleanup(func() { _ = e.Close() })
	return e, sub, func(ctx context.Context, frames ...string) error { return pub.SendMsg(ctx, messageOf(frames...)) }
}
