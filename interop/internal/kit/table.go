// SPDX-License-Identifier: MIT

package kit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// A TableRow is one way to meet a foreign peer.
type TableRow struct {
	peer, pattern, transport string
	Direction                string
}

// Row returns a row of the table.
func Row(peer, pattern, transport, direction string) TableRow {
	return TableRow{peer, pattern, transport, direction}
}

// A Side of Spry is a column of the table.
type Side string

// The sides.
const (
	Library Side = "library"
	Command Side = "command"
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

// A Table collects the outcomes of all tests.
type Table struct {
	mu    sync.Mutex
	order []TableRow
	cells map[TableRow]map[Side]outcome
}

// Track enters the outcome of t, when it ends, into a cell.
func (tb *Table) Track(t *testing.T, r TableRow, s Side) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.cells == nil {
		tb.cells = map[TableRow]map[Side]outcome{}
	}
	if tb.cells[r] == nil {
		tb.order = append(tb.order, r)
		tb.cells[r] = map[Side]outcome{}
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
func (tb *Table) markdown() string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.order) == 0 {
		return ""
	}
	var b strings.Builder
	counts := map[outcome]int{}
	b.WriteString("| peer | pattern | transport | direction | library | command |\n|---|---|---|---|---|---|\n")
	rows := slices.Clone(tb.order)
	slices.SortStableFunc(rows, func(a, c TableRow) int { return strings.Compare(a.peer, c.peer) })
	for _, r := range rows {
		cells := tb.cells[r]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %v | %v |\n",
			r.peer, r.pattern, r.transport, r.Direction, cells[Library], cells[Command])
		counts[cells[Library]]++
		counts[cells[Command]]++
	}
	fmt.Fprintf(&b, "\n%d ok, %d failed, %d not run.\n", counts[passed], counts[failed], counts[skipped])
	return b.String()
}

// report prints the table, and writes it to a folder if one is named, to the file of this package.
func (tb *Table) report(folder string) error {
	text := tb.markdown()
	if text == "" {
		return nil
	}
	if testing.Verbose() {
		fmt.Print("\nInteroperability, as shown by this run:\n\n", text, "\n")
		fmt.Println(peer.Started(), "processes were started.")
	}
	if folder == "" {
		return nil
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	file := filepath.Join(folder, filepath.Base(here)+".md")
	return os.WriteFile(file, []byte("# Interoperability, as shown by a test run\n\n"+text), 0o644)
}
