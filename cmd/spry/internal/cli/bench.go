// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/bench"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/terminal"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

const benchLong = "Measures Spry between two hosts, two processes or within one. One side serves; the other dials it, says what to do,\n" +
	"and prints the results. Every run warms up before it is measured. thr and fan count what the receiver got, by its own\n" +
	"clock; lat and callers time round trips, by the caller's."

const benchExample = `  spry bench serve --listen tcp://*:5555                    # on one host, once
  spry bench thr --dial tcp://host:5555 --size 64,1KiB,64KiB # on the other, as often as you like
  spry bench lat --dial tcp://host:5555 --hist
  spry bench fan --dial tcp://host:5555 --subs 64 --size 256
  spry bench inproc-lat --for 3s`

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure messages and round trips between your own hosts", GroupID: "look", Long: benchLong, Example: benchExample,
		Args: takesNone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			cmd.Help()
			return exit.Errorf(exit.Usage, "no work given")
		},
	}
	cmd.AddGroup(
		&cobra.Group{ID: "serve", Title: "One side:"},
		&cobra.Group{ID: "work", Title: "The other side, which prints:"},
		&cobra.Group{ID: "within", Title: "Both in one process:"},
	)
	cmd.AddCommand(newBenchServe())
	for _, w := range benchWorks {
		cmd.AddCommand(w.command())
	}
	return cmd
}

