// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
)

// quick keeps a run short: its figures are not looked at.
var quick = []string{"--count", "500", "--warmup", "10ms"}

// benchRow is a line of spry bench --json.
type benchRow struct {
	Work, Transport, Mode string
	Size, Callers, Subs   int
	Round                 int
	Messages, Lost        int64
	Seconds, Rate         float64
	MBps                  float64 `json:"mb_per_s"`
	P50                   float64 `json:"p50_us"`
	P90                   float64 `json:"p90_us"`
	P99                   float64 `json:"p99_us"`
	P999                  float64 `json:"p999_us"`
	Max                   float64 `json:"max_us"`
}

// benchRows runs a verb of spry bench and reads what it prints.
func benchRows(t *testing.T, args ...string) []benchRow {
	t.Helper()
	run := start(t, nil, append(append([]string{"bench"}, args...), "--json")...)
	if code := run.wait(); code != 0 || run.stderr() != "" {
		t.Fatalf("%q: exit %d: %s", args, code, run.stderr())
	}
	var rows []benchRow
	for line := range strings.Lines(run.stdout()) {
		var row benchRow
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		rows = append(rows, row)
	}
	return rows
}

// check reports whether a row makes sense, of a run with so many messages or, with 0, any number.
func (r *benchRow) check(t *testing.T, messages int64) {
	t.Helper()
	asks := r.Work == "lat" || r.Work == "callers"
	ordered := slices.IsSorted([]float64{0, r.P50, r.P90, r.P99, r.P999, r.Max}) && (r.P50 > 0) == asks && (r.Max > 0) == asks
	if r.Lost != 0 || r.Seconds <= 0 || r.Rate <= 0 || r.MBps <= 0 || !ordered || r.Messages < max(messages, 1) || messages > 0 && r.Messages != messages {
		t.Errorf("%+v makes no sense, or is not of %d messages", *r, messages)
	}
}

// Every work over every transport between processes, run after run of one server.
func TestBench(t *testing.T) {
	t.Parallel()
	for transport, listen := range addresses(t) {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			server := start(t, nil, "bench", "serve", "--listen", listen)
			url := server.url()
			for _, test := range []struct {
				args     []string
				work     string
				mode     string
				messages int64
			}{
				{[]string{"thr"}, "thr", "plain", 500},
				{[]string{"thr", "--batch"}, "thr", "batch", 500},
				{[]string{"thr", "--own"}, "thr", "own", 500},
				{[]string{"lat"}, "lat", "plain", 500},
				{[]string{"callers", "--callers", "7"}, "callers", "plain", 500},
				{[]string{"fan", "--subs", "3"}, "fan", "plain", 3 * 500},
				{[]string{"fan", "--subs", "2", "--batch"}, "fan", "batch", 2 * 500},
			} {
				args := slices.Concat(test.args, []string{"--dial", url, "--size", "1,1KiB,40KiB", "--rounds", "2"}, quick)
				rows := benchRows(t, args...)
				if len(rows) != 6 {
					t.Fatalf("%q: %d rows, want 3 sizes in 2 rounds", args, len(rows))
				}
				for i, row := range rows {
					row.check(t, test.messages)
					size := []int{1, 1 << 10, 40 << 10}[i%3]
					if row.Work != test.work || row.Mode != test.mode || row.Transport != transport || row.Size != size || row.Round != 1+i/3 {
						t.Errorf("%q: row %d is %+v", args, i, row)
					}
				}
			}
			server.interrupt()
			server.expect(0, "")
		})
	}
}

func TestBenchForATime(t *testing.T) {
	t.Parallel()
	server := start(t, nil, "bench", "serve", "--listen", "tcp://127.0.0.1:0", "--data", "tcp://127.0.0.1:0")
	url := server.url()
	for _, work := range []string{"thr", "lat", "fan", "callers"} {
		for _, row := range benchRows(t, work, "--dial", url, "--for", "20ms", "--warmup", "0") {
			row.check(t, 0)
		}
	}
}

func TestBenchWithinTheProcess(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"inproc-thr"}, {"inproc-thr", "--batch"}, {"inproc-thr", "--own"}, {"inproc-lat"}} {
		rows := benchRows(t, append(args, quick...)...)
		if len(rows) != 1 || rows[0].Transport != "inproc" || rows[0].Size != 64 {
			t.Fatalf("%q: %+v", args, rows)
		}
		rows[0].check(t, 500)
	}
}

