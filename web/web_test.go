// SPDX-License-Identifier: MIT

package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/zmq"
)

func options() spry.Options {
	return spry.Options{Transports: []transport.Transport{ws.Transport{}}}
}

// serve serves a handler until the test ends, and returns its WebSocket URL.
func serve(t *testing.T, h http.Handler) (*httptest.Server, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, "ws" + strings.TrimPrefix(s.URL, "http")
}

func pushTo(t *testing.T, url string) *spry.Push {
	t.Helper()
	push := spry.NewPush(&spry.PushOptions{Options: options()})
	testkit.CloseAll(t, push)
	_, err := push.Dial(testkit.Watchdog(t), url)
	testkit.Check(t, err)
	return push
}

func exchange(t *testing.T, push *spry.Push, pull *spry.Pull, body string) {
	t.Helper()
	testkit.Check(t, push.Send(testkit.Watchdog(t), []byte(body)))
	if got, err := pull.Recv(testkit.Watchdog(t)); err != nil || string(got) != body {
		t.Fatalf("%q, %v; %q was sent", got, err, body)
	}
}

type userKey struct{}

// Sockets of both families share a server by path, behind the application's own authentication, which Authorize sees.
func TestSocketsShareAServer(t *testing.T) {
	leak.Check(t)
	o := options()
	o.Authorize = func(_ context.Context, p *spry.Pipe) error {
		if r := web.Request(p); r.Context().Value(userKey{}) != "ann" || r.URL.Path != "/jobs" {
			return errors.New("not Ann")
		}
		return nil
	}
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	rep := zmq.NewRep(nil)
	testkit.CloseAll(t, pull, rep)
	mux := http.NewServeMux()
	jobs := web.Handler(pull, nil)
	mux.HandleFunc("/jobs", func(w http.ResponseWriter, r *http.Request) {
		jobs.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, r.URL.Query().Get("user"))))
	})
	mux.Handle("/ask", web.Handler(rep, nil))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	s, url := serve(t, mux)
	exchange(t, pushTo(t, url+"/jobs?user=ann"), pull, "job")

	bob := spry.NewPush(&spry.PushOptions{Options: options()})
	testkit.CloseAll(t, bob)
	_, err := bob.Connect(url + "/jobs?user=bob")
	testkit.Check(t, err)
	testkit.Eventually(t, "Bob is refused", func() bool { return pull.Stats().Rejected[spry.ReasonRefused] > 0 })

	req := zmq.NewReq(&zmq.ReqOptions{Options: options()})
	testkit.CloseAll(t, req)
	_, err = req.Dial(testkit.Watchdog(t), url+"/ask")
	testkit.Check(t, err)

	for path, status := range map[string]int{"/": http.StatusOK, "/jobs": http.StatusUpgradeRequired} {
		r, err := s.Client().Get(s.URL + path)
		testkit.Check(t, err)
		_ = r.Body.Close()
		if r.StatusCode != status {
			t.Errorf("GET %s: %s", path, r.Status)
		}
	}
}

// A socket that has ended leaves its server running.
func TestCloseOfASocketLeavesTheServer(t *testing.T) {
	leak.Check(t)
	pull := spry.NewPull(nil)
	s, url := serve(t, web.Handler(pull, nil))
	push := pushTo(t, url)
	exchange(t, push, pull, "x")
	testkit.Check(t, push.Send(testkit.Watchdog(t), []byte("the last")))
	testkit.Eventually(t, "the message has come", func() bool { return pull.Stats().Recv.Queued == 1 })
	drained := make(chan error, 1)
	go func() {
		_, err := pull.Drain(testkit.Watchdog(t))
		drained <- err
	}()
	if got, err := pull.Recv(testkit.Watchdog(t)); err != nil || string(got) != "the last" {
		t.Errorf("during a drain: %q, %v", got, err)
	}
	testkit.Check(t, <-drained)
	r, err := s.Client().Get(s.URL)
	testkit.Check(t, err)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("after the drain: %s, %v", r.Status, r.Header)
	}
	r, err = s.Client().Get(s.URL)
	testkit.Check(t, err)
	_ = r.Body.Close()
}

// A handler that can have no endpoint says why, and one of a socket that was closed before says that.
func TestHandlersWithoutAnEndpoint(t *testing.T) {
	leak.Check(t)
	wrong := spry.NewPull(&spry.PullOptions{Options: spry.Options{TTL: 1000}})
	pull, closed := spry.NewPull(nil), spry.NewPull(nil)
	testkit.CloseAll(t, wrong, pull)
	testkit.Check(t, closed.Close())
	for _, tc := range []struct {
		handler http.Handler
		status  int
		says    string
	}{
		{web.Handler(wrong, nil), http.StatusInternalServerError, "TTL"},
		{web.Handler(pull, &web.Options{Dialects: []string{"amqp"}}), http.StatusInternalServerError, "amqp"},
		{web.Handler(closed, nil), http.StatusServiceUnavailable, "has ended"},
	} {
		w := httptest.NewRecorder()
		tc.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/jobs", nil))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%d %s; want %d and %q", w.Code, w.Body, tc.status, tc.says)
		}
	}
}

// Shutdown of a server sends its peers away, and leaves the socket.
func TestShutdownOfAServerLeavesTheSocket(t *testing.T) {
	leak.Check(t)
	pull := spry.NewPull(nil)
	testkit.CloseAll(t, pull)
	h := web.Handler(pull, nil)
	first, url1 := serve(t, h)
	_, url2 := serve(t, h)
	gone, stays := pushTo(t, url1), pushTo(t, url2)
	exchange(t, gone, pull, "x")
	exchange(t, stays, pull, "y")
	testkit.Check(t, first.Config.Shutdown(testkit.Watchdog(t)))
	testkit.Eventually(t, "the peers of the server are gone", func() bool { return len(pull.Stats().Endpoints[0].URL) > 0 && pull.Stats().Endpoints[0].Pipes == 1 })
	exchange(t, stays, pull, "z")
}

// Accept makes a pipe of a request.
func TestAccept(t *testing.T) {
	leak.Check(t)
	pull := spry.NewPull(nil)
	testkit.CloseAll(t, pull)
	pipes := make(chan *spry.Pipe, 1)
	_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, err := web.Accept(pull, w, r, nil); err == nil {
			pipes <- p
		}
	}))
	exchange(t, pushTo(t, url+"/x"), pull, "x")
	if p := <-pipes; web.Request(p).URL.Path != "/x" {
		t.Errorf("the pipe began with %v", web.Request(p).URL)
	}
}
