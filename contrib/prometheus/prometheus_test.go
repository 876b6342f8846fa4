// SPDX-License-Identifier: MIT

package prometheus_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/contrib/prometheus"
	"github.com/sprymq/spry/observe"
)

// flow makes a Pull and a Push, whose messages are half received.
func flow(t *testing.T) {
	t.Helper()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: "jobs \xff"}})
	push := spry.NewPush(nil)
	t.Cleanup(func() { _, _ = pull.Close(), push.Close() })
	if _, err := pull.Listen(t.Context(), "inproc://"+t.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := push.Dial(t.Context(), "inproc://"+t.Name()); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if err := push.Send(t.Context(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := pull.Recv(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The collector and the handler of package observe show the same.
func TestCollectorAndHandlerAgree(t *testing.T) {
	flow(t)
	registry := client.NewPedanticRegistry()
	registry.MustRegister(prometheus.NewCollector(&prometheus.Options{Pipes: 10}))
	get := func(h http.Handler) []string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		if w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		return samples(w.Body.String())
	}
	got := get(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	want := get(observe.Handler(&observe.Options{Pipes: 10}))
	if len(want) < 50 || !slices.Equal(got, want) {
		t.Errorf("collected\n%s\nbut the handler has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// samples are the samples of a text, in an order of their own, with their labels in one.
func samples(text string) []string {
	all := make(map[string]bool)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, ok := strings.Cut(line, "{")
		if ok {
			labels, value, _ := strings.Cut(rest, "} ")
			parts := strings.Split(labels, `",`)
			slices.Sort(parts)
			parts[len(parts)-1] = strings.TrimSuffix(parts[len(parts)-1], `"`)
			for i, p := range parts {
				parts[i] = strings.TrimSuffix(p, `"`)
			}
			slices.Sort(parts)
			line = name + "{" + strings.Join(parts, ",") + "} " + value
		}
		all[line] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Names, units and help are as Prometheus' own linter wants them.
func TestMetricsAreWellNamed(t *testing.T) {
	flow(t)
	problems, err := testutil.CollectAndLint(prometheus.NewCollector(&prometheus.Options{Pipes: 10}))
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// A registry refuses a second collector instead of counting everything twice.
func TestOneCollectorForARegistry(t *testing.T) {
	registry := client.NewRegistry()
	if err := registry.Register(prometheus.NewCollector(nil)); err != nil {
		t.Fatal(err)
	}
	if err := registry.Register(prometheus.NewCollector(nil)); err == nil {
		t.Error("a second collector is accepted")
	}
}
