// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/bench/internal/report"
	"github.com/sprymq/spry/bench/internal/run"
)

// The workers that the runner starts are this program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main()
		return
	}
	os.Exit(m.Run())
}

// lacks are the works that a peer has nothing for, by their beginnings: "inproc" is all within a process.
var lacks = map[string][]string{
	"goraw":   {"down", "subs", "scale-topics", "scale-lengths", "scale-nested", "scale-pipes"},
	"goraw1":  {"subs", "scale", "inproc"}, // as goraw's
	"mangos":  {"subs", "scale"},
	"gozmq":   {"subs", "scale", "callers-mux"},
	"pebbe":   {"subs", "scale", "callers-mux"},
	"nats":    {"subs", "scale", "callers-mux", "inproc"},
	"grpc":    {"thr", "curve", "fan", "idle", "flood", "pipes", "inproc", "subs", "scale"},
	"drpc":    {"callers-mux", "thr", "curve", "fan", "idle", "flood", "pipes", "inproc", "subs", "scale"},
	"libzmq":  {"down", "subs"},
	"libnng":  {"down", "subs", "scale"},
	"nanomsg": {"subs", "scale", "callers-mux"},
	"craw":    {"subs", "scale", "inproc"},
	"craw1":   {"subs", "scale", "inproc"},
	"ddsperf": nil, // it has rows of lat only
}

func TestGoWorkersDoAllWorks(t *testing.T) {
	for peers, transports := range map[string]string{
		"spry,goraw,goraw1,mangos,gozmq,nats,grpc,drpc": "tcp,inproc",
		"spry,goraw,mangos":                             "ws,wss,tls+tcp",
	} {
		if r := measureTiny(t, peers, transports); len(r.Missing) > 0 {
			t.Errorf("missing: %v", r.Missing)
		}
	}
}

// With SPRY_INTEROP=require, as on the build machine, the libraries in C and their headers must be there.
func TestWorkersOfLibrariesInCDoAllWorks(t *testing.T) {
	for peer, packages := range map[string]string{
		"craw": "libc6-dev", "craw1": "libc6-dev", "libzmq": "libzmq3-dev", "libnng": "libnng-dev", "nanomsg": "libnanomsg-dev",
		"pebbe": "libzmq3-dev and pkg-config", "ddsperf": "cyclonedds-tools",
	} {
		t.Run(peer, func(t *testing.T) {
			why, missing := measureTiny(t, peer, transportsInC(peer)).Missing[peer]
			switch {
			case missing && os.Getenv("SPRY_INTEROP") == "require":
				t.Errorf("cannot be built: %s", why)
			case missing:
				t.Logf("cannot be built: %s", why)
				t.Skipf("NOT TESTED: the bench worker %s cannot be built; install Debian's gcc and %s", peer, packages)
			}
		})
	}
}

// transportsInC are those of a peer in C.
func transportsInC(peer string) string {
	if peer == "libzmq" || peer == "libnng" {
		return "tcp,inproc,ws"
	}
	return "tcp,inproc"
}

// A run that its limit has stopped goes on where it was, and its figures are written from the folder.
func TestARunGoesOn(t *testing.T) {
	t.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	dir := t.TempDir()
	args := func(more ...string) []string {
		return append(more, "-peers", "goraw", "-work", "lat", "-transports", "tcp", "-sizes", "64", "-place", "free", "-warm", "0", "-secs", "0.01", "-out", dir)
	}
	rounds := func() int {
		t.Helper()
		r, err := report.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		return report.Rounds(r.Rows)
	}
	for _, step := range []struct {
		args []string
		left bool
		want int
	}{
		{args("-rounds", "2"), false, 2},
		{args("-rounds", "4", "-resume", "-limit", "1ns"), true, 2},
		{args("-rounds", "4", "-resume", "-limit", "1h"), false, 4},
		{args("-rounds", "3", "-resume"), false, 4},
		{args("-rounds", "1"), false, 1},
		{[]string{"-report", dir}, false, 1},
	} {
		var text bytes.Buffer
		err := run.Main(t.Context(), step.args, cSources, &text)
		if errors.Is(err, run.ErrUnfinished) != step.left || (err != nil && !step.left) {
			t.Fatalf("%q: %v", step.args, err)
		}
		if got := rounds(); got != step.want {
			t.Errorf("%q: %d rounds, want %d", step.args, got, step.want)
		}
		if !strings.Contains(text.String(), "Round trip, tcp, 64 B, free") {
			t.Errorf("%q printed:\n%s", step.args, &text)
		}
	}
}

// measureTiny runs all works once, tiny: nothing is timed here. Whoever can be had must have figures of every work
// that it does not lack.
func measureTiny(t *testing.T, peers, transports string) *report.Report {
	t.Helper()
	// With the race detector every worker would wait a second at its end.
	t.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "text"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	args := []string{
		"-peers", peers, "-transports", transports, "-sizes", "64", "-params", "3", "-rounds", "1", "-warm", "0", "-secs", "0.01",
		"-place", "free", "-out", dir,
	}
	if err := run.Main(t.Context(), args, cSources, out); err != nil {
		t.Fatal(err)
	}
	r, err := report.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) == 0 && len(r.Missing) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range r.Rows {
		peer, _, _ := strings.Cut(row.Contender, "/")
		lacking := slices.ContainsFunc(lacks[peer], func(work string) bool { return strings.HasPrefix(row.Work, work) })
		switch {
		case lacking && row.Reason != "-":
			t.Errorf("%s, %s: %q, but it lacks this work", row.Contender, row.Title(), row.Reason)
		case !lacking && (row.Reason != "" || len(row.Metrics) == 0):
			t.Errorf("%s, %s: %q", row.Contender, row.Title(), row.Reason)
		}
	}
	return r
}
