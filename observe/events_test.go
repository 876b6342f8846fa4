// SPDX-License-Identifier: MIT

package observe_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/sse"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
)

// A reading is a client of /events.
type reading struct {
	t      *testing.T
	answer *http.Response
	parser sse.Parser
	begun  string // where the stream began
}

// read begins a stream. What happens from now on is in it.
func read(t *testing.T, s *httptest.Server, last string) *reading {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/events", nil)
	testkit.Check(t, err)
	r.Header.Set("Last-Event-ID", last)
	answer, err := s.Client().Do(r)
	testkit.Check(t, err)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(answer.Status, answer.Header)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return &reading{t: t, answer: answer, parser: sse.Parser{Lines: bufio.NewReader(answer.Body), Limit: 1 << 20}}
}

// next is the next event.
func (r *reading) next() observe.Event {
	r.t.Helper()
	for {
		raw, err := r.parser.Next()
		testkit.Check(r.t, err)
		if raw.Data == nil {
			if r.begun == "" {
				r.begun = raw.ID
			}
			continue
		}
		e := observe.Event{ID: raw.ID}
		if err := json.Unmarshal(raw.Data, &e); err != nil || e.Kind != raw.Kind {
			r.t.Fatalf("%s %s: %v", raw.Kind, raw.Data, err)
		}
		return e
	}
}

// until skips events until one of a kind of a socket.
func (r *reading) until(name, kind string) observe.Event {
	r.t.Helper()
	for {
		if e := r.next(); e.Name == name && e.Kind == kind {
			return e
		}
	}
}

func serve(t *testing.T, o *observe.Options) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(observe.Handler(o))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func pullNamed(t *testing.T, name string) *spry.Pull {
	t.Helper()
	s := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: name}})
	testkit.CloseAll(t, s)
	return s
}

// A stream has the events of sockets that were made before and after it began.
func TestEvents(t *testing.T) {
	leak.Check(t)
	early := pullNamed(t, "early")
	s := serve(t, nil)
	r := read(t, s, "")
	late := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "late"}})
	testkit.CloseAll(t, late)
	endpoint, err := early.Listen(t.Context(), "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	_, err = late.Dial(t.Context(), endpoint.URL())
	testkit.Check(t, err)
	if e := r.until("early", "listening"); e.Socket != early.ID() || e.Protocol != "pull" || e.Endpoint != endpoint.URL() || e.Time.IsZero() || e.Pipe != 0 || e.Remote != "" {
		t.Errorf("%+v", e)
	}
	up := r.until("early", "pipe_up")
	if up.Pipe != early.Stats().Pipes[0].ID || !strings.HasPrefix(up.Remote, "127.0.0.1:") {
		t.Errorf("%+v", up)
	}
	testkit.Check(t, late.Close())
	down := r.until("early", "pipe_down")
	if down.Pipe != up.Pipe || down.Reason == "" || down.Error == "" {
		t.Errorf("%+v", down)
	}
	// A client that comes back goes on.
	again := read(t, s, up.ID)
	if e := again.until("early", "pipe_down"); e != down {
		t.Errorf("%+v, want %+v", e, down)
	}
	n := &observe.Node{URL: s.URL, Client: s.Client(), After: up.ID}
	for e, err := range n.Events(t.Context()) {
		testkit.Check(t, err)
		if e == down {
			break
		}
		if e.Time.After(down.Time) {
			t.Fatalf("%+v, want %+v", e, down)
		}
	}
	for _, unknown := range []string{"x", "e-1", strings.Repeat("9", 5000), up.ID + "0000"} {
		if e := read(t, s, unknown).next(); e.Kind != observe.KindMissed || e.Missed != 0 || e.ID == "" {
			t.Errorf("%q: %+v", unknown, e)
		}
	}
}

// A process reads its own events in the same form.
func TestOwnEvents(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := observe.Events(ctx)
	pull := pullNamed(t, "own")
	endpoint, err := pull.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	for e := range events {
		if e.Socket != pull.ID() || e.Name != "own" || e.Kind != "listening" || e.Endpoint != endpoint.URL() {
			t.Errorf("%+v", e)
		}
		cancel()
	}
}

// Who is behind what is kept is told how much is missing.
func TestMissedEvents(t *testing.T) {
	pull := pullNamed(t, "busy")
	s := serve(t, nil)
	r := read(t, s, "")
	ring := func(n int) {
		for i := range n {
			e, err := pull.Listen(t.Context(), fmt.Sprint("inproc://", t.Name(), i))
			testkit.Check(t, err)
			r.until("busy", "listening")
			testkit.Check(t, e.Close())
		}
	}
	e, err := pull.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	first := r.until("busy", "listening")
	testkit.Check(t, e.Close())
	ring(1100)
	gap := read(t, s, first.ID).next()
	at, err := sse.ParsePosition(gap.ID)
	testkit.Check(t, err)
	was, err := sse.ParsePosition(first.ID)
	testkit.Check(t, err)
	if gap.Kind != observe.KindMissed || gap.Missed < 76 || at.Offset != was.Offset+gap.Missed {
		t.Errorf("%+v after %s", gap, first.ID)
	}
}

