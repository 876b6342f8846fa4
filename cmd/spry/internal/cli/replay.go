// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/recording"
)

// replayers are the patterns that send what they are given.
var replayers = []string{"pub", "push", "pair", "bus", "req", "survey", "xpub", "xsub", "radio", "dealer", "router", "scatter", "client", "peer", "channel"}

func newReplay() *cobra.Command {
	var (
		m               messageFlags
		play            recording.Play
		from, to, speed string
		asJSON          bool
	)
	cmd := &cobra.Command{
		Use: "replay PATTERN [FILE]", Short: "Send recorded messages, as fast as they came", GroupID: "look",
		ValidArgs: replayers,
		Args:      takesAndFile("a pattern that sends"),
		Long: "Sends the messages of a recording with a socket of the pattern: the same frames in the same order, with the same time\n" +
			"between them. FILE is what spry record wrote, in either format; no FILE, or -, is standard input.\n\n" +
			"With --follow it goes on, without a gap or a message twice, with what is still being recorded; --speed max first gets\n" +
			"what is there at once. Places in the recording are numbers of messages, times such as 2026-01-31T12:00:00Z, or times\n" +
			"after the first message such as 1m30s.",
		Example: "  spry replay pub news.spry --listen tcp://*:5556\n" +
			"  spry replay push jobs.ndjson --dial tcp://127.0.0.1:5555 --speed max\n" +
			"  spry replay pub blocks/ --zmtp --listen tcp://*:28332 --follow --speed max\n" +
			"  spry replay pub news.spry --listen tcp://*:5556 --from 1m --to 2m --speed 10x --loop\n" +
			"  spry replay req requests.spry --dial tcp://127.0.0.1:5557 --format quoted",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := m.options(cmd)
			if err != nil {
				return err
			}
			if play.Speed, err = parseSpeed(speed); err != nil {
				return err
			}
			for _, place := range []struct {
				flag, text string
				to         *recording.Place
			}{{"from", from, &play.From}, {"to", to, &play.To}} {
				if place.text == "" {
					continue
				}
				if *place.to, err = recording.ParsePlace(place.text); err != nil {
					return exit.Errorf(exit.Usage, "--%s %q: %w", place.flag, place.text, err)
				}
			}
			if len(args) > 1 && args[1] != "-" {
				play.Path = args[1]
			} else if play.In = cmd.InOrStdin(); play.Loop || play.Follow {
				return exit.Errorf(exit.Usage, "--loop and --follow need a FILE")
			}
			if play.Loop && play.Follow {
				return exit.Errorf(exit.Usage, "--loop begins again at the end, where --follow waits: leave one of them out")
			}
			return runReplay(cmd, args[0], &play, o, asJSON)
		},
	}
	m.addCommonFlags(cmd)
	addZMTPFlag(cmd, &m.Socket)
	addSecurityFlags(cmd, &m.Socket.Security)
	m.addReceiveFlags(cmd)
	m.addOverflowFlag(cmd)
	m.addIdentityFlag(cmd)
	f := cmd.Flags()
	f.Lookup("format").DefValue = "none"
	f.Lookup("format").Usage = "print replies and answers as text, raw, quoted, hex, base64, json, msgpack-bin, or by a `template`"
	m.Format = "none"
	f.Var(&m.peers, "peers", "wait for this many peers before the first message")
	f.Var(&m.delay, "delay", "wait this `time` between the first peer and the first message")
	f.Var(&m.sendTimeout, "send-timeout", "give up if no peer accepts a message within this `time`")
	f.StringVar(&m.Group, "group", "", "radio: send to this `group`, and not to the one that is the first frame")
	f.StringVar(&speed, "speed", "1x", "`factor` of the original speed, such as 2x or 0.5x, or max")
	f.StringVar(&from, "from", "", "begin at this `place`")
	f.StringVar(&to, "to", "", "end after this `place`")
	f.BoolVar(&play.Loop, "loop", false, "begin again at the end")
	f.BoolVar(&play.Follow, "follow", false, "go on with a recording that is still being written, until that ends")
	f.BoolVar(&asJSON, "json", false, "at the end, print a JSON object: file, messages, bytes, loops, first, last, missed, cut_bytes")
	return cmd
}

// parseSpeed reads a factor; 0 is as fast as it goes.
func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return 0, nil
	}
	speed, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || !(speed >= 1e-6) || speed > 1e9 {
		return 0, exit.Errorf(exit.Usage, "--speed %q: write a factor like 1x, 2x or 0.5x, or max", text)
	}
	return speed, nil
}

func runReplay(cmd *cobra.Command, pattern string, play *recording.Play, o *cat.Options, asJSON bool) error {
	o.RecvCount, o.Repeat, o.Feed = 0, false, play.Runs
	err := cat.Run(cmd.Context(), openerOf(pattern), o, cat.Stdio{In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()})
	figures := play.Figures()
	name := play.Path
	if name == "" {
		name = "standard input"
	}
	if damage, is := errors.AsType[*recording.DamageError](err); is {
		code := exit.Partial
		if figures.Messages == 0 {
			code = exit.Failure
		}
		err = exit.Errorf(code, "replay: %s: %w; %d messages were sent", name, damage, figures.Messages)
	}
	switch {
	case err != nil:
	case figures.Missed > 0:
		err = exit.Errorf(exit.Partial, "replay: %s: %d messages were removed before they were read", name, figures.Missed)
	case !play.Ended() && !play.Follow && !play.Loop && o.Count == 0:
		err = exit.Errorf(exit.Partial, "replay: %s: it was not replayed to the end, but to message %d", name, figures.Last)
	}
	if figures.IndexFault != nil {
		cmd.PrintErrf("spry: %s: %v; its messages were searched from the beginning instead\n", name, figures.IndexFault)
	}
	switch {
	case o.Quiet:
	case figures.Written && !play.Follow:
		cmd.PrintErrf("spry: %s: it is still being recorded; --follow goes on with it\n", name)
	case figures.Cut > 0:
		cmd.PrintErrf("spry: %s: the last %d bytes are no whole message, because its recording was cut short\n", name, figures.Cut)
	}
	if asJSON {
		return errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			File string `json:"file"`
			recording.PlayFigures
		}{name, figures}))
	}
	if !o.Quiet {
		cmd.PrintErrf("spry: %s\n", fmt.Sprintf("%d messages of %d bytes replayed from %s", figures.Messages, figures.Bytes, name))
	}
	return err
}
