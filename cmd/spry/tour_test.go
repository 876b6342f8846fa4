// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTourJSON(t *testing.T) {
	tour := start(t, nil, "tour", "--json", "--for", "2s")
	if code := tour.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, tour.stderr())
	}
	fields := []string{"drops", "messages", "p50_us", "p99_us", "pattern", "rate", "transport"}
	seen := map[string]bool{}
	for line := range strings.Lines(tour.stdout()) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got := slices.Sorted(maps.Keys(row)); !slices.Equal(got, fields) {
			t.Errorf("%q has the fields %q, want %q", line, got, fields)
		}
		if row["messages"].(float64) <= 0 || row["rate"].(float64) <= 0 || row["p50_us"].(float64) <= 0 || row["p99_us"].(float64) < row["p50_us"].(float64) {
			t.Errorf("%q makes no sense", line)
		}
		seen[row["pattern"].(string)+" "+row["transport"].(string)] = true
	}
	if len(seen) != 30 {
		t.Errorf("%d rows, want 6 patterns over 5 transports: %v", len(seen), seen)
	}
}

func TestTourTable(t *testing.T) {
	tour := start(t, nil, "tour", "--for", "1s")
	if code := tour.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, tour.stderr())
	}
	if rows := strings.Split(strings.TrimSpace(tour.stdout()), "\n"); len(rows) != 31 || !strings.HasPrefix(rows[0], "pattern ") {
		t.Errorf("got\n%s", tour.stdout())
	}
	if strings.Contains(tour.stdout()+tour.stderr(), "\x1b") {
		t.Error("escape sequences in output that is no terminal")
	}
}

// On a terminal, the tour says what it does while it works, and leaves only the table.
func TestTourOnATerminal(t *testing.T) {
	t.Parallel()
	term := startOnTerminal(t, 100, 45, nil, binary, "tour", "--for", "1s")
	term.exit(0)
	screen := term.screen(false)
	if rows := len(regexp.MustCompile(`(?m)^\S.* +[0-9,]+/s +`).FindAllString(screen, -1)); rows != 30 || !strings.Contains(screen, "pattern ") {
		t.Errorf("%d rows, want a heading and 30:\n%s", rows, screen)
	}
}
