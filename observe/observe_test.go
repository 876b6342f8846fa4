// SPDX-License-Identifier: MIT

package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// flow returns a Push and a Pull, of which 3 messages have been received and 2 have not.
func flow(t *testing.T, name string) (*spry.Push, *spry.Pull) {
	t.Helper()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: name}})
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: name}})
	testkit.CloseAll(t, push, pull)
	_, err := pull.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	_, err = push.Dial(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	for range 5 {
		testkit.Check(t, push.Send(t.Context(), []byte("hello")))
	}
	testkit.Check(t, push.Flush(t.Context()))
	for range 3 {
		_, err := pull.Recv(t.Context())
		testkit.Check(t, err)
	}
	return push, pull
}

func TestMetrics(t *testing.T) {
	leak.Check(t)
	push, pull := flow(t, "a \"name\"\\\n\xff")
	labels := func(s *spry.Socket) string {
		return fmt.Sprintf(`{socket="%d",protocol="%v",name="a \"name\"\\\n`+"\uFFFD"+`"}`, s.ID(), s.Protocol())
	}
	for _, older := range []bool{false, true} {
		accept, kind := "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0; charset=utf-8"
		if older {
			accept, kind = "*/*", "text/plain; version=0.0.4; charset=utf-8"
		}
		w := get(t, observe.Handler(nil), "/metrics", "Accept", accept)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != kind {
			t.Fatal(w.Code, got)
		}
		text := w.Body.String()
		for _, want := range []string{
			"spry_sent_messages_total" + labels(&push.Socket) + " 5\n",
			"spry_arrived_messages_total" + labels(&pull.Socket) + " 5\n",
			"spry_delivered_messages_total" + labels(&pull.Socket) + " 3\n",
			"spry_recv_queue_messages" + labels(&pull.Socket) + " 2\n",
			"spry_pipes" + labels(&push.Socket) + " 1\n",
			`url="inproc://TestMetrics",listening="true"} 1`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s\nis not in\n%s", want, text)
			}
		}
		if strings.HasSuffix(text, "# EOF\n") == older || strings.Contains(text, "# UNIT") == older {
			t.Error("the ends of the formats are mixed up")
		}
		checkFormat(t, text, older)
		if strings.Contains(text, "spry_pipe_") {
			t.Error("pipes have series that were not asked for")
		}
	}
}

var (
	metaLine   = regexp.MustCompile(`^# (TYPE|UNIT|HELP) ([a-z_]+) .+$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+)(\{([a-z_]+="(?:[^"\\\n]|\\["\\n])*")(,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? ([0-9.e+-]+)$`)
)

