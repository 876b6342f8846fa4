// SPDX-License-Identifier: MIT

package cli

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/terminal"
	"github.com/sprymq/spry/cmd/spry/internal/tour"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// peerVerb is the hidden verb of the tour's child processes.
const peerVerb = "tour-peer"

func newTour() *cobra.Command {
	span, size, asJSON := units.Duration(6*time.Second), units.Size(64), false
	cmd := &cobra.Command{
		Use: "tour", Short: "See every pattern at work, between processes and within one", GroupID: "look", Args: takesNone,
		Long: "Starts child processes and drives every pattern between them and this one, over tcp, ipc, ws and wss, and\n" +
			"within this process over inproc; then prints what arrived, how fast, and what was dropped and why. Every message must be\n" +
			"accounted for: the exit code is 1 if one is missing that nobody counted as dropped.\n\n" +
			"rate is at full speed. Latency is measured before that, at a steady pace, from the time at which a message was due\n" +
			"to its arrival, by a clock that all processes of the machine share: one way for push/pull and pub/sub, there and\n" +
			"back for the others.",
		Example: "  spry tour\n  spry tour --json\n  spry tour --for 1m --size 1KiB",
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			out, talk := cmd.OutOrStdout(), cmd.ErrOrStderr()
			err = tour.Run(cmd.Context(), tour.Options{
				Duration: time.Duration(span), Size: int(size), JSON: asJSON, Command: []string{self, peerVerb}, Out: out, Err: talk,
				Live: terminal.Is(talk), Width: terminal.Width(out), Bold: terminal.Colour(out),
			})
			if err != nil {
				return exit.Errorf(exit.Failure, "tour: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().Var(&span, "for", "about this `time` for the whole tour")
	cmd.Flags().Var(&size, "size", "bytes of a message, at least 8")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: pattern, transport, messages, rate, p50_us, p99_us, drops")
	return cmd
}

func newTourPeer() *cobra.Command {
	return &cobra.Command{
		Use: peerVerb, Hidden: true, Args: takesNone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tour.Peer(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
