// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/bench/internal/report"
)

const perfText = "# started on Mon Nov 30 17:14:21 2026\n\n%s,,raw_syscalls:sys_enter,1206431,100.00,,\n"

func TestTheCountOfPerfIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls")
	for text, want := range map[string]int64{
		strings.Replace(perfText, "%s", "1234", 1):          1234,
		strings.Replace(perfText, "%s", "<not counted>", 1): -1,
		"": -1,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := readCalls(file)
		if failed := err != nil; failed != (want < 0) || !failed && n != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

// fakePerf puts a perf in front of all programs: it writes a count, and runs what it is to count.
func fakePerf(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	// perf stat -x , -o FILE -e EVENT -- COMMAND
	script := "#!/bin/sh\nprintf '" + text + "' > \"$5\"\nshift 8\nexec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "perf"), []byte(script), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestSystemCallsAreCountedInARunOfTheirOwn(t *testing.T) {
	fakePerf(t, strings.Replace(perfText, "%s", "400", 1))
	if err := canCount(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	worker := filepath.Join(dir, "worker")
	// A server is ready and receives 200 messages; its client has nothing else to say.
	script := "#!/bin/sh\necho \"$@\" >> " + dir + "/args\necho ready\necho '{\"messages\":200,\"seconds\":1,\"cpu\":0.5}'\n"
	if err := os.WriteFile(worker, []byte(script), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	b := &bench{config: config{secs: 1, warm: 0.25}, dir: dir, workers: &workers{commands: map[string][]string{"goraw": {worker}}}}
	p := planned{
		Case:       report.Case{Work: "thr", Transport: "tcp", Size: 64, Place: placeOne},
		contenders: []contender{{"goraw", "plain"}}, rounds: 2,
	}
	rows := b.begun(p, &report.Report{})
	if !b.rounds(t.Context(), p, rows) || rows[0].Reason != "" {
		t.Fatalf("rows %+v", rows)
	}
	m := rows[0].Metrics
	if calls := m[callsKey]; len(calls) != 1 || calls[0] != 4 {
		t.Errorf("%v system calls a message, want 4 of one run: 400 of each side", calls)
	}
	if len(m["rate"]) != 2 || m["caller"].Median() != 2500 || m["cpu"].Median() != 5000 {
		t.Errorf("measured %v: want two rounds, and half of the CPU time of the caller", m)
	}
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	if without, with := strings.Count(string(args), "warm=0 "), strings.Count(string(args), "warm=0.25 "); without != 2 || with != 4 {
		t.Errorf("%d runs without a warm-up and %d with one, want 2 and 4:\n%s", without, with, args)
	}
	b.workers.missing = map[string]string{callsMissing: "no perf"}
	if rows := b.begun(p, &report.Report{}); !b.rounds(t.Context(), p, rows) || len(rows[0].Metrics[callsKey]) != 0 {
		t.Errorf("counted without perf: %+v", rows)
	}
}

func TestWithoutPerfNothingIsCounted(t *testing.T) {
	fakePerf(t, "# nothing\n")
	if err := canCount(t.Context(), t.TempDir()); err == nil {
		t.Error("an empty count is none")
	}
	if isCounted(report.Case{Work: "thr", Place: placeFree}) || isCounted(report.Case{Work: "flood", Place: placeOne}) {
		t.Error("calls are counted at 1cpu, of works that end by themselves")
	}
}

// What is killed while it is counted ends: perf is asked to end it.
func TestAWorkerThatIsCountedEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	fakePerf(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(dir, "calls")
	p, err := start(ctx, command{line: append(perf(file), "sh", "-c", "trap 'touch "+dir+"/ended; exit 1' INT; echo ready; while :; do sleep 0.01; done"), calls: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ready(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := p.finish(); err == nil {
		t.Error("it has not ended by a signal")
	}
	if _, err := os.Stat(filepath.Join(dir, "ended")); err != nil {
		t.Errorf("it was killed, and what it counts lives on: %v", err)
	}
}