func newBenchServe() *cobra.Command {
	var (
		o     bench.ServerOptions
		quiet bool
	)
	cmd := &cobra.Command{
		Use: "serve", Short: "Do this side of what the other asks for, run after run, until Ctrl-C", GroupID: "serve", Args: takesFlags,
		Long: "Does this side of what spry bench thr, lat, fan and callers ask for, run after run, one at a time, until Ctrl-C.\n\n" +
			"Each run has a second socket for its messages: at a free port, or that of --data, where a firewall wants to know\n" +
			"it; with ipc at the path with -data behind it. Whoever can connect can make this host work as hard as it is able to:\n" +
			"serve your own hosts only.",
		Example: "  spry bench serve --listen tcp://*:5555\n  spry bench serve --listen tcp://*:5555 --data tcp://*:5556\n" +
			"  spry bench serve --listen tls+tcp://*:5555 --cert host.pem",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Listen == "" {
				return exit.Errorf(exit.Usage, "no address: give --listen URL")
			}
			for _, url := range []string{o.Listen, o.Data} {
				if err := endpoint.Check(url); url != "" && err != nil {
					return exit.Errorf(exit.Usage, "%w", err)
				}
			}
			o.Say = func(form string, args ...any) {
				if !quiet {
					fmt.Fprintf(cmd.ErrOrStderr(), "spry: "+form+"\n", args...)
				}
			}
			server, err := bench.Listen(cmd.Context(), o)
			if err != nil {
				return err
			}
			return server.Serve(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Listen, "listen", "l", "", "wait for requests at this `URL`; port 0 is a free port")
	f.StringVar(&o.Data, "data", "", "exchange the messages of runs at this `URL`")
	f.BoolVarP(&quiet, "quiet", "q", false, "print only errors")
	addTLSFlags(cmd, &o.TLS)
	return cmd
}

// A benchWork is a verb that measures.
type benchWork struct {
	name, kind, short, long, example string
	within                           bool
}

var benchWorks = []benchWork{
	{
		name: "thr", kind: bench.Thr, short: "Measure messages one way, PUSH to PULL",
		example: "  spry bench thr --dial tcp://host:5555\n  spry bench thr --dial tcp://host:5555 --size 16,64,1KiB,64KiB,1MiB --rounds 5\n" +
			"  spry bench thr --dial ipc:///tmp/bench --batch --csv > thr.csv",
	},
	{
		name: "lat", kind: bench.Lat, short: "Measure round trips, REQ to REP",
		long:    "One request after the other. Half of a round trip is about what a message takes one way.",
		example: "  spry bench lat --dial tcp://host:5555 --hist\n  spry bench lat --dial tcp://host:5555 --size 64,1KiB --count 100k --json",
	},
	{
		name: "fan", kind: bench.Fan, short: "Measure messages to many subscribers, PUB to SUB",
		long:    "The serving side publishes to subscribers on this side, each on a connection of its own. Nothing is dropped: the slowest\nsets the pace. Rates are deliveries, to all subscribers together.",
		example: "  spry bench fan --dial tcp://host:5555 --subs 8\n  spry bench fan --dial tcp://host:5555 --subs 64 --size 256 --json",
	},
	{
		name: "callers", kind: bench.Callers, short: "Measure round trips of many callers at once, on one connection",
		example: "  spry bench callers --dial tcp://host:5555 --callers 64\n  spry bench callers --dial tcp://host:5555 --callers 1k --hist",
	},
	{
		name: "inproc-thr", kind: bench.Thr, within: true, short: "Measure messages one way within the process",
		example: "  spry bench inproc-thr\n  spry bench inproc-thr --own --size 64,1KiB",
	},
	{
		name: "inproc-lat", kind: bench.Lat, within: true, short: "Measure round trips within the process",
		example: "  spry bench inproc-lat --hist",
	},
}

// benchFlags are the flags of a verb that measures, as the command line has them.
type benchFlags struct {
	bench.Options
	sizes                        units.Sizes
	count, rounds, callers, subs units.Count
	span, warmup, timeout        units.Duration
	batch, own, asCSV, asJSON    bool
}

func (w benchWork) command() *cobra.Command {
	b := &benchFlags{
		sizes: units.Sizes{64}, rounds: 1, callers: 64, subs: 8,
		span: units.Duration(time.Second), warmup: units.Duration(200 * time.Millisecond), timeout: units.Duration(5 * time.Second),
	}
	cmd := &cobra.Command{
		Use: w.name, Short: w.short, Long: w.short + ".", Example: w.example, GroupID: "work", Args: takesFlags,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil {
				return exit.Errorf(exit.Usage, "%w", err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.options(cmd, &w); err != nil {
				return err
			}
			if w.within {
				return bench.RunWithin(cmd.Context(), b.Options)
			}
			return bench.Run(cmd.Context(), b.Options)
		},
	}
	if w.long != "" {
		cmd.Long += "\n\n" + w.long
	}
	if w.within {
		cmd.GroupID = "within"
	}
	b.add(cmd, &w)
	return cmd
}

func (b *benchFlags) add(cmd *cobra.Command, w *benchWork) {
	f := cmd.Flags()
	if !w.within {
		f.StringVarP(&b.URL, "dial", "d", "", "`URL` at which spry bench serve listens")
		f.Var(&b.timeout, "connect-timeout", "give up if nobody answers within this `time`")
		addTLSFlags(cmd, &b.TLS)
	}
	f.Var(&b.sizes, "size", "bytes of a message, or several sizes (64,1KiB,64KiB)")
	f.VarP(&b.count, "count", "n", "measure this many messages or round trips (10k, 1M) in each run")
	f.Var(&b.span, "for", "measure for this `time` in each run; with --count, at most this time")
	f.Var(&b.warmup, "warmup", "warm up for this `time` before each run")
	f.Var(&b.rounds, "rounds", "measure all sizes this many times; the table shows medians")
	switch w.kind {
	case bench.Fan:
		f.Var(&b.subs, "subs", "number of subscribers")
	case bench.Callers:
		f.Var(&b.callers, "callers", "number of callers")
	}
	if w.kind == bench.Thr || w.kind == bench.Fan {
		f.BoolVar(&b.batch, "batch", false, "send and receive in batches of up to 64 messages")
		f.BoolVar(&b.own, "own", false, "send messages that Spry need not copy")
		cmd.MarkFlagsMutuallyExclusive("batch", "own")
	} else {
		f.BoolVar(&b.Histogram, "hist", false, "draw a histogram of the round trips for each size below the table")
	}
	f.BoolVar(&b.asCSV, "csv", false, "print comma-separated values, a line for each run")
	f.BoolVar(&b.asJSON, "json", false, "print one JSON object a line for each run: work, transport, size, mode, callers, subs, round, messages, "+
		"seconds, rate, mb_per_s, lost and, of round trips, p50_us, p90_us, p99_us, p999_us, max_us")
	cmd.MarkFlagsMutuallyExclusive("csv", "json")
}

// options combines and checks the flags.
func (b *benchFlags) options(cmd *cobra.Command, w *benchWork) error {
	if b.URL == "" && !w.within {
		return exit.Errorf(exit.Usage, "no address: give --dial URL, at which spry bench serve listens")
	}
	if b.Histogram && (b.asCSV || b.asJSON) {
		return exit.Errorf(exit.Usage, "--hist draws beneath the table: it cannot be had with --csv or --json")
	}
	const most = 1000
	if b.rounds < 1 || b.rounds > most {
		return exit.Errorf(exit.Usage, "--rounds %d: 1 to %d are possible", b.rounds, most)
	}
	flags := cmd.Flags()
	if flags.Changed("count") && b.count == 0 || flags.Changed("for") && b.span == 0 {
		return exit.Errorf(exit.Usage, "nothing to do: --count and --for must be more than 0")
	}
	b.Work = bench.Work{Kind: w.kind, Mode: bench.Plain, Count: int64(b.count), For: time.Duration(b.span), Warmup: time.Duration(b.warmup)}
	if flags.Changed("count") && !flags.Changed("for") {
		b.Work.For = 0
	}
	switch {
	case b.batch:
		b.Work.Mode = bench.Batch
	case b.own:
		b.Work.Mode = bench.Own
	}
	switch w.kind {
	case bench.Fan:
		b.Work.Subs = asInt(b.subs)
	case bench.Callers:
		b.Work.Callers = asInt(b.callers)
	}
	for _, size := range b.sizes {
		b.Sizes = append(b.Sizes, asInt(size))
	}
	switch {
	case b.asCSV:
		b.Form = bench.CSV
	case b.asJSON:
		b.Form = bench.JSON
	}
	b.Rounds, b.ConnectTimeout = int(b.rounds), time.Duration(b.timeout)
	b.Out, b.Err = cmd.OutOrStdout(), cmd.ErrOrStderr()
	b.Live, b.Width, b.Bold = terminal.Is(b.Err), terminal.Width(b.Out), terminal.Colour(b.Out)
	return nil
}

// asInt is a number that the work's limits refuse if it is too large, even if int has 32 bits.
func asInt[N units.Size | units.Count](n N) int { return int(min(n, math.MaxInt32)) }