func TestBenchForms(t *testing.T) {
	t.Parallel()
	table := start(t, nil, append([]string{"bench", "inproc-lat", "--size", "16,64", "--rounds", "3", "--hist"}, quick...)...)
	if code := table.wait(); code != 0 || table.stderr() != "" {
		t.Fatalf("exit %d: %s", code, table.stderr())
	}
	parts := strings.Split(table.stdout(), "\n\n")
	if rows := strings.Split(parts[0], "\n"); len(rows) != 3 || len(parts) != 3 ||
		strings.Join(strings.Fields(rows[0]), " ") != "size messages rate MB/s slowest fastest p50 p90 p99 p99.9 max" ||
		!strings.HasPrefix(rows[1], "16 B     1,500  ") || !strings.HasPrefix(rows[2], "64 B     1,500  ") {
		t.Errorf("got\n%s", table.stdout())
	}
	for _, text := range parts[1:] {
		if !strings.Contains(text, " B, 1,500 round trips\n<= ") || !strings.Contains(text, strings.Repeat("#", 50)) {
			t.Errorf("a histogram is\n%s", text)
		}
	}
	flow := start(t, nil, append([]string{"bench", "inproc-thr"}, quick...)...)
	if code := flow.wait(); code != 0 || strings.Join(strings.Fields(strings.SplitN(flow.stdout(), "\n", 2)[0]), " ") != "size messages rate MB/s lost" {
		t.Errorf("exit %d\n%s", code, flow.stdout())
	}

	for verb, asks := range map[string]bool{"inproc-lat": true, "inproc-thr": false} {
		lines := start(t, nil, append([]string{"bench", verb, "--size", "16,64", "--csv"}, quick...)...)
		if code := lines.wait(); code != 0 {
			t.Fatalf("exit %d: %s", code, lines.stderr())
		}
		records, err := csv.NewReader(strings.NewReader(lines.stdout())).ReadAll()
		if err != nil || len(records) != 3 {
			t.Fatalf("%v\n%s", err, lines.stdout())
		}
		at := func(row int, column string) string { return records[row][slices.Index(records[0], column)] }
		if at(1, "size") != "16" || at(2, "size") != "64" || at(2, "messages") != "500" || (at(1, "p99_us") != "") != asks {
			t.Errorf("got\n%s", lines.stdout())
		}
		if rate, err := strconv.ParseFloat(at(1, "rate"), 64); err != nil || rate <= 0 {
			t.Errorf("rate %q", at(1, "rate"))
		}
	}
}

func TestBenchTLS(t *testing.T) {
	t.Parallel()
	cert, _, both := testcert.Files(t)
	for _, listen := range []string{"tls+tcp://127.0.0.1:0", "wss://127.0.0.1:0/bench"} {
		server := start(t, nil, "bench", "serve", "--listen", listen, "--cert", both)
		for _, verb := range []string{"thr", "lat"} {
			for _, row := range benchRows(t, append([]string{verb, "--dial", server.url(), "--cacert", cert}, quick...)...) {
				row.check(t, 500)
			}
		}
	}
}

func TestBenchWebSocket(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"ws://127.0.0.1:0/bench", "zmtp+ws://127.0.0.1:0", "ws+ipc://" + shortPath(t) + ":/bench"} {
		server := start(t, nil, "bench", "serve", "--listen", listen)
		for _, verb := range []string{"thr", "lat", "fan", "callers"} {
			for _, row := range benchRows(t, append([]string{verb, "--dial", server.url()}, quick...)...) {
				row.check(t, 0)
			}
		}
	}
}

// Ctrl-C ends a run early, and what was measured is printed; the server is ready for the next.
func TestBenchInterrupted(t *testing.T) {
	t.Parallel()
	server := start(t, nil, "bench", "serve", "--listen", "ipc://"+shortPath(t))
	url := server.url()
	for _, work := range []string{"thr", "lat", "fan", "callers"} {
		long := start(t, nil, "bench", work, "--dial", url, "--count", "5k", "--rounds", "1000", "--json") // minutes
		long.await(long.stdout, `"round":1,.*\n()`)
		long.interrupt()
		if code := long.wait(); code != 4 || !strings.Contains(long.stderr(), "interrupted") {
			t.Errorf("%s: exit %d: %s", work, code, long.stderr())
		}
		endless := start(t, nil, "bench", work, "--dial", url, "--for", "1h", "--warmup", "0", "--size", "99")
		server.await(server.stderr, work+` 99 B for .*: begun()`)
		endless.interrupt()
		if code := endless.wait(); code != 0 {
			t.Errorf("%s: exit %d: %s", work, code, endless.stderr())
		}
		for _, row := range benchRows(t, append([]string{work, "--dial", url}, quick...)...) {
			row.check(t, 0)
		}
	}
}

