// SPDX-License-Identifier: MIT

package main_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

const token = "a-token-of-the-test-7c1f"

// A whole gateway between processes: TLS with HTTP/2, tokens, every kind of route, a peer that is not there, and its end.
func TestGateway(t *testing.T) {
	t.Parallel()
	rep := start(t, nil, "rep", "--listen", here, "--echo", "--format", "none")
	pull := start(t, nil, "pull", "--listen", here, "--zmtp")
	respond := start(t, nil, "respond", "--listen", here, "--echo", "--format", "none")
	pub := spry.NewPub(nil)
	defer pub.Close()
	feed, err := pub.Listen(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	cert, _, both := testcert.Files(t)
	folder := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("tokens", token+"\n")
	if err := os.Mkdir(filepath.Join(folder, "public"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(filepath.Join("public", "index.html"), "home")
	file := put("gateway.toml", fmt.Sprintf(`
access-log = true
health = "/healthz"
[[listen]]
address = "127.0.0.1:0"
cert = %q
[defaults]
token-file = "tokens"
[[route]]
path = "/ask"
kind = "ask"
dial = %q
[[route]]
path = "/jobs"
kind = "send"
dial = "zmtp+%s"
[[route]]
path = "/survey"
kind = "survey"
deadline = "500ms"
dial = %q
[[route]]
path = "/events"
kind = "events"
topics = "news"
dial = %q
[[route]]
path = "/stream"
kind = "stream"
pattern = "req"
dial = %q
[[route]]
path = "/socket"
kind = "websocket"
pattern = "req"
dial = %q
[[route]]
path = "/gone"
kind = "ask"
fail-fast = true
dial = "tcp://127.0.0.1:1"
[[route]]
path = "/"
kind = "files"
folder = "public"
[[route]]
path = "/spry.js"
kind = "script"
`, filepath.ToSlash(both), rep.url(), pull.url(), respond.url(), feed.URL(), rep.url(), rep.url()))

	start(t, nil, "gateway", "-c", file, "--check").wait()
	p := start(t, nil, "gateway", "--config", file)
	base := p.await(p.stderr, `listening at (https://\S+)`)
	p.await(p.stderr, `GET /healthz()`) // the last of its first lines

	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	carrier := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer carrier.CloseIdleConnections()
	do := func(method, path, body, token string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return carrier.RoundTrip(r)
	}
	expect := func(method, path, body, token, want string) {
		t.Helper()
		answer, err := do(method, path, body, token)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if got := fmt.Sprintf("%d %s", answer.StatusCode, text); err != nil || answer.ProtoMajor != 2 || !strings.HasPrefix(got, want) {
			t.Errorf("%s %s: %s %s, %v; want %s", method, path, answer.Proto, got, err, want)
		}
	}
	expect("GET", "/healthz", "", "", "200 ok\n")
	expect("POST", "/ask", "hello", token, "200 hello")
	expect("POST", "/ask", "hello", "", "401 ")
	expect("POST", "/ask", "hello", token+"x", "401 ")
	expect("GET", "/ask", "", token, "405 ")
	expect("POST", "/gone", "hello", token, "503 ")
	expect("POST", "/jobs", "a job", token, "202 ")
	pull.await(pull.stdout, `(a job)`)
	expect("POST", "/survey", "who?", token, `200 {"body":"who?"}`)
	expect("GET", "/", "", token, "200 home")
	expect("GET", "/", "", "", "401 ")
	expect("GET", "/spry.js", "", token, "200 ")
	expect("GET", "/none", "", token, "404 ")

	// Events, of which the stream ends when the gateway does.
	events, err := do("GET", "/events", "", token)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	if err := pub.WaitPipes(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"sports: 3:2", "news: rain"} {
		if err := pub.Send(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(events.Body)
	next := func() string {
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				return data
			}
		}
		return ""
	}
	if got := next(); got != `{"body":"news: rain"}` {
		t.Errorf("event: %s", got)
	}

	// Sockets of other programs, by both ways.
	header := http.Header{"Authorization": {"Bearer " + token}}
	config := &tls.Config{RootCAs: roots}
	for url, by := range map[string]transport.Transport{
		base + "/stream": gateway.Transport{Header: header}, "wss" + strings.TrimPrefix(base, "https") + "/socket": ws.Transport{Header: header},
	} {
		func() {
			req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Transports: []transport.Transport{by}}})
			defer req.Close()
			if _, err := req.DialWith(t.Context(), &spry.DialConfig{URL: url, TLS: config}); err != nil {
				t.Fatalf("%s: %v", url, err)
			}
			if reply, err := req.Do(t.Context(), []byte("from afar")); err != nil || string(reply) != "from afar" {
				t.Errorf("%s: %q, %v", url, reply, err)
			}
		}()
	}

	p.interrupt()
	if got := next(); got != "" || lines.Err() != nil {
		t.Errorf("after the end: %s, %v", got, lines.Err())
	}
	p.expect(0, "")
	said := p.stderr()
	for _, want := range []string{
		"/ask: 4 requests, 1 × 200, 2 × 401, 1 × 405; peers: 1 in, 1 out", "/gone: 1 requests, 1 × 503", "/events: 1 requests, 1 × 200; 1 events, 1 kept, 0 missed",
		"/stream: 1 requests, 1 × 200; clients: 1 in, 1 out; peers: 1 in, 1 out", "/socket: clients: 1 in, 1 out; peers: 1 in, 1 out",
		"method=POST path=/ask status=200 bytes=5", "path=/socket status=101", "path=/healthz status=200",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(said, token) {
		t.Error("a token is printed")
	}
	if t.Failed() {
		t.Log(said)
	}
}

// A request that is being served when the gateway ends has its time, and no more.
func TestGatewayEndsInOrder(t *testing.T) {
	t.Parallel()
	rep := spry.NewRep(nil)
	defer rep.Close()
	at, err := rep.Listen(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "gateway.toml")
	text := fmt.Sprintf("stop-timeout = %q\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/ask\"\nkind = \"ask\"\ndial = %q\n", "1m", at.URL())
	for limit, want := range map[string]string{"1m": "200 late", "100ms": ""} {
		if err := os.WriteFile(file, []byte(strings.Replace(text, "1m", limit, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(t, nil, "gateway", "-c", file)
		base := p.await(p.stderr, `listening at (http://\S+)`)
		answered := make(chan string)
		go func() {
			defer close(answered)
			r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, base+"/ask", strings.NewReader("x"))
			if err != nil {
				return
			}
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				return
			}
			defer answer.Body.Close()
			text, _ := io.ReadAll(answer.Body)
			answered <- fmt.Sprintf("%d %s", answer.StatusCode, text)
		}()
		request, err := rep.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.interrupt()
		if want == "" {
			p.await(p.stderr, `requests that were not done in 100ms are cut()`)
			request.Discard()
		} else if err := request.Reply(t.Context(), []byte("late")); err != nil {
			t.Fatal(err)
		}
		if got := <-answered; got != want {
			t.Errorf("%s: %q; want %q", limit, got, want)
		}
		p.expect(0, "")
	}
}

// An address that is in use is reported with its line, and ends what was opened before.
func TestGatewayAddressInUse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gateway.toml")
	text := fmt.Sprintf("[[route]]\npath = \"/ask\"\nkind = \"ask\"\ndial = \"tcp://127.0.0.1:1\"\n[[listen]]\naddress = %q\n", greeter(t, ""))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "gateway", "-c", file)
	p.expect(1, "")
	if want := file + ":5: "; !strings.Contains(p.stderr(), want) || !strings.Contains(p.stderr(), "in use; to find out what listens there, use spry inspect tcp://127.0.0.1:") {
		t.Errorf("%s; want %s", p.stderr(), want)
	}
}
