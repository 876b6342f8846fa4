// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
	layers "github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/zmq"
)

// A confidant writes down whatever it is told, in every way in which a program might log it.
type confidant struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *confidant) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *confidant) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func (c *confidant) note(vs ...any) {
	for _, v := range vs {
		for _, verb := range []string{"%v\n", "%+v\n", "%#v\n"} {
			_, _ = fmt.Fprintf(c, verb, v)
		}
		if asJSON, err := json.Marshal(v); err == nil {
			_, _ = c.Write(asJSON)
		}
		slog.New(slog.NewTextHandler(c, nil)).Info("noted", "value", v)
		slog.New(slog.NewJSONHandler(c, nil)).Info("noted", "value", v)
	}
}

// options are those of a socket whose every word is written down.
func (c *confidant) options(s spry.Security) spry.Options {
	event := func(v spry.Event) { c.note(v.Kind.String(), v.Reason, v.Err) }
	return spry.Options{
		Security: s, Logger: slog.New(slog.NewJSONHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Trace: event,
	}
}

// T36: keys, passwords and messages are in nothing that a socket says: events, logs, traces, statistics and errors, of both
// ends, when all goes well, when a peer is refused, and when the user's own function panics.
func TestSecretsStaySecret(t *testing.T) {
	leak.Check(t)
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	_, other, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	friend, friendly, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	const password, wrong, body = "correct horse battery staple", "Tr0ub4dor&3 is not it", "for your eyes only"
	c := new(confidant)
	asked := func(allow zmq.Authenticator) zmq.Authenticator {
		return func(ctx context.Context, who zmq.Credentials) (string, error) {
			c.note(who)
			if who.Username == "panic" {
				panic(who)
			}
			return allow(ctx, who)
		}
	}
	plain := func(user, password string) spry.Security { return zmq.PlainClient{Username: user, Password: password} }
	for _, secured := range []struct {
		server  spry.Security
		in, out []spry.Security
	}{
		{
			zmq.PlainServer{Check: asked(zmq.AllowPasswords(map[string]string{"alice": password}))},
			[]spry.Security{plain("alice", password)},
			[]spry.Security{plain("alice", wrong), plain("mallory", password), plain("panic", password)},
		},
		{
			zmq.CurveServer{Secret: secret, Check: asked(zmq.AllowKeys(friend))},
			[]spry.Security{zmq.CurveClient{Secret: friendly, Server: public}},
			[]spry.Security{zmq.CurveClient{Secret: other, Server: public}, zmq.CurveClient{Secret: friendly, Server: friend}, plain("alice", password)},
		},
	} {
		pull := spry.NewPull(&spry.PullOptions{Options: c.options(secured.server)})
		e := testkit.ListenOn(t, pull, "zmtp+tcp")
		c.note(secured.server, c.options(secured.server).Security)
		for i, s := range append(secured.in, secured.out...) {
			push := spry.NewPush(&spry.PushOptions{Options: c.options(s)})
			_, err := push.Dial(testkit.Watchdog(t), e.URL())
			c.note(s, err)
			if in := i < len(secured.in); in != (err == nil) {
				t.Errorf("%v is let in: %v, want %v", s, err == nil, in)
			} else if in {
				testkit.Check(t, push.Send(testkit.Watchdog(t), []byte(body)))
				m, err := pull.RecvMsg(testkit.Watchdog(t))
				testkit.Check(t, err)
				c.note(m.Pipe().Metadata(), m.Pipe().Stats())
			}
			c.note(push.Stats(), push.Close())
		}
		c.note(pull.Stats(), pull.Close())
	}
	for _, want := range []string{"alice", "authentication", "peer_error", "mechanism", "panic", "pipe_up", public.String()} {
		// Hooks may run when Close has returned.
		testkit.Eventually(t, "something is said of "+want, func() bool { return strings.Contains(c.said(), want) })
	}
	said := c.said()
	for name, hidden := range map[string][]byte{
		"the password": []byte(password), "the wrong password": []byte(wrong), "the message": []byte(body),
		"the server's key": secret[:], "the client's key": friendly[:], "another key": other[:],
	} {
		for _, form := range formsOf(hidden) {
			if strings.Contains(said, form) {
				t.Errorf("%s was said, as %.20q", name, form)
			}
		}
	}
}

// T36: passwords and tokens in URLs, private keys of certificates and messages are in nothing that a socket says, nor on any page of
// package observe: whether the URL works, leads nowhere or is malformed, and when a handler panics.
func TestSecretsOfURLsAndCertificatesStaySecret(t *testing.T) {
	leak.Check(t)
	const password, body = "x7Kq-hunter2-9fPz", "for-your-eyes-only"
	c := new(confidant)
	options := c.options(nil)
	options.Transports = []transport.Transport{layers.Transport{}, ws.Transport{}}
	options.Backoff = spry.Backoff{Min: time.Millisecond, Max: time.Millisecond}
	authority := testcert.NewAuthority(t)
	server := authority.Server(t)
	key, err := x509.MarshalPKCS8PrivateKey(server.Certificates[0].PrivateKey)
	testkit.Check(t, err)

	rep := spry.NewRep(&spry.RepOptions{Options: options})
	listener, err := rep.ListenWith(testkit.Watchdog(t), &spry.ListenConfig{URL: "wss://localhost:0/feed", TLS: server})
	testkit.Check(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	testkit.Check(t, err)
	serving, stop := context.WithCancel(testkit.Watchdog(t))
	served := make(chan error)
	go func() {
		served <- rep.Serve(serving, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			if string(r.Bytes()) == body {
				testkit.Check(t, r.Reply(ctx, r.Bytes()))
				return
			}
			panic("planted")
		}))
	}()
	for _, url := range []string{
		"wss://localhost:" + port + "/feed?token=" + password,  // works
		"wss://localhost:" + port + "/other?token=" + password, // is refused
		"ws://127.0.0.1:1/feed?access_token=" + password, "ws://alice:" + password + "@127.0.0.1:1/feed",
		"tcp://alice:" + password + "@127.0.0.1:1", "ipc://alice:" + password + "@/nowhere",
		"socks5+tcp://127.0.0.1:2?socks5=127.0.0.1:1&socks5-user=alice&socks5-password=" + password,
		"connect+tcp://127.0.0.1:2?connect=127.0.0.1:1&connect-user=alice&connect-password=" + password,
		"socks5+tcp://127.0.0.1:2?socks5-password=" + password, "nosuch://alice:" + password + "@host:1", "ws://127.0.0.1:1/%zz?token=" + password,
	} {
		req := spry.NewReq(&spry.ReqOptions{Options: options})
		dialed := authority.Client(t, "client")
		_, err := req.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: url, TLS: dialed})
		c.note(err)
		if works := strings.HasSuffix(url, "/feed?token="+password) && strings.HasPrefix(url, "wss:"); works {
			testkit.Check(t, err)
			got, err := req.Do(testkit.Watchdog(t), []byte(body))
			if string(got) != body {
				t.Fatalf("%q, %v", got, err)
			}
			call, err := req.Start(spry.WrapMessage([]byte("please panic "+body), nil))
			testkit.Check(t, err)
			testkit.Eventually(t, "the handler panics", func() bool { return rep.Stats().Panics > 0 })
			call.Cancel()
		} else if err == nil {
			t.Errorf("%s works", url)
		}
		background, err := req.DialWith(t.Context(), &spry.DialConfig{URL: url, TLS: dialed, Background: true})
		c.note(err, background)
		if err == nil {
			c.note(background.URL(), background.Err(), req)
		}
		for _, path := range []string{"/metrics", "/stats"} {
			w := httptest.NewRecorder()
			observe.Handler(&observe.Options{Pipes: 100}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			c.note(w.Body.String())
		}
		c.note(req.Stats(), observe.Take(), req.Close())
	}
	stop()
	c.note(<-served, rep.Stats(), rep.Close())
	for _, want := range []string{"/feed", "wss://localhost", "127.0.0.1:1", "panic", "pipe_up", "spry_pipe_sent_messages_total"} {
		testkit.Eventually(t, "something is said of "+want, func() bool { return strings.Contains(c.said(), want) })
	}
	said := c.said()
	for name, hidden := range map[string][]byte{"the password": []byte(password), "the message": []byte(body), "the private key": key[len(key)-32:]} {
		for _, form := range formsOf(hidden) {
			if i := strings.Index(said, form); i >= 0 {
				t.Errorf("%s was said, as %.20q: %.300q", name, form, said[max(i-200, 0):])
			}
		}
	}
}

// formsOf are the ways in which bytes may be printed.
func formsOf(b []byte) []string {
	numbers, source := fmt.Sprint(b), fmt.Sprintf("%#v", b)
	base64, _ := json.Marshal(b)
	forms := []string{
		string(b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), strings.Trim(fmt.Sprintf("%q", b), `"`), strings.Trim(string(base64), `"`),
		numbers[1 : len(numbers)-1], strings.ReplaceAll(numbers[1:len(numbers)-1], " ", ","), source[len("[]byte{") : len(source)-1],
	}
	if text, err := zmq.EncodeZ85(b); err == nil {
		forms = append(forms, text)
	}
	return forms
}
