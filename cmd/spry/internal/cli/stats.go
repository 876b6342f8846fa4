// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/figures"
	"github.com/sprymq/spry/cmd/spry/internal/units"
	"github.com/sprymq/spry/observe"
)

func newStats() *cobra.Command {
	var (
		asJSON, watch bool
		interval      = units.Duration(time.Second)
		rounds        units.Count
	)
	cmd := &cobra.Command{
		Use: "stats [NODE...]", Short: "Show all figures of sockets", GroupID: "look",
		Long: "Show the figures of processes as a tree: each socket with its endpoints, and these with their pipes. A NODE is as in spry ls,\n" +
			"and without any they are all processes of this user on this machine that call observe.ServeLocal. With --watch, each round\n" +
			"after the first shows what was counted since the one before. --json prints the whole report of a process in a line.\n" +
			"The exit code is 3 if no process answers, and 4 if some of the nodes do not.",
		Example: "  spry stats\n  spry stats http://127.0.0.1:8080/spry --watch --interval 10s\n  spry stats --json | jq .sockets[].send.dropped",
		RunE: func(cmd *cobra.Command, args []string) error {
			if time.Duration(interval) < minInterval {
				return exit.Errorf(exit.Usage, "--interval is %s, and at least %s", time.Duration(interval), minInterval)
			}
			if !watch {
				for _, name := range []string{"interval", "count"} {
					if cmd.Flags().Changed(name) {
						return exit.Errorf(exit.Usage, "--%s is for --watch", name)
					}
				}
				rounds = 1
			}
			p := reportPrinter{out: cmd.OutOrStdout(), asJSON: asJSON, earlier: make(map[string]*observe.Report)}
			return inRounds(cmd, nodesOf(cmd, args), time.Duration(interval), int(rounds), p.print)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&watch, "watch", "w", false, "go on, and show what was counted since the round before")
	f.Var(&interval, "interval", "with --watch, the `time` between two rounds")
	f.Var(&rounds, "count", "with --watch, end after this many rounds; 0 for none")
	f.BoolVar(&asJSON, "json", false, "print a JSON object for each process, a line each")
	return cmd
}

// A reportPrinter prints reports, from the second on as differences.
type reportPrinter struct {
	out     io.Writer
	asJSON  bool
	earlier map[string]*observe.Report // by instance
	rounds  int
}

// A statsLine is the JSON of a process.
type statsLine struct {
	Node  string    `json:"node"`           // URL without secrets
	Since time.Time `json:"since,omitzero"` // counters are those since then; all if it is missing
	*observe.Report
}

func (p *reportPrinter) print(found []nodeReport) error {
	now := make(map[string]*observe.Report, len(found))
	if p.rounds++; p.rounds > 1 && !p.asJSON {
		if _, err := fmt.Fprintln(p.out); err != nil {
			return err
		}
	}
	to := json.NewEncoder(p.out)
	to.SetEscapeHTML(false)
	for _, r := range found {
		now[r.Instance] = r.Report
		line := statsLine{Node: r.url, Report: r.Report}
		if earlier := p.earlier[r.Instance]; earlier != nil {
			line.Since, line.Report = earlier.At, since(r.Report, earlier)
		}
		var err error
		if p.asJSON {
			err = to.Encode(line)
		} else {
			if !line.Since.IsZero() {
				_, err = fmt.Fprintf(p.out, "in %s: ", r.At.Sub(line.Since).Round(time.Millisecond))
			}
			if err == nil {
				err = figures.WriteProcess(p.out, r.url, line.Report)
			}
		}
		if err != nil {
			return err
		}
	}
	p.earlier = now
	return nil
}

// since is a report with what was counted since an earlier one of the same process.
func since(r, earlier *observe.Report) *observe.Report {
	before := make(map[uint64]spry.Stats, len(earlier.Sockets))
	for i := range earlier.Sockets {
		before[earlier.Sockets[i].ID] = earlier.Sockets[i].Stats
	}
	d := *r
	d.Sockets = nil
	for _, s := range r.Sockets {
		if b, ok := before[s.ID]; ok {
			s.Stats = s.Since(b)
		}
		d.Sockets = append(d.Sockets, s)
	}
	return &d
}
