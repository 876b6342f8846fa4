// SPDX-License-Identifier: MIT

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/figures"
	"github.com/sprymq/spry/cmd/spry/internal/terminal"
	"github.com/sprymq/spry/cmd/spry/internal/top"
	"github.com/sprymq/spry/cmd/spry/internal/units"
	"github.com/sprymq/spry/observe"
)

func newTop() *cobra.Command {
	o := top.Options{}
	var (
		asJSON   bool
		interval = units.Duration(time.Second)
		rounds   units.Count
	)
	cmd := &cobra.Command{
		Use: "top [NODE...]", Short: "Watch sockets and pipes as they work", GroupID: "look",
		Long: "Watch the sockets of processes, or their pipes, in a table that can be sorted and searched: rates, queues and their limits,\n" +
			"the age of the oldest message, drops and round trips. A NODE is as in spry ls, and without any they are all processes of\n" +
			"this user on this machine that call observe.ServeLocal; those that begin later appear. It needs a terminal, unless --json\n" +
			"prints the rows. The key ? shows all keys.",
		Example: "  spry top\n  spry top --pipes --sort drops\n  spry top http://127.0.0.1:8080/spry --json --count 10",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(top.Columns(), o.Sort) {
				return exit.Errorf(exit.Usage, "there is no column %q; there are %s", o.Sort, strings.Join(top.Columns(), ", "))
			}
			o.Interval, o.Rounds = time.Duration(interval), int(rounds)
			if o.Interval < minInterval {
				return exit.Errorf(exit.Usage, "--interval is %s, and at least %s", o.Interval, minInterval)
			}
			if asJSON {
				return printRows(cmd, nodesOf(cmd, args), o)
			}
			if !terminal.Is(cmd.InOrStdin()) || !terminal.Is(cmd.OutOrStdout()) {
				return exit.Errorf(exit.Usage, "top needs a terminal: use --json here, or spry stats --watch")
			}
			return watchRows(cmd, nodesOf(cmd, args), o)
		},
	}
	f := cmd.Flags()
	f.Var(&interval, "interval", "the `time` between two rounds")
	f.Var(&rounds, "count", "end after this many rounds; 0 for none")
	f.StringVar(&o.Sort, "sort", "out", "sort by this `column`: "+strings.Join(top.Columns(), ", "))
	f.StringVar(&o.Filter, "filter", "", "show only rows with this `text` in them")
	f.BoolVar(&o.Pipes, "pipes", false, "show pipes instead of sockets")
	f.BoolVar(&asJSON, "json", false, "print a JSON object for each row, a line each, in each round")
	_ = cmd.RegisterFlagCompletionFunc("sort", cobra.FixedCompletions(top.Columns(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// minInterval is the shortest time between two rounds: a process that is asked all the time does little else.
const minInterval = 50 * time.Millisecond

// answerTime is how long a node may take to answer before it counts as gone.
const answerTime = 5 * time.Second

func watchRows(cmd *cobra.Command, nodes []string, o top.Options) error {
	ctx := cmd.Context()
	o.Find = func() []string { return orLocal(nodes) }
	o.Shown = shownURL
	o.Ask = func(node string) (*observe.Report, error) {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		return (&observe.Node{URL: node}).Report(ctx)
	}
	program := tea.NewProgram(top.New(o), tea.WithContext(ctx), tea.WithInput(cmd.InOrStdin()), tea.WithOutput(cmd.OutOrStdout()), tea.WithoutSignalHandler())
	_, err := program.Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil // an interrupt is a way to end
	}
	return err
}

// orLocal returns the nodes, or else the processes of this user on this machine.
func orLocal(nodes []string) []string {
	if len(nodes) > 0 {
		return nodes
	}
	local := observe.Local()
	slices.Sort(local)
	return local
}

func printRows(cmd *cobra.Command, nodes []string, o top.Options) error {
	samplers := make(map[string]*figures.Sampler)
	to := json.NewEncoder(cmd.OutOrStdout())
	to.SetEscapeHTML(false)
	return inRounds(cmd, nodes, o.Interval, o.Rounds, func(found []nodeReport) error {
		var all []figures.Row
		for _, r := range found {
			s := samplers[r.url]
			if s == nil {
				s = &figures.Sampler{Node: r.url}
				samplers[r.url] = s
			}
			rows := s.Rows(r.Report)
			if o.Pipes {
				all = append(all, rows.Pipes...)
			} else {
				all = append(all, rows.Sockets...)
			}
		}
		all = top.Filtered(all, o.Filter)
		top.Sort(all, o.Sort, false)
		for i := range all {
			if err := to.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// inRounds asks nodes again and again and passes what they answer to show, until the command is interrupted or has done so as often as it
// should; 0 is without end. It fails if no node answers the first time. A node that stops answering is reported once, until it answers again.
func inRounds(cmd *cobra.Command, nodes []string, interval time.Duration, rounds int, show func([]nodeReport) error) error {
	ctx := cmd.Context()
	var reported string
	for done := 0; ; {
		found, failed := askNodes(ctx, nodes, answerTime)
		if ctx.Err() != nil {
			return nil
		}
		if done == 0 && len(found) == 0 {
			return answered(cmd, 0, failed)
		}
		if now := fmt.Sprint(failed); len(failed) > 0 && now != reported {
			for _, err := range failed {
				cmd.PrintErrf("spry: %v\n", err)
			}
			reported = now
		} else if len(failed) == 0 {
			reported = ""
		}
		if err := show(found); err != nil {
			if errors.Is(err, io.ErrClosedPipe) {
				return nil
			}
			return err
		}
		if done++; done == rounds {
			if len(failed) > 0 {
				return exit.Errorf(exit.Partial, "%d of %d nodes do not answer", len(failed), len(found)+len(failed))
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}
