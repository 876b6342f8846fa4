// SPDX-License-Identifier: MIT

package report

import (
	"slices"
	"strings"
)

// IsGate says whether a target needs a contender's figures in a case: it is about them, or compares others with them.
func IsGate(c Case, contender string) bool {
	return slices.ContainsFunc(targets, func(t target) bool { return t.needs(c, contender) })
}

func (t target) needs(c Case, contender string) bool {
	if c.Work != t.work || c.Place != t.place || !slices.Contains(t.transports, c.Transport) || !slices.Contains(t.sizes, c.Size) {
		return false
	}
	isOf := slices.Contains(t.params, c.Param)
	if contender == t.who && isOf {
		return true
	}
	if t.thanParam > 0 {
		isOf = c.Param == t.thanParam
	}
	return isOf && slices.Contains(t.than, contender)
}

// InOverview says whether the overview has a figure of a peer in a case, in the first of its modes.
func InOverview(c Case, peer string) bool {
	return slices.ContainsFunc(overviewColumns, func(column overviewColumn) bool { return column.at(c.Place) == c }) &&
		slices.ContainsFunc(overviewPeers, func(names [2]string) bool { return names[0] == peer })
}

// hasGates says whether all targets are judged in all of their cases that can be measured. Peers that are missing, or fail, have
// rows without figures, or none.
func (r *Report) hasGates() bool {
	cases := map[Case]bool{}
	for _, row := range r.Rows {
		cases[row.Case] = true
	}
	for _, t := range targets {
		for _, transport := range t.transports {
			for _, size := range t.sizes {
				for _, param := range t.params {
					if !cases[Case{t.work, transport, size, param, t.place}] {
						return false
					}
				}
			}
		}
	}
	return true
}

// Rounds is how many rounds the rows of a case have.
func Rounds(rows []Row) (n int) {
	for _, row := range rows {
		for _, s := range row.Metrics {
			n = max(n, len(s))
		}
	}
	return n
}

// Merge adds the rows of an older report to those of this one. A case that both have is this one's: ratios are of peers that
// took turns.
func (r *Report) Merge(older *Report) {
	own := r.cases()
	rows := slices.DeleteFunc(slices.Clone(older.Rows), func(row Row) bool { return slices.Contains(own, row.Case) })
	r.Rows = append(rows, r.Rows...)
	for name, why := range older.Missing {
		_, missing := r.Missing[name]
		measured := slices.ContainsFunc(r.Rows, func(row Row) bool {
			peer, _, _ := strings.Cut(row.Contender, "/")
			return peer == name
		})
		if !missing && !measured {
			r.Missing[name] = why
		}
	}
}
