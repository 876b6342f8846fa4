// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"math"
	"slices"
)

// exponent returns e of the power y = c·x^e that fits the points best, by least squares of their logarithms: 0 if y does not
// depend on x, 1 if it grows as x does, 2 with its square. All numbers are positive, and of x there are two different ones.
func exponent(x, y []float64) float64 {
	n := float64(len(x))
	var meanX, meanY float64
	for i := range x {
		meanX += math.Log(x[i]) / n
		meanY += math.Log(y[i]) / n
	}
	var together, alone float64
	for i := range x {
		d := math.Log(x[i]) - meanX
		together += d * (math.Log(y[i]) - meanY)
		alone += d * d
	}
	return together / alone
}

// leastSizes is how many sizes a fit needs.
const leastSizes = 3

// A growth is how the cost of a work grows with its parameter, for one contender.
type growth struct {
	of        Case // without a parameter
	contender string
	params    []int
	exponents Samples // of each round
}

// growths fits all works that were measured at enough sizes, by the first metric of their tables.
func (r *Report) growths() (all []growth) {
	for _, c := range r.cases() {
		first := c
		first.Param = 0
		if c.Param == 0 || slices.ContainsFunc(all, func(g growth) bool { return g.of == first }) {
			continue
		}
		found := columns(r.RowsOf(c))
		if len(found) == 0 {
			continue
		}
		for _, row := range r.RowsOf(c) {
			if g, fits := r.growthOf(first, row.Contender, found[0], r.paramsOf(first)); fits {
				all = append(all, g)
			}
		}
	}
	return all
}

// paramsOf are those that a work was measured with.
func (r *Report) paramsOf(of Case) (params []int) {
	for _, c := range r.cases() {
		p := c.Param
		c.Param = 0
		if c == of {
			params = append(params, p)
		}
	}
	return params
}

// growthOf fits the samples of each round. What is better when there is more of it, as a rate, has the cost of its inverse.
func (r *Report) growthOf(of Case, contender string, m Metric, params []int) (growth, bool) {
	g := growth{of: of, contender: contender, params: params}
	var x []float64
	var y []Samples
	rounds := math.MaxInt
	for _, p := range params {
		at := of
		at.Param = p
		for _, row := range r.RowsOf(at) {
			if s := row.Metrics[m.Key]; row.Contender == contender && len(s) > 0 && slices.Min(s) > 0 {
				x, y, rounds = append(x, float64(p)), append(y, s), min(rounds, len(s))
			}
		}
	}
	if len(x) < leastSizes || len(x) < len(params) {
		return g, false
	}
	for round := range rounds {
		costs := make([]float64, len(y))
		for i, s := range y {
			if costs[i] = s[round]; !m.Less {
				costs[i] = 1 / s[round]
			}
		}
		g.exponents = append(g.exponents, exponent(x, costs))
	}
	return g, true
}

// growthTable is how costs grow as cells: the head, and a line for each.
func growthTable(all []growth) (head []string, lines [][]string) {
	for _, g := range all {
		lines = append(lines, []string{
			g.of.Title(), g.contender, fmt.Sprintf("%d to %d", slices.Min(g.params), slices.Max(g.params)), ratioText(g.exponents),
		})
	}
	return []string{"work", "peer", "sizes", "exponent"}, lines
}
