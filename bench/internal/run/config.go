// SPDX-License-Identifier: MIT

package run

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sprymq/spry/bench/internal/report"
)

// config has the values of the command line.
type config struct {
	works, peers, transports, places []string
	sizes, params                    []int
	rounds, trips                    int
	secs                             float64
	out, document                    string
}

// allWorks in the order in which they are measured.
var allWorks = []string{
	"thr", "curve", "lat", "inproc-thr", "inproc-lat", "fan", "callers-mux", "callers-conns", "idle", "flood", "pipes", "subs",
}

func parse(args []string) (config, error) {
	var c config
	var sizes, params string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	list := func(to *[]string, name, value, usage string) {
		*to = split(value)
		f.Func(name, usage, func(s string) error { *to = split(s); return nil })
	}
	list(&c.works, "work", "", "what to measure: "+strings.Join(allWorks, ",")+" (default all)")
	list(&c.peers, "peers", "", "whom, as spry or spry/batch (default all)")
	list(&c.transports, "transports", "tcp,ipc", "tcp,ipc")
	list(&c.places, "place", "1cpu,free", "1cpu: all processes on one CPU; free: where the system puts them")
	f.StringVar(&sizes, "sizes", "", "sizes in bytes (default those of each work)")
	f.StringVar(&params, "params", "", "how many subscribers, callers, connections, ... (default those of each work)")
	f.IntVar(&c.rounds, "rounds", 5, "rounds, of which the median counts")
	f.IntVar(&c.trips, "trips", 4000, "round trips to time")
	f.Float64Var(&c.secs, "secs", 0.4, "seconds to send for")
	f.StringVar(&c.out, "out", "", "folder for bench.json, bench.md and bench.html")
	f.StringVar(&c.document, "write", "", "document whose generated part is replaced by the tables")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	var err error
	if c.sizes, err = numbers(sizes, 2); err != nil {
		return c, fmt.Errorf("sizes: %w", err)
	}
	if c.params, err = numbers(params, 1); err != nil {
		return c, fmt.Errorf("params: %w", err)
	}
	for _, w := range c.works {
		if !slices.Contains(allWorks, w) {
			return c, fmt.Errorf("no work %s; there are: %s", w, strings.Join(allWorks, ","))
		}
	}
	if c.rounds < 1 || c.trips < 1 || c.secs <= 0 {
		return c, fmt.Errorf("rounds, trips and secs must be positive")
	}
	return c, nil
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// numbers splits a list of numbers.
func numbers(s string, least int) (all []int, err error) {
	for _, text := range split(s) {
		n, err := strconv.Atoi(text)
		if err != nil || n < least {
			return nil, fmt.Errorf("%s: not a number of at least %d", text, least)
		}
		all = append(all, n)
	}
	return all, nil
}

// wants says whether a contender is selected, by its peer's name or with its mode.
func (c config) wants(who contender) bool {
	return len(c.peers) == 0 || slices.Contains(c.peers, who.Peer) || slices.Contains(c.peers, who.Peer+"/"+who.Mode)
}

// A workload says at which settings a work is measured.
type workload struct {
	sizes, params []int
	transports    []string // nil means those that were asked for
}

var workloads = map[string]workload{
	"thr":           {sizes: []int{16, 64, 256, 1 << 10, 8 << 10, 64 << 10, 1 << 20}},
	"curve":         {sizes: []int{64, 4 << 10}, transports: []string{"tcp"}},
	"lat":           {sizes: []int{64, 1 << 10}},
	"inproc-thr":    {sizes: []int{64, 1 << 10}, transports: []string{"inproc"}},
	"inproc-lat":    {sizes: []int{64, 1 << 10}, transports: []string{"inproc"}},
	"fan":           {sizes: []int{256}, params: []int{8, 64}, transports: []string{"tcp"}},
	"callers-mux":   {sizes: []int{64}, params: []int{64}, transports: []string{"tcp"}},
	"callers-conns": {sizes: []int{64}, params: []int{64}, transports: []string{"tcp"}},
	"idle":          {sizes: []int{0}, params: []int{5000, 10000}, transports: []string{"tcp"}},
	"flood":         {sizes: []int{64}, transports: []string{"tcp"}},
	"pipes":         {sizes: []int{64}, params: []int{1, 8, 64, 512}, transports: []string{"tcp"}},
	"subs":          {sizes: []int{64}, params: []int{1, 1000, 100000, 1000000}, transports: []string{"inproc"}},
}

// cases are all that the command line asks for.
func (c config) cases() []report.Case {
	var all []report.Case
	for _, work := range allWorks {
		if len(c.works) > 0 && !slices.Contains(c.works, work) {
			continue
		}
		all = append(all, c.casesOf(work, workloads[work])...)
	}
	return all
}

func (c config) casesOf(work string, load workload) (all []report.Case) {
	sizes, params, transports := load.sizes, load.params, load.transports
	if len(c.sizes) > 0 && sizes[0] > 0 {
		sizes = c.sizes
	}
	switch {
	case params == nil:
		params = []int{0}
	case len(c.params) > 0:
		params = c.params
	}
	if transports == nil {
		transports = c.transports
	}
	for _, place := range c.places {
		for _, transport := range transports {
			for _, param := range params {
				for _, size := range sizes {
					all = append(all, report.Case{Work: work, Transport: transport, Size: size, Param: param, Place: place})
				}
			}
		}
	}
	return all
}

// write writes the files that were asked for.
func write(c config, r *report.Report) error {
	if c.document != "" {
		if err := r.UpdateDocument(c.document); err != nil {
			return err
		}
	}
	if c.out == "" {
		return nil
	}
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	for name, show := range r.Formats() {
		f, err := os.Create(filepath.Join(c.out, name))
		if err != nil {
			return err
		}
		if err := show(f); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
