// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
)

func TestClientAsks(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		var seen http.Header
		h := gateway.Ask(asks(func(ctx context.Context, body []byte) ([]byte, error) {
			if string(body) == "fail" {
				return nil, errors.New("secret")
			}
			return echo(ctx, body)
		}), &gateway.Options{Authorize: func(r *http.Request) error { seen = r.Header; return nil }})
		p := open(t, version, h)
		client := gateway.Client{HTTP: p.client, Header: http.Header{"Authorization": {"Bearer x"}}}
		if reply, err := client.Ask(t.Context(), p.url, []byte("hi")); string(reply) != "echo hi" || err != nil {
			t.Errorf("%q, %v", reply, err)
		}
		if seen.Get("Authorization") != "Bearer x" || seen.Get("Spry-Timeout") != "" {
			t.Error(seen)
		}
		for _, d := range []time.Duration{time.Hour, 100 * 24 * time.Hour, 290 * 365 * 24 * time.Hour} {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			if _, err := client.Ask(ctx, p.url, []byte("hi")); err != nil || seen.Get("Spry-Timeout") == "" {
				t.Error(d, err)
			}
			cancel()
		}
		var status *gateway.StatusError
		if _, err := client.Ask(t.Context(), p.url, []byte("fail")); !errors.As(err, &status) || *status != (gateway.StatusError{Status: 502, Text: "the request failed"}) ||
			err.Error() != "502 Bad Gateway: the request failed" {
			t.Error(err)
		}
		for limit, good := range map[int64]bool{6: false, 7: true, math.MaxInt64: true} {
			client.MaxBody = limit
			if reply, err := client.Ask(t.Context(), p.url, []byte("hi")); (err == nil) != good || good != (string(reply) == "echo hi") {
				t.Errorf("at most %d: %q, %v", limit, reply, err)
			}
		}
		if _, err := client.Ask(t.Context(), "http://[", nil); err == nil {
			t.Error("a malformed URL")
		}
	})
}

// What is no answer of a gateway is an error, whatever it is.
func TestClientOfSomethingElse(t *testing.T) {
	leak.Check(t)
	answers := ""
	p := open(t, "HTTP/1.1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if kind, text, ok := strings.Cut(answers, "|"); ok {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, text)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>")
	}))
	client := gateway.Client{HTTP: p.client, MaxBody: 10}
	var status *gateway.StatusError
	if err := client.Send(t.Context(), p.url, nil); !errors.As(err, &status) || status.Status != 502 || !strings.Contains(status.Text, "something else") {
		t.Error(err)
	}
	for _, c := range []struct{ answer, want string }{
		{"", "something else"},
		{"application/x-ndjson|{}\n", "exactly one"},
		{"application/x-ndjson|{\"body\":\"a\"}\n<html>", "JSON"},
		{"application/x-ndjson|" + strings.Repeat("x", 125), "raise MaxBody"},
	} {
		answers = c.answer
		var last error
		for _, err := range client.Survey(t.Context(), p.url, nil) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("survey of %q: %v, want %s", c.answer, last, c.want)
		}
	}
	long := "id: e-1\ndata: {\"body\":\"" + strings.Repeat("x", 200)
	for _, c := range []struct{ answer, want string }{
		{"text/html|<html>", "no stream of events"},
		{"text/event-stream|" + long + "\"}\n\n", "raise MaxBody"},
		{"text/event-stream|" + strings.Repeat("data: x\n", 100), "raise MaxBody"},
		{"text/event-stream; charset=utf-8|data: <html>\n\n", "JSON"},
		{"text/event-stream|event: gap\ndata: <html>\n\n", "JSON"},
		{"text/event-stream|event: gap\ndata: {\"missed\":-1}\n\n", "JSON"},
	} {
		answers = c.answer
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var last error
		for _, err := range client.Events(ctx, p.url, nil) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("events of %.40q: %v, want %s", c.answer, last, c.want)
		}
	}
}

// A malformed address does not get better.
func TestClientEventsOfMalformedAddress(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	n := 0
	for _, err := range new(gateway.Client).Events(ctx, "http://[", nil) {
		if n++; err == nil || ctx.Err() != nil {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

// The wait after a connection that lasted is short again, though it had no events.
func TestClientReturnsSoonToQuietStreams(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		const lasts, connections = time.Hour, 100
		began, n := time.Now(), 0
		quiet := func(w http.ResponseWriter, r *http.Request) {
			lines("id: e-1\n\n")(w, r)
			time.Sleep(lasts)
		}
		p := open(t, "HTTP/1.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n > connections {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			quiet(w, r)
		}))
		client := gateway.Client{HTTP: p.client}
		for _, err := range client.Events(t.Context(), p.url, &gateway.EventConfig{Silence: 2 * lasts, MinBackoff: time.Second, MaxBackoff: time.Minute}) {
			if status := new(gateway.StatusError); !errors.As(err, &status) || status.Status != http.StatusNotFound {
				t.Error(err)
			}
		}
		if waited := time.Since(began) - connections*lasts; waited > connections*time.Second {
			t.Errorf("the client waited %v", waited)
		}
	})
}

// A script is a server that gives each request for events the next answer.
type script struct {
	mu      sync.Mutex
	answers []func(w http.ResponseWriter, r *http.Request)
	last    []string // of each request, what it knows
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.last = append(s.last, r.Header.Get("Last-Event-ID")+r.URL.RawQuery)
	answer := s.answers[0]
	s.answers = s.answers[1:]
	s.mu.Unlock()
	answer(w, r)
}

// lines answers with lines of events, and then ends.
func lines(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
	}
}

