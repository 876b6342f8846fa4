// SPDX-License-Identifier: MIT

package top

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sprymq/spry/cmd/spry/internal/figures"
)

// A column of the table.
type column struct {
	name    string // in --sort
	heading string
	left    bool // text, and not a number
	pipes   bool // of pipes only
	cell    func(r *figures.Row) string
	compare func(a, b *figures.Row) int // in the order in which it is sorted first: the largest number, or the first text
}

// most characters of a text in a cell.
const most = 24

func text(name string, pipes bool, of func(r *figures.Row) string) column {
	return column{
		name: name, heading: name, left: true, pipes: pipes,
		cell:    func(r *figures.Row) string { return figures.Text(of(r), most) },
		compare: func(a, b *figures.Row) int { return cmp.Compare(of(a), of(b)) },
	}
}

func number[N int | uint32 | uint64 | float64](name, heading string, of func(r *figures.Row) N, cell func(r *figures.Row) string) column {
	return column{
		name: name, heading: heading, cell: cell,
		compare: func(a, b *figures.Row) int { return cmp.Compare(of(b), of(a)) },
	}
}

// rate is a column of something a second.
func rate(name, heading string, of func(r *figures.Row) float64) column {
	return number(name, heading, of, func(r *figures.Row) string { return figures.Number(of(r)) })
}

// of a queue is its length, and its limit if it has one.
func ofLimit(n uint64, limit int) string {
	text := figures.Number(float64(n))
	if limit > 0 {
		text += "/" + figures.Number(float64(limit))
	}
	return text
}

// columns are all columns, in their order.
var columns = []column{
	text("process", false, func(r *figures.Row) string { return r.Process }),
	number("pid", "pid", func(r *figures.Row) int { return r.PID }, func(r *figures.Row) string { return strconv.Itoa(r.PID) }),
	text("protocol", false, func(r *figures.Row) string { return r.Protocol }),
	text("name", false, func(r *figures.Row) string { return r.Name }),
	text("peer", true, func(r *figures.Row) string { return r.Peer }),
	text("transport", true, func(r *figures.Row) string { return r.Transport }),
	number("pipes", "pipes", func(r *figures.Row) int { return r.Pipes }, func(r *figures.Row) string { return strconv.Itoa(r.Pipes) }),
	rate("out", "out/s", func(r *figures.Row) float64 { return r.SentRate }),
	rate("in", "in/s", func(r *figures.Row) float64 { return r.DeliveredRate }),
	rate("out-bytes", "out B/s", func(r *figures.Row) float64 { return r.SentBytes }),
	rate("in-bytes", "in B/s", func(r *figures.Row) float64 { return r.ReceivedBytes }),
	number("out-queue", "out queue", func(r *figures.Row) uint64 { return r.SendQueued }, func(r *figures.Row) string { return ofLimit(r.SendQueued, r.SendLimit) }),
	number("in-queue", "in queue", func(r *figures.Row) uint64 { return r.RecvQueued }, func(r *figures.Row) string { return ofLimit(r.RecvQueued, r.RecvLimit) }),
	number("oldest", "oldest", func(r *figures.Row) float64 { return float64(r.OldestAge) }, func(r *figures.Row) string { return figures.Span(r.OldestAge) }),
	number("dropped", "dropped", func(r *figures.Row) uint64 { return r.Dropped }, func(r *figures.Row) string { return figures.Number(float64(r.Dropped)) }),
	rate("drops", "drops/s", func(r *figures.Row) float64 { return r.DroppedRate }),
	number("rtt", "rtt", func(r *figures.Row) float64 { return float64(r.RTT) }, func(r *figures.Row) string { return figures.Span(r.RTT) }),
}

// Columns are the names by which rows can be sorted.
func Columns() (names []string) {
	for _, c := range columns {
		names = append(names, c.name)
	}
	return names
}

// Sort sorts rows by a column. Rows with the same value keep the order of their processes, sockets and pipes.
func Sort(rows []figures.Row, by string, reverse bool) {
	i := max(slices.IndexFunc(columns, func(c column) bool { return c.name == by }), 0)
	compare := columns[i].compare
	slices.SortFunc(rows, func(a, b figures.Row) int {
		order := compare(&a, &b)
		if reverse {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.PID, b.PID), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Socket, b.Socket), cmp.Compare(a.Pipe, b.Pipe))
	})
}

// Filtered returns the rows that have a text in them.
func Filtered(rows []figures.Row, filter string) []figures.Row {
	return slices.DeleteFunc(rows, func(r figures.Row) bool { return !matches(&r, filter) })
}

// matches reports whether a text of a row has the filter in it.
func matches(r *figures.Row, filter string) bool {
	filter = strings.ToLower(filter)
	return slices.ContainsFunc([]string{r.Process, strconv.Itoa(r.PID), r.Protocol, r.Name, r.Peer, r.Transport, r.Node}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), filter)
	})
}
