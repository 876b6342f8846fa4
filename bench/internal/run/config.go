// SPDX-License-Identifier: MIT

package run

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
)

// config has the values of the command line.
type config struct {
	works, peers, transports, places []string
	sizes, params                    []int
	rounds                           int     // 0 for those of the cases
	set                              string  // of cases, or all
	secs, warm                       float64 // warm is negative for those of the works
	all                              bool    // of what works can do, not only what targets need
	out, documents, from             string
	resume, dry                      bool
	limit                            time.Duration // 0 for none
}

// allWorks in the order in which they are measured.
var allWorks = []string{
	"thr", "down", "layers", "curve", "lat", "inproc-thr", "inproc-lat", "fan", "callers-mux", "callers-conns", "http", "idle", "flood", "pipes", "subs",
	"scale-topics", "scale-lengths", "scale-nested", "scale-pipes", "scale-spread",
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
	list(&c.peers, "peers", "", "whom, as spry or spry/batch, also where no target needs them (default those that targets need)")
	f.BoolVar(&c.all, "all", false, "measure all peers at all settings, not only what targets need")
	list(&c.transports, "transports", "", "tcp,ipc,inproc,ws,wss,tls+tcp (default those of each work)")
	list(&c.places, "place", placeOne+","+placeFree, "1cpu: all processes on one CPU; free: where the system puts them")
	f.StringVar(&sizes, "sizes", "", "sizes in bytes (default those of each work)")
	f.StringVar(&params, "params", "", "how many subscribers, callers, connections, ... (default those of each work)")
	f.StringVar(&c.set, "set", "", "only these cases: "+setWeb+", of WebSocket, TLS, layers of streams and HTTP; "+setCore+", all others")
	f.IntVar(&c.rounds, "rounds", 0, fmt.Sprintf("rounds, in which all take turns; targets need at least %d (default %d, and %d of the set %s)",
		report.LeastRounds, coreRounds, webRounds, setWeb))
	f.Float64Var(&c.secs, "secs", 0.4, "seconds that count of each run")
	f.Float64Var(&c.warm, "warm", -1, "seconds before that, which do not count (default those of each work)")
	f.StringVar(&c.out, "out", "", "folder for bench.json, bench.md and bench.html; cases of this run replace those that it has")
	f.BoolVar(&c.resume, "resume", false, "go on with what this same program has begun in the folder of -out")
	f.DurationVar(&c.limit, "limit", 0, "stop before this time is over, between two rounds; exit status 2 if cases are left")
	f.BoolVar(&c.dry, "plan", false, "measure nothing: say what would be measured, and how long it would take")
	f.StringVar(&c.from, "report", "", "measure nothing: show and write what bench.json in this folder has")
	f.StringVar(&c.documents, "write", "", "folder of documents in which the tables of this run, or of the folder of -out or -report, "+
		"replace older ones: docs")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if i := slices.Index(c.works, scale); i >= 0 {
		c.works = slices.Replace(c.works, i, i+1, scaleWorks()...)
	}
	var err error
	if c.sizes, err = numbers(sizes, 2); err != nil {
		return c, fmt.Errorf("sizes: %w", err)
	}
	if c.params, err = numbers(params, 1); err != nil {
		return c, fmt.Errorf("params: %w", err)
	}
	switch {
	case c.rounds < 0 || c.secs <= 0:
		return c, errors.New("rounds and secs must be positive")
	case c.set != "" && c.set != setCore && c.set != setWeb:
		return c, fmt.Errorf("no set %s; there are %s and %s", c.set, setCore, setWeb)
	case c.resume && c.out == "":
		return c, errors.New("-resume needs -out")
	case c.from != "" && c.out != "":
		return c, errors.New("-report measures nothing for -out")
	}
	return c, c.check()
}

// layers is the work of the layers of package stream, which no other library has.
const layers = "layers"

// gatewayWork is the work of the gateway for HTTP, which no other library has: it is compared with a handler without a socket.
const gatewayWork = "http"

// scale stands for all works whose names begin with it.
const scale = "scale"

func scaleWorks() (all []string) {
	for _, w := range allWorks {
		if strings.HasPrefix(w, scale+"-") {
			all = append(all, w)
		}
	}
	return all
}

// check refuses what no work can do, and works that can do nothing of what is asked for.
func (c config) check() error {
	for _, w := range c.works {
		if !slices.Contains(allWorks, w) {
			return fmt.Errorf("no work %s; there are: %s", w, strings.Join(allWorks, ","))
		}
		load := workloads[w]
		if len(c.transports) > 0 && len(common(load.transports, c.transports)) == 0 {
			return fmt.Errorf("%s cannot be measured over %s, only over %s", w, strings.Join(c.transports, ","),
				strings.Join(load.transports, ","))
		}
	}
	if len(c.params) > 0 && !slices.ContainsFunc(c.selected(), func(w string) bool { return workloads[w].params != nil }) {
		return fmt.Errorf("none of these works has -params: %s", strings.Join(c.selected(), ","))
	}
	for _, transport := range c.transports {
		if !slices.ContainsFunc(c.selected(), func(w string) bool { return slices.Contains(workloads[w].transports, transport) }) {
			return fmt.Errorf("none of these works can be measured over %s: %s", transport, strings.Join(c.selected(), ","))
		}
	}
	for _, place := range c.places {
		if place != placeOne && place != placeFree {
			return fmt.Errorf("no place %s; there are %s and %s", place, placeOne, placeFree)
		}
	}
	return nil
}

