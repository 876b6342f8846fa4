// SPDX-License-Identifier: MIT

package run

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
)

// A planned case is to be measured with these contenders.
type planned struct {
	report.Case
	contenders []contender
	rounds     int
	label      string // its place in the plan, and its title
}

var errNothingPlanned = errors.New("no target needs any of this; -all or -peers measures it nevertheless")

// plan has the cases to measure: with all contenders, with those that the command line names, or with those that targets need.
func (c config) plan(kinds []peerKind, missing map[string]string) (all []planned, err error) {
	for _, one := range c.cases() {
		if _, without := missing["placement "+one.Place]; without {
			continue
		}
		if who := c.contenders(kinds, missing, one); len(who) > 0 {
			all = append(all, planned{Case: one, contenders: who, rounds: c.roundsOf(one)})
		}
	}
	for i := range all {
		all[i].label = fmt.Sprintf("%d of %d: %s", i+1, len(all), all[i].Title())
	}
	if len(all) == 0 && len(missing) == 0 {
		err = errNothingPlanned
	}
	return all, err
}

// contenders are the peers that can be had, in their modes, and are to be measured in a case.
func (c config) contenders(kinds []peerKind, missing map[string]string, at report.Case) (all []contender) {
	for _, k := range kinds {
		if _, without := missing[k.name]; without {
			continue
		}
		for i, mode := range k.modesFor(at) {
			who := contender{k.name, mode}
			needed := report.IsGate(at, who.String()) || i == 0 && (report.InOverview(at, k.name) || comparesGrowth(at, k)) || isLimit(at, k)
			if c.wants(who) && (c.all || len(c.peers) > 0 || needed) {
				all = append(all, who)
			}
		}
	}
	return all
}

// comparesGrowth says whether a peer shows what a cost that grows is without Spry.
func comparesGrowth(c report.Case, k peerKind) bool {
	return k.name == "libzmq" && strings.HasPrefix(c.Work, scale+"-") && slices.ContainsFunc(peerKinds[0].modesFor(c), func(mode string) bool {
		return report.IsGate(c, contender{peerKinds[0].name, mode}.String())
	})
}

// isLimit says whether a peer shows what the system can do with large messages, in all of its modes.
func isLimit(c report.Case, k peerKind) bool {
	return k.name == "craw" && c.Work == "thr" && c.Size >= 1<<20 && setOf(c) == setCore
}

// Seconds of a run beside its warm-up and what counts.
const (
	starting   = 0.15  // two processes, their connection and their end
	connecting = 0.001 // each of many connections, at both ends
	joining    = 1     // of subscribers whose publishers cannot observe it
	indexing   = 4e-6  // each of many subscriptions
)

// estimate is how long a round of a case takes, about.
func (c config) estimate(p planned) time.Duration {
	secs := starting + c.warmFor(p.Work) + c.secs
	switch p.Work {
	case "idle", "scale-pipes":
		secs = starting + connecting/2*float64(p.Param)
	case "flood":
		secs += c.secs * (floodTimes - 1)
	case "fan":
		secs += joining / 2.
	case "pipes", "scale-spread", "scale-topics":
		secs += connecting * float64(p.Param)
	case "subs":
		secs += indexing * float64(p.Param)
	}
	secs *= float64(len(p.contenders))
	if slices.ContainsFunc(p.contenders, func(who contender) bool { return who.Peer == ddsperf }) {
		secs += ddsperfSecs
	}
	return time.Duration(secs * float64(time.Second))
}

// estimateAll is how long all rounds of a case take, about, and how many runs they are. One more run counts system calls.
func (c config) estimateAll(p planned) (took time.Duration, runs int) {
	took, runs = c.estimate(p)*time.Duration(p.rounds), p.rounds
	if isCounted(p.Case) {
		took += c.estimate(p)
		runs++
	}
	return took, runs * len(p.contenders)
}

// longest is how long the longest round of a plan takes, about: the first, in which system calls are counted.
func (c config) longest(all []planned) (longest time.Duration) {
	for _, p := range all {
		p.rounds = 1
		took, _ := c.estimateAll(p)
		longest = max(longest, took)
	}
	return longest
}

// describe says how much work a plan is.
func (c config) describe(all []planned) string {
	var took time.Duration
	runs := 0
	var rounds []string
	for _, p := range all {
		caseTook, caseRuns := c.estimateAll(p)
		took += caseTook
		runs += caseRuns
		if n := strconv.Itoa(p.rounds); !slices.Contains(rounds, n) {
			rounds = append(rounds, n)
		}
	}
	return fmt.Sprintf("%d cases, %s rounds of each, %d runs: about %s", len(all), strings.Join(rounds, " or "), runs, took.Round(time.Minute/10))
}

// showPlan writes what would be measured if nothing is missing: how long each work takes, then each set, all, and the longest round.
func (c config) showPlan(kinds []peerKind, out io.Writer) error {
	all, err := c.plan(kinds, nil)
	if err != nil {
		return err
	}
	var groups []string
	in := map[string][]planned{}
	for _, p := range all {
		group := strings.Join([]string{setOf(p.Case), p.Work, p.Place}, ", ")
		if _, has := in[group]; !has {
			groups = append(groups, group)
		}
		in[group] = append(in[group], p)
		in[setOf(p.Case)] = append(in[setOf(p.Case)], p)
	}
	for _, name := range append(groups, setCore, setWeb) {
		if len(in[name]) > 0 {
			fmt.Fprintf(out, "%s: %s\n", name, c.describe(in[name]))
		}
	}
	_, err = fmt.Fprintf(out, "all: %s; the longest round %s\n", c.describe(all), c.longest(all).Round(time.Second))
	return err
}

// inOrder sorts rows by their cases, in the order of a run of everything.
func inOrder(rows []report.Row) {
	slices.SortStableFunc(rows, func(a, b report.Row) int {
		return cmp.Or(
			cmp.Compare(slices.Index(allWorks, a.Work), slices.Index(allWorks, b.Work)),
			cmp.Compare(a.Place, b.Place),
			-cmp.Compare(a.Transport, b.Transport), // tcp is the first
			cmp.Compare(a.Param, b.Param),
			cmp.Compare(a.Size, b.Size),
		)
	})
}