// A flood of streams is refused, and streams end with their server.
func TestStreamsAreLimited(t *testing.T) {
	leak.Check(t)
	s := serve(t, &observe.Options{MaxStreams: 2})
	a, b := read(t, s, ""), read(t, s, "")
	if w := get(t, s.Config.Handler, "/events"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Error(w.Code, w.Body)
	}
	_ = a.answer.Body.Close()
	testkit.Eventually(t, "there is room again", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/events", nil)
		testkit.Check(t, err)
		answer, err := s.Client().Do(r)
		testkit.Check(t, err)
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	testkit.Check(t, s.Config.Shutdown(t.Context())) // which waits for streams
	if _, err := io.Copy(io.Discard, b.answer.Body); err != nil {
		t.Error(err)
	}
}

// Pages of other origins, and of names that were made to lead to this machine, are refused, whatever they ask for.
func TestPagesOfOthersAreRefused(t *testing.T) {
	s := serve(t, &observe.Options{Hosts: []string{"proxy.example"}})
	for _, path := range []string{"/stats", "/metrics", "/events", "/healthz", "/readyz", "/other"} {
		for _, c := range []struct {
			host, origin string
			refused      bool
		}{
			{"", "", false},
			{"proxy.example", "", false},
			{"proxy.example:8080", "http://proxy.example:8080", false},
			{"evil.example", "", true},
			{"", "http://evil.example", true},
			{"evil.example", "http://evil.example", true},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
			testkit.Check(t, err)
			if c.host != "" {
				r.Host = c.host
			}
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			answer, err := s.Client().Do(r)
			testkit.Check(t, err)
			if (answer.StatusCode == http.StatusForbidden) != c.refused {
				t.Errorf("%s for %q from %q: %s", path, c.host, c.origin, answer.Status)
			}
			if path != "/events" || c.refused {
				if text, _ := io.ReadAll(answer.Body); c.refused && strings.Contains(string(text), "sockets") {
					t.Error("it tells something")
				}
			}
			cancel()
			answer.Body.Close()
		}
	}
}

// Streams that take nothing are bounded, cost a socket no more than one that does, and are cut off.
func TestStreamsThatDoNotRead(t *testing.T) {
	leak.Check(t)
	const streams, most = 1000, 64 << 20
	pull := pullNamed(t, "busy")
	s := httptest.NewUnstartedServer(observe.Handler(nil))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			_ = c.(*net.TCPConn).SetWriteBuffer(4 << 10) // the system would take what the client does not
		}
	}
	s.Start()
	defer s.Close()
	defer s.CloseClientConnections()
	before := testkit.Heap()
	for range streams {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		testkit.Check(t, err)
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, err = io.WriteString(c, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		testkit.Check(t, err)
		_, err = io.ReadFull(c, make([]byte, 15)) // the answer has begun
		testkit.Check(t, err)
	}
	r := read(t, s, "")
	for i := range 200 {
		e, err := pull.Listen(t.Context(), fmt.Sprint("inproc://", t.Name(), i))
		testkit.Check(t, err)
		testkit.Check(t, e.Close())
		if e := r.until("busy", "listening"); e.Missed > 0 {
			t.Errorf("one that reads missed %d events", e.Missed)
		}
	}
	if got := int64(testkit.Heap()) - int64(before); got > most {
		t.Errorf("%d streams take %d bytes each", streams, got/streams)
	} else {
		t.Logf("%d streams take %d bytes each", streams, got/streams)
	}
}

// A client's end of a stream, under a clock of the test's.
type piped struct {
	header http.Header
	text   chan string
}

func (p *piped) Header() http.Header { return p.header }
func (*piped) WriteHeader(int)       {}
func (*piped) FlushError() error     { return nil }
func (p *piped) Write(b []byte) (int, error) {
	if p.text == nil {
		return 0, errors.New("the client takes nothing")
	}
	p.text <- string(b)
	return len(b), nil
}

// A quiet stream has signs of life, and its ids hold for a while after it.
func TestQuietStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := observe.Handler(nil)
		begin := func(last string) (p *piped, end func()) {
			ctx, cancel := context.WithCancel(t.Context())
			p = &piped{make(http.Header), make(chan string, 100)}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", nil)
			r.Header.Set("Last-Event-ID", last)
			done := make(chan struct{})
			go func() { defer close(done); h.ServeHTTP(p, r) }()
			synctest.Wait()
			return p, func() { cancel(); <-done }
		}
		p, end := begin("")
		first := <-p.text
		_, rest, _ := strings.Cut(first, "id: ")
		id := strings.TrimSpace(rest)
		began := time.Now()
		if text := <-p.text; text != ":\n\n" || time.Since(began) != 15*time.Second {
			t.Errorf("%q after %v", text, time.Since(began))
		}
		end()
		time.Sleep(59 * time.Second)
		p, end = begin(id)
		if text := <-p.text; strings.Contains(text, "missed") {
			t.Errorf("after %s: %q", id, text)
		}
		end()
		time.Sleep(61 * time.Second)
		p, end = begin(id)
		if text := <-p.text; !strings.Contains(text, "event: missed") {
			t.Errorf("after %s: %q", id, text)
		}
		end()
		time.Sleep(2 * time.Minute)
	})
}
