// SPDX-License-Identifier: MIT

package interop_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A row of the table is one way to meet a foreign peer.
type row struct {
	peer, pattern, transport, direction string
}

// A side of Spry: a column of the table.
type side string

const (
	library side = "library"
	command side = "command"
)

// outcome of one cell. The worst of several counts.
type outcome int

const (
	untested outcome = iota
	passed
	skipped
	failed
)

func (o outcome) String() string {
	return [...]string{"–", "ok", "not run", "FAILED"}[o]
}

// table collects the outcomes of all tests.
type table struct {
	mu    sync.Mutex
	order []row
	cells map[row]map[side]outcome
}

// track enters the outcome of t, when it ends, into a cell.
func (tb *table) track(t *testing.T, r row, s side) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.cells == nil {
		tb.cells = map[row]map[side]outcome{}
	}
	if tb.cells[r] == nil {
		tb.order = append(tb.order, r)
		tb.cells[r] = map[side]outcome{}
	}
	t.Cleanup(func() {
		result := passed
		switch {
		case t.Failed():
			result = failed
		case t.Skipped():
			result = skipped
		}
		tb.mu.Lock()
		defer tb.mu.Unlock()
		tb.cells[r][s] = max(tb.cells[r][s], result)
	})
}

// markdown is the table, and a line that sums it up. Empty if no test took part.
func (tb *table) markdown() string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.order) == 0 {
		return ""
	}
	var b strings.Builder
	counts := map[outcome]int{}
	b.WriteString("| peer | pattern | transport | direction | library | command |\n|---|---|---|---|---|---|\n")
	rows := slices.Clone(tb.order)
	slices.SortStableFunc(rows, func(a, c row) int { return strings.Compare(a.peer, c.peer) })
	for _, r := range rows {
		cells := tb.cells[r]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %v | %v |\n",
			r.peer, r.pattern, r.transport, r.direction, cells[library], cells[command])
		counts[cells[library]]++
		counts[cells[command]]++
	}
	fmt.Fprintf(&b, "\n%d ok, %d failed, %d not run.\n", counts[passed], counts[failed], counts[skipped])
	return b.String()
}

// report prints the table, and writes it to a file if one is named.
func (tb *table) report(file string) error {
	text := tb.markdown()
	if text == "" {
		return nil
	}
	if testing.Verbose() {
		fmt.Print("\nInteroperability, as shown by this run:\n\n", text, "\n")
	}
	if file == "" {
		return nil
	}
	return os.WriteFile(file, []byte("# Interoperability, as shown by a test run\n\n"+text), 0o644)
}
