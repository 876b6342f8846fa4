// SPDX-License-Identifier: MIT

package report

import (
	"math"
	"testing"
)

func TestExponentOfPowerLaws(t *testing.T) {
	x := []float64{1, 10, 100, 1000}
	for _, want := range []float64{-1, 0, 0.5, 1, 2} {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = 7 * math.Pow(x[i], want)
		}
		if got := exponent(x, y); math.Abs(got-want) > 1e-9 {
			t.Errorf("7·x^%g is fitted by the exponent %g", want, got)
		}
	}
}

// Noise that is the same factor up and down leaves the exponent where it is.
func TestExponentIsTheBestFit(t *testing.T) {
	if got := exponent([]float64{1, 2, 4, 8}, []float64{1.1, 1.8, 3.6, 8.8}); math.Abs(got-1) > 0.03 {
		t.Errorf("around x: exponent %g", got)
	}
}

func TestGrowthIsOfCostAndOfEachRound(t *testing.T) {
	r := &Report{}
	for _, pipes := range []int{1, 10, 100} {
		c := Case{Work: "pipes", Transport: "tcp", Size: 64, Param: pipes, Place: "1cpu"}
		n := float64(pipes)
		r.Rows = append(r.Rows,
			Row{Case: c, Contender: "spry", Metrics: map[string]Samples{"rate": {100, 100 / n}}},
			Row{Case: c, Contender: "nats", Reason: "-"})
	}
	all := r.growths()
	if len(all) != 1 || all[0].contender != "spry" || len(all[0].exponents) != 2 {
		t.Fatalf("growths: %+v", all)
	}
	for i, want := range []float64{0, 1} {
		if got := all[0].exponents[i]; math.Abs(got-want) > 1e-9 {
			t.Errorf("round %d: exponent %g, want %g", i, got, want)
		}
	}
}