// While a run is under way there is no other. When its client is killed, it is over.
func TestBenchOneRunAtATime(t *testing.T) {
	t.Parallel()
	server := start(t, nil, "bench", "serve", "--listen", "tcp://127.0.0.1:0")
	url := server.url()
	for _, work := range []string{"thr", "lat", "fan"} {
		endless := start(t, nil, "bench", work, "--dial", url, "--for", "1h", "--size", "99")
		server.await(server.stderr, work+` 99 B for .*: begun()`)
		second := start(t, nil, "bench", "lat", "--dial", url)
		second.expect(1, "")
		if !strings.Contains(second.stderr(), "busy with a run of 127.0.0.1:") {
			t.Errorf("a second client is told %q", second.stderr())
		}
		endless.cmd.Process.Kill()
		server.await(server.stderr, work+` 99 B for .*: the client is gone()`)
		for _, row := range benchRows(t, append([]string{work, "--dial", url}, quick...)...) {
			row.check(t, 0)
		}
	}
	endless := start(t, nil, "bench", "thr", "--dial", url, "--for", "1h", "--size", "77")
	server.await(server.stderr, `thr 77 B for .*: begun()`)
	server.interrupt()
	server.expect(0, "")
	endless.expect(1, "")
	// Which of the two connections is found lost first is chance, and so are the words.
	if !strings.Contains(endless.stderr(), "tcp://127.0.0.1:") {
		t.Errorf("a client without a server is told %q", endless.stderr())
	}
}

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	rep := start(t, nil, "rep", "--listen", "tcp://127.0.0.1:0", "--data", "not a bench", "--format", "none")
	silent := start(t, nil, "rep", "--listen", "tcp://127.0.0.1:0", "--exec", "exit 1", "--format", "none")
	pull := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0")
	for _, test := range []struct {
		code int
		args string
		says string
	}{
		{2, "", "no work given"},
		{2, "nonsense", "nonsense"},
		{2, "thr", "--dial URL"},
		{2, "serve", "--listen URL"},
		{2, "thr tcp://127.0.0.1:1", "stands alone"},
		{2, "serve --listen nonsense", "nonsense"},
		{2, "serve --listen tcp://127.0.0.1:0 --data bogus://x", "bogus"},
		{2, "thr --dial nonsense", "nonsense"},
		{2, "thr --dial tcp://127.0.0.1:1 --size 0", "0 bytes"},
		{2, "thr --dial tcp://127.0.0.1:1 --size 64,1GiB", "1073741824 bytes"},
		{2, "thr --dial tcp://127.0.0.1:1 --size 64,x", "size"},
		{2, "thr --dial tcp://127.0.0.1:1 --count 0", "nothing to do"},
		{2, "thr --dial tcp://127.0.0.1:1 --for 0", "nothing to do"},
		{2, "thr --dial tcp://127.0.0.1:1 --for 25h", "24h"},
		{2, "thr --dial tcp://127.0.0.1:1 --rounds 0", "--rounds 0"},
		{2, "thr --dial tcp://127.0.0.1:1 --batch --own", "batch"},
		{2, "thr --dial tcp://127.0.0.1:1 --hist", "--hist"},
		{2, "lat --dial tcp://127.0.0.1:1 --hist --csv", "--hist"},
		{2, "lat --dial tcp://127.0.0.1:1 --csv --json", "csv"},
		{2, "fan --dial tcp://127.0.0.1:1 --subs 0", "0 subscribers"},
		{2, "callers --dial tcp://127.0.0.1:1 --callers 1M", "1000000 callers"},
		{3, "thr --dial tcp://127.0.0.1:1", "refused"},
		{3, "lat --dial " + pull.url(), "rep"},
		{1, "lat --dial " + rep.url(), "no spry bench"},
		{3, "lat --connect-timeout 300ms --dial " + silent.url(), "no spry bench serve"},
		{1, "serve --listen " + pull.url(), "in use"},
	} {
		run := start(t, nil, append([]string{"bench"}, strings.Fields(test.args)...)...)
		if code := run.wait(); code != test.code || !strings.Contains(run.stderr(), test.says) || run.stdout() != "" {
			t.Errorf("bench %s: exit %d, want %d and %q: %s%s", test.args, code, test.code, test.says, run.stderr(), run.stdout())
		}
	}
	server := start(t, nil, "bench", "serve", "--listen", "tcp://127.0.0.1:0", "--data", "ipc://"+filepath.Join(t.TempDir(), "no", "such", "directory"))
	nowhere := start(t, nil, "bench", "lat", "--dial", server.url())
	if code := nowhere.wait(); code != 1 || !strings.Contains(nowhere.stderr(), "for data") {
		t.Errorf("exit %d: %s", code, nowhere.stderr())
	}
}