// silence answers with lines and does not end.
func silence(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		lines(text)(w, r)
		<-r.Context().Done()
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// aborts cuts the connection.
func aborts(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// The loop over events goes on after everything but what comes again, and each connection says what is known.
func TestClientFollowsEvents(t *testing.T) {
	leak.Check(t)
	one := "id: e-1\ndata: {\"body\":\"1\"}\n\n"
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []func(http.ResponseWriter, *http.Request){
					status(503), status(429), status(408), status(500), aborts,
					lines("retry: 1000\nid: e-0\n\n: a comment\n\n" + one + "id: e-2\ndata: {\"body\":\"cut"),
					lines("id: e-4\r\nevent: gap\r\ndata: {\"epoch\":\"e\",\r\ndata: \"missed\":2}\r\n\r\n"),
					lines("id: e-5\n\n"), // a position
					silence("id: f-7\nevent: gap\ndata: {\"epoch\":\"f\"}\n\ndata: {\"frames\":[\"a\",\"b\"]}\n\n"),
					status(404),
				}}
				p := open(t, version, s)
				client := gateway.Client{HTTP: p.client}
				var got []string
				var last error
				for e, err := range client.Events(t.Context(), p.url+"/?a=b", &gateway.EventConfig{Topics: []string{"t", "\xff"}, Oldest: true, After: "d-9", Silence: 10 * time.Second}) {
					if last = err; err == nil {
						got = append(got, fmt.Sprintf("%s %q %v %d", e.ID, e.Frames, e.Gap, e.Missed))
						time.Sleep(time.Minute) // the loop's own work is no silence
					}
				}
				if want := `[e-1 ["1"] false 0 e-4 [] true 2 f-7 [] true -1  ["a" "b"] false 0]`; fmt.Sprint(got) != want {
					t.Errorf("%s, want %s", got, want)
				}
				var status *gateway.StatusError
				if !errors.As(last, &status) || status.Status != 404 {
					t.Error(last)
				}
				query := "a=b&from=oldest&topic=t&topic=%FF"
				want := strings.ReplaceAll("d-9Q d-9Q d-9Q d-9Q d-9Q d-9Q e-1Q e-4Q e-5Q f-7Q", "Q", query)
				if strings.Join(s.last, " ") != want {
					t.Errorf("asked after %s, want %s", s.last, want)
				}
			})
		})
	}
}

// GiveUp decides about each error, and the time between attempts grows.
func TestClientGivesUp(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		for range 8 {
			s.answers = append(s.answers, status(503))
		}
		s.answers = append(s.answers, status(404), silence(""), lines(""), status(404))
		p := open(t, "HTTP/1.1", s)
		client := gateway.Client{HTTP: p.client}
		var errs []string
		began := time.Now()
		var last error
		for _, err := range client.Events(t.Context(), p.url, &gateway.EventConfig{
			MinBackoff: time.Second, MaxBackoff: 4 * time.Second, Silence: time.Hour,
			GiveUp: func(err error) bool {
				errs = append(errs, err.Error())
				return len(errs) == 12
			},
		}) {
			last = err
		}
		if len(errs) != 12 || last == nil || last.Error() != errs[11] || !strings.Contains(errs[9], "sign of life") || !strings.Contains(errs[10], "ended the stream") {
			t.Errorf("%q, %v", errs, last)
		}
		if took := time.Since(began); took < time.Hour || took > time.Hour+(1+2+9*4)*time.Second {
			t.Errorf("all took %v", took)
		}
	})
}

// The end of the context ends the loop, in whatever it is.
func TestClientEventsEndWithTheirContext(t *testing.T) {
	leak.Check(t)
	for name, answers := range map[string][]func(http.ResponseWriter, *http.Request){
		"waiting for an answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		"reading":               {silence("id: e-1\n\n")},
		"waiting to connect":    {status(503), status(503), status(503)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := open(t, "HTTP/1.1", &script{answers: answers})
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				n := 0
				client := gateway.Client{HTTP: p.client}
				for e, err := range client.Events(ctx, p.url, &gateway.EventConfig{MinBackoff: 100 * time.Hour, MaxBackoff: 100 * time.Hour}) {
					n++
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(e, err)
					}
				}
				if n != 1 {
					t.Errorf("%d times", n)
				}
			})
		})
	}
}

// Over the end of a gateway and its next life, each event comes once, and exactly one gap says what nobody knows.
func TestClientOverRestarts(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		from := make(source)
		var mu sync.Mutex
		var events *gateway.Events
		begin := func() {
			mu.Lock()
			defer mu.Unlock()
			if events != nil {
				_ = events.Close()
			}
			events = gateway.NewEvents(from, nil)
		}
		begin()
		defer func() { _ = events.Close() }()
		p := open(t, version, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			h := events
			mu.Unlock()
			h.ServeHTTP(w, r)
		}))
		client := gateway.Client{HTTP: p.client}
		from <- messageOf("0")
		gaps, next := 0, 0
		for e, err := range client.Events(t.Context(), p.url, &gateway.EventConfig{Oldest: true, MinBackoff: time.Millisecond}) {
			switch {
			case err != nil:
				t.Fatal(err)
			case e.Gap:
				if gaps++; e.Missed != -1 {
					t.Errorf("%+v", e)
				}
				continue
			case string(e.Body()) != fmt.Sprint(next):
				t.Fatalf("%q, want %d", e.Body(), next)
			}
			if next++; next == 9 {
				break
			}
			if next%3 == 0 {
				begin()
			}
			from <- messageOf(fmt.Sprint(next))
		}
		if gaps != 2 {
			t.Errorf("%d gaps", gaps)
		}
	})
}
