// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
)

var errNoFigures = errors.New("nothing measured")

// rounds takes the samples of a case: in each round every contender has its turn, so that what disturbs the machine
// for a while disturbs all of them. It goes on with rows that have some, and stops before the deadline.
func (b *bench) rounds(ctx context.Context, p planned, rows []report.Row) (complete bool) {
	longest, announced := b.config.estimate(p), false
	for n := report.Rounds(rows); n < p.rounds && ctx.Err() == nil; n++ {
		if !slices.ContainsFunc(rows, func(row report.Row) bool { return row.Reason == "" }) {
			return true
		}
		if !b.deadline.IsZero() && time.Until(b.deadline) < longest {
			return false
		}
		if !announced {
			fmt.Fprintln(os.Stderr, p.label)
			announced = true
		}
		began := time.Now()
		if n == 0 {
			b.countCalls(ctx, p, rows)
		}
		b.round(ctx, p, rows)
		longest = max(longest, time.Since(began))
	}
	return ctx.Err() == nil
}

// round adds one sample to each row, or to none if the run is stopped meanwhile. A contender that fails has no figures.
func (b *bench) round(ctx context.Context, p planned, rows []report.Row) {
	taken := make([]sample, len(rows))
	for i, who := range p.contenders {
		if rows[i].Reason != "" {
			continue
		}
		s, err := b.measure(ctx, p.Case, who)
		if ctx.Err() != nil {
			return
		}
		if err == nil && len(s) == 0 {
			err = errNoFigures
		}
		if err != nil {
			rows[i].Reason, rows[i].Metrics = reason(err), nil
			continue
		}
		taken[i] = s
	}
	for i, s := range taken {
		rows[i].Origin = b.origin
		for key, value := range s {
			rows[i].Metrics[key] = append(rows[i].Metrics[key], value)
		}
	}
}

// begun returns the rows of a case: those of an older report, if the same program measured the same contenders, or new ones.
func (b *bench) begun(p planned, older *report.Report) []report.Row {
	if old := older.RowsOf(p.Case); b.config.resume && len(old) == len(p.contenders) {
		same := !slices.ContainsFunc(old, func(row report.Row) bool {
			return row.Program != b.origin.Program || row.Secs != b.origin.Secs
		})
		for i, row := range old {
			same = same && row.Contender == p.contenders[i].String()
		}
		if same {
			return old
		}
	}
	rows := make([]report.Row, len(p.contenders))
	for i, who := range p.contenders {
		rows[i] = report.Row{Case: p.Case, Contender: who.String(), Metrics: map[string]report.Samples{}, Origin: b.origin}
	}
	return rows
}
