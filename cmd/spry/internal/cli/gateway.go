// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/gate"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

func newGateway() *cobra.Command {
	var (
		o                     gate.Options
		every                 units.Duration
		check, example, quiet bool
	)
	cmd := &cobra.Command{
		Use: "gateway", Short: "Serve sockets to clients that have only HTTP", GroupID: "look", Args: takesNone,
		Long: "Serves sockets to pages, curl and programs that have only HTTP, as a file says, until Ctrl-C.\n\n" +
			"  kind       what a route serves\n" +
			"  ask        POST: a request, answered with the reply of a rep socket\n" +
			"  send       POST: a message for pull or sub sockets\n" +
			"  survey     POST: a survey, answered with lines of JSON\n" +
			"  events     GET: server-sent events of what push or pub sockets send, which clients resume\n" +
			"  stream     POST: a connection of the Scalability Protocols within HTTP/2\n" +
			"  websocket  GET: the same, and ZeroMQ's, by WebSocket\n" +
			"  files      GET: the files of a folder\n" +
			"  script     GET: the client for browsers, spry.js\n\n" +
			"--example prints a file with every key. A mistake is an error with the file and the line; --check finds all of them.",
		Example: "  spry gateway --example > gateway.toml\n" +
			"  spry gateway --config gateway.toml --check\n" +
			"  spry gateway -c gateway.toml --stats 1m",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case example:
				fmt.Fprint(cmd.OutOrStdout(), gate.Example)
				return nil
			case o.File == "":
				return exit.Errorf(exit.Usage, "give --config FILE; --example prints one to begin with")
			case check:
				lines, err := gate.Check(o.File)
				for _, line := range lines {
					fmt.Fprintln(cmd.OutOrStdout(), line)
				}
				return err
			}
			o.Print = func(form string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "spry: "+form+"\n", args...) }
			o.Say = func(form string, args ...any) {
				if !quiet {
					o.Print(form, args...)
				}
			}
			o.Every, o.Log = time.Duration(every), cmd.ErrOrStderr()
			ask, stop := asks()
			defer stop()
			o.Ask = ask
			return gate.Run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.File, "config", "c", "", "`file` in TOML that says what is served")
	f.BoolVar(&check, "check", false, "read the file, print what it serves or all its mistakes, and end")
	f.BoolVar(&example, "example", false, "print a file with every key, and end")
	f.Var(&every, "stats", "print the figures each time this `time` has passed; they are also printed on SIGUSR1 and at the end")
	f.BoolVarP(&quiet, "quiet", "q", false, "print only errors, and the figures that --stats asks for")
	_ = cmd.MarkFlagFilename("config", "toml") // fails only where there is no such flag
	return cmd
}