// selected are the works that were asked for, or all.
func (c config) selected() []string {
	if len(c.works) == 0 {
		return allWorks
	}
	return common(allWorks, c.works)
}

// common are those of all that are wanted too.
func common(all, wanted []string) (both []string) {
	for _, one := range all {
		if slices.Contains(wanted, one) {
			both = append(both, one)
		}
	}
	return both
}

// The sets of cases. Those of the web are nearer to their limits, so that they need a narrower interval.
const (
	setCore, coreRounds = "core", 9
	setWeb, webRounds   = "web", 21
)

func setOf(c report.Case) string {
	if c.Work == layers || c.Work == gatewayWork || slices.Contains(webAndTLS, c.Transport) {
		return setWeb
	}
	return setCore
}

// roundsOf is how many rounds a case has.
func (c config) roundsOf(one report.Case) int {
	switch {
	case c.rounds > 0:
		return c.rounds
	case setOf(one) == setWeb:
		return webRounds
	default:
		return coreRounds
	}
}

// The places of processes.
const (
	placeOne  = "1cpu"
	placeFree = "free"
)

// warmFor is the time of a work's warm-up.
func (c config) warmFor(work string) float64 {
	switch {
	case c.warm >= 0:
		return c.warm
	case workloads[work].warm > 0:
		return workloads[work].warm
	default:
		return warmUp
	}
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
	transports    []string // all that it can be measured over
	warm          float64  // seconds of warm-up; 0 for the usual ones
}

// Seconds of warm-up. What has many queues takes long until all memory has been used once.
const (
	warmUp     = 0.3
	warmUpWide = 1.5
)

var (
	tcp       = []string{"tcp"}
	streams   = []string{"tcp", "ipc", "ws", "wss", "tls+tcp"}
	webAndTLS = []string{"ws", "wss", "tls+tcp"}
	inproc    = []string{"inproc"}
)

var workloads = map[string]workload{
	"thr":           {sizes: []int{16, 64, 256, 1 << 10, 8 << 10, 64 << 10, 1 << 20}, transports: streams},
	"down":          {sizes: []int{64, 1 << 10, 64 << 10, 1 << 20}, transports: webAndTLS},
	layers:          {sizes: []int{1 << 10, 64 << 10}, transports: tcp},
	"curve":         {sizes: []int{64, 4 << 10}, transports: tcp},
	"lat":           {sizes: []int{64, 1 << 10}, transports: streams},
	"inproc-thr":    {sizes: []int{64, 1 << 10, 4 << 10}, transports: inproc},
	"inproc-lat":    {sizes: []int{64, 1 << 10}, transports: inproc},
	"fan":           {sizes: []int{256}, params: []int{8, 64}, transports: tcp, warm: warmUpWide},
	"callers-mux":   {sizes: []int{64}, params: []int{64}, transports: tcp},
	"callers-conns": {sizes: []int{64}, params: []int{64}, transports: tcp},
	gatewayWork:     {sizes: []int{64, 1 << 10}, params: []int{64}, transports: tcp},
	"idle":          {sizes: []int{0}, params: []int{5000, 10000}, transports: tcp},
	"flood":         {sizes: []int{64}, transports: tcp},
	"pipes":         {sizes: []int{64}, params: []int{1, 8, 64, 512, 2000}, transports: tcp, warm: warmUpWide},
	"scale-topics":  {sizes: []int{64}, params: []int{1, 10, 100, 1000}, transports: tcp},
	"scale-lengths": {sizes: []int{1500}, params: []int{1, 10, 100, 1400}, transports: tcp},
	"scale-nested":  {sizes: []int{1500}, params: []int{1, 10, 100, 1400}, transports: tcp},
	"scale-pipes":   {sizes: []int{0}, params: []int{100, 1000, 4000, 8000}, transports: tcp},
	"scale-spread":  {sizes: []int{64}, params: []int{1, 8, 512, 4000}, transports: tcp, warm: warmUpWide},
	"subs":          {sizes: []int{64}, params: []int{1, 1000, 100000, 1000000}, transports: inproc},
}

// cases are all that the command line asks for.
func (c config) cases() []report.Case {
	var all []report.Case
	for _, work := range c.selected() {
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
	if len(c.transports) > 0 {
		transports = common(transports, c.transports)
	}
	for _, place := range c.places {
		for _, transport := range transports {
			for _, param := range params {
				for _, size := range sizes {
					one := report.Case{Work: work, Transport: transport, Size: size, Param: param, Place: place}
					if c.set == "" || c.set == setOf(one) {
						all = append(all, one)
					}
				}
			}
		}
	}
	return all
}
