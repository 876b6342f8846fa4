// SPDX-License-Identifier: MIT

package guide_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFigures compares what the guide says of speed and memory in words with the tables of docs/performance.
func TestFigures(t *testing.T) {
	report := read(t, "../performance/tables.md")
	for _, test := range []struct {
		file, words, table, peer, other string // the first figures of both rows; without another, that of one
		least, most                     float64
	}{
		{"choosing.md", "about twice as many as libzmq", "One way, tcp, 64 B, 1cpu", "spry", "libzmq", 1.7, math.Inf(1)},
		{"choosing.md", "more than fifteen times as many as mangos", "One way, tcp, 64 B, 1cpu", "spry", "mangos", 15, math.Inf(1)},
		{"choosing.md", "less time than libzmq's", "Round trip, tcp, 64 B, 1cpu", "spry", "libzmq", 0, 0.95},
		{"choosing.md", "or mangos'", "Round trip, tcp, 64 B, 1cpu", "spry", "mangos", 0, 0.95},
		{"choosing.md", "batches are faster than any library", "One way, tcp, 64 B, 1cpu", "goraw", "spry", 1.5, math.Inf(1)},
		{"choosing.md", "libzmq keeps up, or is ahead, for many callers", "Callers on one connection, tcp, 64 B, 64 callers, 1cpu", "libzmq", "spry", 0.8, 3},
		{"choosing.md", "NNG and nanomsg need less memory", "Idle connections, tcp, 5000 connections, 1cpu", "libnng", "spry", 0, 0.9},
		{"choosing.md", "NNG and nanomsg need less memory", "Idle connections, tcp, 5000 connections, 1cpu", "nanomsg", "spry", 0, 0.9},
		{"deployment.md", "about 6 KiB", "Idle connections, tcp, 5000 connections, 1cpu", "spry", "", 5, 6.5},
	} {
		if text := strings.Join(strings.Fields(read(t, test.file)), " "); !strings.Contains(text, test.words) {
			t.Errorf("%s does not say %q", test.file, test.words)
		}
		got := measured(t, report, test.table, test.peer)
		if test.other != "" {
			got /= measured(t, report, test.table, test.other)
		}
		if got < test.least || got > test.most {
			t.Errorf("%s says %q, and tables.md has %.3g for %s", test.file, test.words, got, test.table)
		}
	}
}

// measured is the first figure in a row of a table.
func measured(t *testing.T, report, table, peer string) float64 {
	t.Helper()
	_, rows, ok := strings.Cut(report, "\n### "+table+"\n")
	rows, _, _ = strings.Cut(rows, "\n### ")
	found := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(peer) + ` \| ([0-9.]+(?:e\+[0-9]+)?)([kM]?) \|`).FindStringSubmatch(rows)
	if !ok || found == nil {
		t.Fatalf("tables.md has no %s of %s", table, peer)
	}
	figure, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return figure * map[string]float64{"": 1, "k": 1e3, "M": 1e6}[found[2]]
}
