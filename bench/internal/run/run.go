// SPDX-License-Identifier: MIT

// Package run is the runner: it makes workers do the same work in turn and collects their results.
package run

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
)

// ErrUnfinished says that the time of -limit was over before the run.
var ErrUnfinished = errors.New("the time is over")

// Main is the runner's command line.
func Main(ctx context.Context, args []string, sources embed.FS, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	if c.from != "" {
		return show(c, out)
	}
	began := time.Now()
	older, err := report.Read(c.out)
	if err != nil {
		return err
	}
	kinds, err := selectKinds(c.peers)
	if err != nil {
		return err
	}
	if c.dry {
		return c.showPlan(kinds, out)
	}
	w, err := prepare(ctx, kinds, sources)
	if err != nil {
		return err
	}
	dir, err := tempDir()
	if err != nil {
		return err
	}
	defer removeAll(dir)
	b := &bench{config: c, workers: w, dir: dir}
	if c.limit > 0 {
		b.deadline = began.Add(c.limit)
	}
	r := &report.Report{
		Machine: fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		Command: "go run ./bench " + strings.Join(args, " "),
		Date:    began.UTC().Format(time.DateOnly),
		Missing: w.missing,
	}
	if older.Machine != r.Machine && len(older.Rows) > 0 {
		return fmt.Errorf("%s has figures of %s, and this is %s: use another folder", c.out, older.Machine, r.Machine)
	}
	if b.origin, err = origin(r.Date, c.secs); err != nil {
		return err
	}
	all, err := c.plan(kinds, w.missing)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(p planned) bool { return isCounted(p.Case) }) {
		if err := canCount(ctx, dir); err != nil {
			w.missing[callsMissing] = firstLines(err.Error())
		}
	}
	fmt.Fprintln(os.Stderr, c.describe(all))
	left, err := b.measureAll(ctx, all, r, older)
	if err != nil {
		return err
	}
	if err := r.Text(out); err != nil {
		return err
	}
	if left > 0 && ctx.Err() == nil {
		err = fmt.Errorf("%w: %d of %d cases are left; the same with -resume goes on", ErrUnfinished, left, len(all))
	}
	return errors.Join(write(c, merged(r, older)), ctx.Err(), err)
}

// measureAll adds the rows of all cases to a report, and saves what there is after each. It returns how many cases are left when
// the time is over.
func (b *bench) measureAll(ctx context.Context, all []planned, r, older *report.Report) (left int, err error) {
	for _, p := range all {
		if ctx.Err() != nil {
			break
		}
		rows := b.begun(p, older)
		had := report.Rounds(rows)
		if !b.rounds(ctx, p, rows) {
			left++
		}
		if !slices.ContainsFunc(rows, func(row report.Row) bool { return row.Reason != "" || len(row.Metrics) > 0 }) {
			continue // not begun
		}
		r.Rows = append(r.Rows, rows...)
		if b.config.out != "" && report.Rounds(rows) > had {
			if err := merged(r, older).WriteSamples(b.config.out); err != nil {
				return left, err
			}
		}
	}
	return left, nil
}

// origin is what rows say about this program.
func origin(date string, secs float64) (report.Origin, error) {
	o := report.Origin{Date: date, Secs: secs}
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	f, err := os.Open(self)
	if err != nil {
		return o, err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	o.Program = fmt.Sprintf("%x", sum.Sum(nil)[:8])
	return o, err
}

// merged has the rows of both reports, the newer of each case.
func merged(r, older *report.Report) *report.Report {
	all := *r
	all.Missing = maps.Clone(r.Missing)
	all.Merge(older)
	inOrder(all.Rows)
	measured := map[report.Case]bool{}
	for _, row := range all.Rows {
		measured[row.Case] = true
	}
	everything := config{places: []string{placeOne, placeFree}}
	all.Partial = slices.ContainsFunc(everything.cases(), func(c report.Case) bool { return !measured[c] })
	return &all
}

// show shows and writes what was measured before.
func show(c config, out io.Writer) error {
	r, err := report.Read(c.from)
	if err != nil {
		return err
	}
	if len(r.Rows) == 0 {
		return fmt.Errorf("%s has no figures", c.from)
	}
	return errors.Join(r.Text(out), write(c, r))
}

// write writes the files that were asked for.
func write(c config, r *report.Report) error {
	var err error
	if c.out != "" {
		err = r.Write(c.out)
	}
	if c.documents != "" {
		err = errors.Join(err, r.UpdateDocuments(c.documents))
	}
	return err
}

// reason is why a contender has no figures.
func reason(err error) string {
	if errors.Is(err, errNotApplicable) {
		return "-"
	}
	return firstLines(err.Error())
}

// kindOf finds a peer by name.
func kindOf(name string) (peerKind, bool) {
	i := slices.IndexFunc(peerKinds, func(k peerKind) bool { return k.name == name })
	if i < 0 {
		return peerKind{}, false
	}
	return peerKinds[i], true
}

// selectKinds returns the kinds of the named peers, or all. A name may be followed by a mode.
func selectKinds(names []string) ([]peerKind, error) {
	if len(names) == 0 {
		return peerKinds, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		peer, _, _ := strings.Cut(name, "/")
		if _, known := kindOf(peer); !known {
			return nil, fmt.Errorf("no peer %s", peer)
		}
		wanted[peer] = true
	}
	var kinds []peerKind
	for _, k := range peerKinds {
		if wanted[k.name] {
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}
