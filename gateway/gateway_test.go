// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/transport"
)

// A site is a server with handlers.
type site struct {
	*httptest.Server
}

// serve serves a handler with and without TLS, by every version of HTTP.
func serve(t *testing.T, h http.Handler) *site {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = gateway.NewServer(h)
	s.Start()
	t.Cleanup(s.Close)
	return &site{s}
}

// closes closes a socket when the test ends.
func closes[S io.Closer](t *testing.T, s S) S {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// name is an address within the process.
func name(t *testing.T) string { return "inproc://" + strings.ReplaceAll(t.Name(), "/", "-") }

// pair joins a socket that listens to one that dials.
func pair(t *testing.T, listening, dialing interface {
	Listen(ctx context.Context, url string) (*spry.Endpoint, error)
	Dial(ctx context.Context, url string) (*spry.Endpoint, error)
},
) {
	t.Helper()
	if _, err := listening.Listen(t.Context(), name(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := dialing.Dial(t.Context(), name(t)); err != nil {
		t.Fatal(err)
	}
}

// echoes answers the requests of a Rep with their bodies, except those that begin with "drop".
func echoes(t *testing.T, rep *spry.Rep) {
	t.Helper()
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		for r, err := range rep.Requests(ctx) {
			switch {
			case err != nil:
				return
			case strings.HasPrefix(string(r.Bytes()), "drop"):
				r.Discard()
			default:
				_ = r.Reply(ctx, append([]byte("echo "), r.Bytes()...))
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// An answer is one that has been read.
type answer struct {
	status int
	header http.Header
	text   string
}

func (a answer) String() string { return fmt.Sprint(a.status, " ", a.text) }

func post(t *testing.T, url, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return send(t, r, header...)
}

func send(t *testing.T, r *http.Request, header ...string) answer {
	t.Helper()
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

func TestAsk(t *testing.T) {
	leak.Check(t)
	req, rep := closes(t, spry.NewReq(nil)), closes(t, spry.NewRep(nil))
	pair(t, rep, req)
	echoes(t, rep)
	h := gateway.Ask(req, &gateway.Options{MaxBody: 1000})
	s := serve(t, h)
	for _, c := range []struct {
		name, body string
		header     []string
		status     int
		want       string
	}{
		{"reply", "hello", nil, http.StatusOK, "echo hello"},
		{"empty", "", nil, http.StatusOK, "echo "},
		{"no reply in time", "drop", []string{"Spry-Timeout", "50ms"}, http.StatusGatewayTimeout, "no reply in time"},
		{"time in milliseconds", "drop", []string{"Spry-Timeout", "50"}, http.StatusGatewayTimeout, "no reply in time"},
		{"malformed time", "hello", []string{"Spry-Timeout", "soon"}, http.StatusBadRequest, "Spry-Timeout"},
		{"time of nothing", "hello", []string{"Spry-Timeout", "0s"}, http.StatusBadRequest, "Spry-Timeout"},
		{"the largest", strings.Repeat("x", 1000), nil, http.StatusOK, "echo xxx"},
		{"too large", strings.Repeat("x", 1001), nil, http.StatusRequestEntityTooLarge, "at most 1000 bytes"},
		{"page of another origin", "hello", []string{"Origin", "https://evil.example"}, http.StatusForbidden, "list it in Origins"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := post(t, s.URL, c.body, c.header...)
			if a.status != c.status || !strings.Contains(a.text, c.want) {
				t.Fatalf("%v, want %d with %q", a, c.status, c.want)
			}
			if a.header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
			if c.status >= 400 {
				var p struct {
					Status    int    `json:"status"`
					RequestID string `json:"request_id"`
				}
				if err := json.Unmarshal([]byte(a.text), &p); err != nil || p.Status != c.status || p.RequestID != a.header.Get("X-Request-Id") {
					t.Errorf("%v: %v", a, err)
				}
			}
		})
	}
	s.Close()
	st := h.Stats()
	if st.Requests != 9 || st.Open != 0 || st.Answers[200] != 3 || st.Answers[504] != 2 || st.Answers[400] != 2 || st.Answers[413] != 1 || st.Answers[403] != 1 {
		t.Errorf("%+v", st)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAskWithoutPeer(t *testing.T) {
	req := closes(t, spry.NewReq(nil))
	s := serve(t, gateway.Ask(req, nil))
	if a := post(t, s.URL, "hello", "Spry-Timeout", "20ms"); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Error(a)
	}
	_ = req.Close()
	if a := post(t, s.URL, "hello"); a.status != http.StatusServiceUnavailable || !strings.Contains(a.text, "closed") {
		t.Error(a)
	}
}

func TestSend(t *testing.T) {
	push, pull := closes(t, spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 1}})), closes(t, spry.NewPull(nil))
	s := serve(t, gateway.Send(push, nil))
	// Without a peer, the message has no queue.
	if a := post(t, s.URL, "early", "Spry-Timeout", "20ms"); a.status != http.StatusServiceUnavailable {
		t.Error(a)
	}
	pair(t, pull, push)
	for i := range 10 {
		if a := post(t, s.URL, fmt.Sprint("job ", i)); a.status != http.StatusAccepted || a.text != "" {
			t.Fatal(a)
		}
	}
	for i := range 10 {
		if job, err := pull.Recv(t.Context()); err != nil || string(job) != fmt.Sprint("job ", i) {
			t.Fatalf("%q, %v", job, err)
		}
	}
}

func TestClientOfAll(t *testing.T) {
	leak.Check(t)
	req, rep := closes(t, spry.NewReq(nil)), closes(t, spry.NewRep(nil))
	pair(t, rep, req)
	echoes(t, rep)
	pub, sub := closes(t, spry.NewPub(nil)), closes(t, spry.NewSub(nil))
	if err := sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Listen(t.Context(), name(t)+"-pub"); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Dial(t.Context(), name(t)+"-pub"); err != nil {
		t.Fatal(err)
	}
	if err := pub.WaitSubscribers(t.Context(), "", 1); err != nil {
		t.Fatal(err)
	}
	events := gateway.NewEvents(sub, nil)
	mux := http.NewServeMux()
	mux.Handle("/ask", gateway.Ask(req, nil))
	mux.Handle("/send", gateway.Send(pub, nil))
	mux.Handle("/events", events)
	s := serve(t, mux)
	defer http.DefaultClient.CloseIdleConnections()
	defer events.Close()
	var client gateway.Client
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if reply, err := client.Ask(ctx, s.URL+"/ask", []byte("hi")); string(reply) != "echo hi" || err != nil {
		t.Errorf("%q, %v", reply, err)
	}
	short, done := context.WithTimeout(ctx, 50*time.Millisecond)
	_, err := client.Ask(short, s.URL+"/ask", []byte("drop"))
	done()
	if status := new(gateway.StatusError); !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &status) && status.Status == 504) {
		t.Error(err)
	}
	for i, body := range []string{"a1", "b2", "\xff\x00", "a3"} {
		if err := client.Send(ctx, s.URL+"/send", []byte(body)); err != nil {
			t.Fatal(i, err)
		}
	}
	var got []string
	for e, err := range client.Events(ctx, s.URL+"/events", &gateway.EventConfig{Oldest: true, Topics: []string{"a", "\xff"}}) {
		if err != nil || e.Gap {
			t.Fatal(e, err)
		}
		if got = append(got, string(e.Body())); len(got) == 3 {
			break
		}
	}
	if strings.Join(got, " ") != "a1 \xff\x00 a3" {
		t.Errorf("%q", got)
	}
}

func TestStream(t *testing.T) {
	leak.Check(t)
	pull := closes(t, spry.NewPull(nil))
	s := serve(t, gateway.Stream(pull, nil))
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{gateway.Transport{}}}})
	defer push.Close()
	if _, err := push.Dial(t.Context(), s.URL+"/stream"); err != nil {
		t.Fatal(err)
	}
	const count = 5000
	sent := make(chan error, 1)
	go func() {
		for i := range count {
			if err := push.Send(t.Context(), fmt.Append(nil, i)); err != nil {
				sent <- err
				return
			}
		}
		sent <- push.Close()
	}()
	for i := range count {
		if m, err := pull.Recv(t.Context()); err != nil || string(m) != fmt.Sprint(i) {
			t.Fatalf("%q, %v", m, err)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	_ = pull.Close()
}
