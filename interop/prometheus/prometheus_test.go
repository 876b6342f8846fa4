// SPDX-License-Identifier: MIT

package prometheus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sprymq/spry/contrib/prometheus"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/observe"
)

// folder has what is tested.
const folder = "../../contrib/prometheus"

// patience is how long an answer may take. Prometheus scrapes once a second, and a rate needs several scrapes.
const patience = 90 * time.Second

// Prometheus answers every query of the dashboard with figures, evaluates every rule, and the alert for planted losses fires. It gets
// the same from the handler of package observe and from the collector.
func TestPrometheusAnswersEveryQuery(t *testing.T) {
	program := peer.Find(t, "prometheus", "prometheus")
	troubled(t)
	handler := httptest.NewServer(observe.Handler(&observe.Options{Pipes: 50}))
	t.Cleanup(handler.Close)
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.NewCollector(nil))
	collector := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	t.Cleanup(collector.Close)
	p := start(t, program, handler.Listener.Addr().String(), collector.Listener.Addr().String())

	p.wait(t, "both targets are scraped", func() error {
		if n := len(p.query(t, `up == 1`)); n != 2 {
			return fmt.Errorf("%d targets are up", n)
		}
		return nil
	})
	for _, job := range []string{"handler", "collector"} {
		t.Run(job, func(t *testing.T) {
			queries := p.dashboard(t, job)
			if len(queries) < 25 {
				t.Fatalf("the dashboard has only %d queries", len(queries))
			}
			for _, q := range queries {
				p.wait(t, q, func() error {
					if len(p.query(t, q)) == 0 {
						return fmt.Errorf("no figures")
					}
					return nil
				})
			}
		})
	}
	t.Run("variables", func(t *testing.T) {
		for _, v := range [][2]string{{"job", "spry_instance_info"}, {"instance", "spry_instance_info"}, {"name", "spry_pipes"}} {
			var values []string
			p.get(t, "/api/v1/label/"+v[0]+"/values?match[]="+v[1], &values)
			if len(values) == 0 {
				t.Errorf("the variable %s has no values", v[0])
			}
		}
	})
	t.Run("rules", func(t *testing.T) { p.checkRules(t) })
}

type prom struct{ url string }

// start runs Prometheus with the rules, of which those that fire after minutes, or many events, fire soon.
func start(t *testing.T, program, handler, collector string) *prom {
	t.Helper()
	dir := t.TempDir()
	rules := read(t, "rules.yml")
	for find, replace := range map[string]string{`(?m)^        for: .*\n`: "", `> (30|20)\n`: "> 1\n", `> 0\.5\n`: "> 0.1\n"} {
		rules = regexp.MustCompile(find).ReplaceAll(rules, []byte(replace))
	}
	write(t, filepath.Join(dir, "rules.yml"), rules)
	config := fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: handler
    static_configs: [{targets: [%q]}]
  - job_name: collector
    static_configs: [{targets: [%q]}]
`, handler, collector)
	write(t, filepath.Join(dir, "prometheus.yml"), []byte(config))
	address := peer.TCPAddress(t)
	peer.Start(t, program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	peer.WaitListening(t, "tcp://"+address)
	p := &prom{url: "http://" + address}
	p.wait(t, "Prometheus is ready", func() error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/-/ready", http.NoBody)
		if err != nil {
			return err
		}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer got.Body.Close()
		if got.StatusCode != http.StatusOK {
			return errors.New(got.Status)
		}
		return nil
	})
	return p
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wait waits until done returns nil.
func (p *prom) wait(t *testing.T, what string, done func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		err := done()
		if err == nil {
			tick.Stop()
			return
		}
		select {
		case <-ctx.Done():
			t.Errorf("%s: %v", what, err)
			return
		case <-tick.C:
		}
	}
}

// get asks the API of Prometheus. Any answer but success fails the test.
func (p *prom) get(t *testing.T, path string, data any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	answer := struct {
		Status, Error string
		Data          json.RawMessage
	}{}
	if err := json.NewDecoder(got.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s: %s %s %v", path, got.Status, answer.Error, err)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		t.Fatal(path, err)
	}
}

// query returns the series of a query's answer, as JSON.
func (p *prom) query(t *testing.T, q string) []json.RawMessage {
	t.Helper()
	var data struct{ Result []json.RawMessage }
	p.get(t, "/api/v1/query?query="+url.QueryEscape(q), &data)
	return data.Result
}

// dashboard returns the queries of the dashboard for a job, with values in the place of its variables.
func (p *prom) dashboard(t *testing.T, job string) (queries []string) {
	t.Helper()
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "dashboard.json"), &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$job", job, "$instance", ".*", "$name", ".*", "$__rate_interval", "10s", "$__range", "1m")
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			q := fill.Replace(target.Expr)
			if strings.Contains(q, "$") {
				t.Errorf("%s: a variable that this test does not know: %s", panel.Title, q)
			}
			queries = append(queries, q)
		}
	}
	return queries
}

// checkRules checks that Prometheus evaluates every rule, and that those fire whose trouble was planted.
func (p *prom) checkRules(t *testing.T) {
	t.Helper()
	p.wait(t, "alerts", func() error {
		var data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError, State string }
			}
		}
		p.get(t, "/api/v1/rules", &data)
		var silent []string
		for _, g := range data.Groups {
			for _, r := range g.Rules {
				if r.LastError != "" {
					t.Fatalf("%s: %s", r.Name, r.LastError)
				}
				if r.Health != "ok" || r.State != "firing" {
					silent = append(silent, r.Name+" is "+r.State)
				}
			}
		}
		if len(data.Groups) == 0 || len(silent) > 0 {
			return fmt.Errorf("not firing: %v", silent)
		}
		return nil
	})
}

// promtool finds nothing wrong with the metrics of either format, nor with the rules, each of which fires on its figures.
func TestPromtool(t *testing.T) {
	program := peer.Find(t, "promtool", "prometheus")
	troubled(t)
	for _, accept := range []string{"", "application/openmetrics-text"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("Accept", accept)
		observe.Handler(&observe.Options{Pipes: 50}).ServeHTTP(w, r)
		if accept != "" { // promtool reads the older format only
			if !bytes.HasSuffix(w.Body.Bytes(), []byte("# EOF\n")) {
				t.Error("no OpenMetrics")
			}
			continue
		}
		promtool(t, program, w.Body, "check", "metrics")
	}
	promtool(t, program, nil, "check", "rules", filepath.Join(folder, "rules.yml"))
	promtool(t, program, nil, "test", "rules", filepath.Join(folder, "testdata", "rules_test.yml"))
}

func promtool(t *testing.T, program string, stdin *bytes.Buffer, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("FAILED")) {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}
