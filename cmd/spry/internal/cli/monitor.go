// SPDX-License-Identifier: MIT

package cli

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

func newMonitor() *cobra.Command {
	var (
		o      cat.Options
		asJSON bool
		span   units.Duration
		count  units.Count
		names  []string
	)
	for _, v := range verbs {
		names = append(names, v.name)
	}
	cmd := &cobra.Command{
		Use: "monitor PATTERN", Short: "Print what happens on a socket's connections", GroupID: "look",
		Args: takes("a socket"), ValidArgs: names,
		Long: "Opens a socket of the pattern, neither sends nor receives, and prints its events: connections that come, go and\n" +
			"fail, peers that are turned away and why, waits before the next attempt. Messages that peers send to it stay in\n" +
			"its queue and are lost when it ends: do not monitor with a pull socket where they matter.",
		Example: "  spry monitor req --dial tcp://127.0.0.1:5557\n  spry monitor sub --dial tcp://127.0.0.1:5556 --for 10s\n" +
			"  spry monitor rep --listen tcp://*:5557 --json\n  spry monitor dealer --dial tcp://127.0.0.1:5562 --curve-server-key server.cert",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needAddress(&o.Endpoints); err != nil {
				return err
			}
			o.For, o.Count = time.Duration(span), int64(count)
			v := verbs[slices.Index(names, args[0])]
			return cat.Monitor(cmd.Context(), v.open, &o, asJSON, cat.Stdio{Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()})
		},
	}
	addEndpointFlags(cmd, &o.Endpoints)
	addZMTPFlag(cmd, &o.Socket)
	addSecurityFlags(cmd, &o.Socket.Security)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: time, event, endpoint, pipe, peer, reason, count, wait_ms, error, missed")
	cmd.Flags().Var(&span, "for", "end after this `time`")
	cmd.Flags().VarP(&count, "count", "n", "end after this many events")
	return cmd
}
