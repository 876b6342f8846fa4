// SPDX-License-Identifier: MIT

// Package run is the runner: it makes workers do the same work in turn and collects their results.
package run

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
)

// Main is the runner's command line.
func Main(ctx context.Context, args []string, sources embed.FS, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	kinds, err := selectKinds(c.peers)
	if err != nil {
		return err
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
	r := &report.Report{
		Machine: fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		Command: "go run ./bench " + strings.Join(args, " "),
		Date:    time.Now().UTC().Format("2006-01-02"),
		Missing: w.missing,
		Rounds:  c.rounds,
		Partial: c.isPartial(),
	}
	for _, one := range c.cases() {
		if one.Place == placeOne {
			if _, err := exec.LookPath("taskset"); err != nil {
				w.missing["placement 1cpu"] = err.Error()
				continue
			}
		}
		fmt.Fprintln(os.Stderr, one.Title())
		r.Rows = append(r.Rows, b.rounds(ctx, one, contenders(kinds, w, c, one))...)
		if ctx.Err() != nil {
			break
		}
	}
	if err := r.Text(out); err != nil {
		return err
	}
	return errors.Join(write(c, r), ctx.Err())
}

// contenders are all selected peers that can be had, in all modes that this work has.
func contenders(kinds []peerKind, w *workers, c config, at report.Case) []contender {
	var all []contender
	for _, k := range kinds {
		if _, missing := w.missing[k.name]; missing {
			continue
		}
		for _, mode := range k.modesFor(at) {
			who := contender{k.name, mode}
			if c.wants(who) {
				all = append(all, who)
			}
		}
	}
	return all
}

// rounds takes the samples of a case: in each round every contender has its turn, so that what disturbs the machine
// for a while disturbs all of them.
func (b *bench) rounds(ctx context.Context, c report.Case, all []contender) []report.Row {
	samples := make([]map[string]report.Samples, len(all))
	reasons := make([]string, len(all))
	for range b.config.rounds {
		for i, who := range all {
			if reasons[i] != "" || ctx.Err() != nil {
				continue
			}
			s, err := b.measure(ctx, c, who)
			if err != nil {
				reasons[i] = reason(err)
				continue
			}
			if samples[i] == nil {
				samples[i] = map[string]report.Samples{}
			}
			for key, value := range s {
				samples[i][key] = append(samples[i][key], value)
			}
		}
	}
	rows := make([]report.Row, 0, len(all))
	for i, who := range all {
		row := report.Row{Case: c, Contender: who.String(), Reason: reasons[i]}
		if row.Reason == "" && len(samples[i]) == 0 {
			row.Reason = "nothing measured"
		}
		if row.Reason == "" {
			row.Metrics = samples[i]
		}
		rows = append(rows, row)
	}
	return rows
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