// checkFormat checks that a text is well-formed, each family comes once, and no series twice.
func checkFormat(t *testing.T, text string, older bool) {
	t.Helper()
	seen, family, kind := make(map[string]bool), "", ""
	for line := range strings.Lines(strings.TrimSuffix(text, "# EOF\n")) {
		line = strings.TrimSuffix(line, "\n")
		if m := metaLine.FindStringSubmatch(line); m != nil {
			family = m[2]
			if m[1] == "TYPE" {
				kind = strings.Fields(line)[3]
			}
			if key := m[1] + " " + family; seen[key] {
				t.Errorf("%q comes twice", key)
			} else {
				seen[key] = true
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			t.Errorf("%q is no sample", line)
		case !strings.HasPrefix(m[1], family) || older && m[1] != family && kind != "histogram":
			t.Errorf("%q is in the family %s", line, family)
		case seen[m[1]+m[2]]:
			t.Errorf("%q comes twice", m[1]+m[2])
		default:
			seen[m[1]+m[2]] = true
		}
	}
}

func TestPipesAreLimited(t *testing.T) {
	pull := spry.NewPull(nil)
	testkit.CloseAll(t, pull)
	_, err := pull.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	for range 5 {
		push := spry.NewPush(nil)
		testkit.CloseAll(t, push)
		_, err := push.Dial(t.Context(), "inproc://"+t.Name())
		testkit.Check(t, err)
	}
	testkit.Check(t, pull.WaitPipes(t.Context(), 5))
	text := get(t, observe.Handler(&observe.Options{Pipes: 3}), "/metrics").Body.String()
	if n := strings.Count(text, "\nspry_pipe_sent_messages_total{"); n != 3 || !strings.Contains(text, "\nspry_pipes_left_out 7\n") {
		t.Errorf("%d pipes: %s", n, text)
	}
	checkFormat(t, text, true)
}

func TestEndpointsOfOneAddressAreOneSeries(t *testing.T) {
	push := spry.NewPush(nil)
	testkit.CloseAll(t, push)
	for range 2 {
		_, err := push.Connect("inproc://" + t.Name())
		testkit.Check(t, err)
	}
	text := get(t, observe.Handler(nil), "/metrics").Body.String()
	if n := strings.Count(text, `spry_endpoint_pipes{`); n != 1 {
		t.Errorf("%d series: %s", n, text)
	}
	checkFormat(t, text, true)
}

// Endpoints of another process may have equal addresses, and counts or none.
func TestEndpointsWithoutCountsAreAdded(t *testing.T) {
	counts := map[spry.Reason]uint64{spry.ReasonIO: 2}
	r := observe.Report{Sockets: []observe.SocketReport{{Stats: spry.Stats{Endpoints: []spry.EndpointStats{
		{URL: "tcp://a:1"}, {URL: "tcp://a:1", Failed: counts, Rejected: counts}, {URL: "tcp://a:1", Failed: counts},
	}}}}}
	for _, f := range r.Families(0) {
		if f.Name == "spry_endpoint_failed_attempts" && (len(f.Samples) != 1 || f.Samples[0].Value != 4) {
			t.Errorf("%+v", f)
		}
	}
}

func TestStats(t *testing.T) {
	push, _ := flow(t, "jobs")
	w := get(t, observe.Handler(nil), "/stats")
	var r observe.Report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || r.Instance != spry.Instance() || r.At.IsZero() || len(r.Sockets) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if s := r.Sockets[0]; s.ID != push.ID() || s.Protocol != "push" || s.Name != "jobs" || s.Send.Sent != 5 || len(s.Pipes) != 1 {
		t.Errorf("%+v", s)
	}
}

// Secrets of URLs are shown nowhere.
func TestSecretsAreNotShown(t *testing.T) {
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "web", Transports: []transport.Transport{ws.Transport{}}}})
	testkit.CloseAll(t, push)
	events := read(t, serve(t, nil), "")
	endpoint, err := push.Connect("ws://127.0.0.1:1/feed?token=hunter2")
	testkit.Check(t, err)
	for _, kind := range []string{"dialing", "dial_failed"} {
		if e := events.until("web", kind); e.Endpoint != endpoint.URL() || strings.Contains(fmt.Sprint(e), "hunter") {
			t.Errorf("%+v", e)
		}
	}
	for _, path := range []string{"/metrics", "/stats"} {
		if text := get(t, observe.Handler(nil), path).Body.String(); strings.Contains(text, "hunter") || !strings.Contains(text, "127.0.0.1:1/feed") {
			t.Error(path, text)
		}
	}
}

func TestHealth(t *testing.T) {
	var ready error
	h := observe.Handler(&observe.Options{Ready: func(context.Context) error { return ready }})
	if w := get(t, h, "/healthz"); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
	if w := get(t, h, "/readyz"); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
	ready = errors.New("no peer yet")
	if w := get(t, h, "/readyz"); w.Code != http.StatusServiceUnavailable || w.Body.String() != "no peer yet\n" {
		t.Error(w.Code, w.Body)
	}
	if w := get(t, h, "/other"); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/stats", http.NoBody)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Error(w.Code)
	}
}

// Sockets are listed until they are closed, unless they do not want to be.
func TestSocketsAreListed(t *testing.T) {
	names := func() (all []string) {
		for _, s := range observe.Take().Sockets {
			all = append(all, s.Name)
		}
		return all
	}
	a, b := spry.NewPair(&spry.PairOptions{Options: spry.Options{Name: "a"}}), spry.NewPair(&spry.PairOptions{Options: spry.Options{Name: "b"}})
	hidden := spry.NewPair(&spry.PairOptions{Options: spry.Options{Name: "hidden", Unlisted: true}})
	testkit.CloseAll(t, a, b, hidden)
	if got := fmt.Sprint(names()); got != "[a b]" {
		t.Error(got)
	}
	testkit.Check(t, a.Close())
	if got := fmt.Sprint(names()); got != "[b]" {
		t.Error(got)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	leak.Check(t)
	flow(t, "jobs")
	h := observe.Handler(nil)
	s := httptest.NewServer(h)
	defer s.Close()
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			for range 20 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/stats", nil)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := s.Client().Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, got.Body)
				if got.Body.Close(); err != nil || got.StatusCode != http.StatusOK {
					t.Error(got.Status, err)
				}
			}
		})
	}
	asking.Wait()
}
