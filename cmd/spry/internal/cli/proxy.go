// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/device"
	"github.com/sprymq/spry/cmd/spry/internal/devices"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

func newProxy() *cobra.Command {
	var (
		o           device.Options
		front, back []string
		dialFront   []string
		dialBack    []string
		tls         endpoint.TLS
		d           deviceFlags
		fromFile    devices.Options
		check       bool
		example     bool
	)
	cmd := &cobra.Command{
		Use: "proxy", Short: "Hand messages on between two addresses", GroupID: "look", Args: takesNone,
		Long: "Hands messages on between a front and a back, and answers back, until Ctrl-C.\n\n" +
			kindsHelp() + "\n" +
			"With --zmtp both sides are ZeroMQ's own: reqrep is a router and a dealer, pubsub an xsub and an xpub, which hand\n" +
			"subscriptions on, and pipeline and pair are what they are. Without it, listeners take peers of both families, and\n" +
			"zmtp+ before a URL dials ZeroMQ; spry bridge tells more of that.\n" +
			"Both sides listen; --dial-front and --dial-back connect instead, or as well. Messages that came over more than\n" +
			"--ttl proxies are dropped where the pattern counts them (all but pubsub, pipeline and bus).\n\n" +
			"--config FILE runs any number of devices, as the file says: queues, forwarders, streamers, bridges and others, with\n" +
			"limits, and taps for spry tap. --example prints a file with every key, and --check says all mistakes of one. SIGHUP reads\n" +
			"the file again: devices that have not changed keep their connections and queues, others are drained, and a file\n" +
			"with a mistake, or a device that cannot begin, changes nothing.",
		Example: "  spry proxy --example > proxy.toml\n" +
			"  spry proxy --config proxy.toml --check\n" +
			"  spry proxy -c proxy.toml --stats 1m\n" +
			"  spry proxy --kind reqrep --front tcp://*:5557 --back tcp://*:5558\n" +
			"  spry proxy --kind pubsub --dial-front tcp://source:5556 --back ipc:///tmp/news\n" +
			"  spry proxy --zmtp --kind pubsub --dial-front tcp://source:5556 --back tcp://*:5557 --stats 1m\n" +
			"  spry proxy --kind pipeline --front tls+tcp://*:5555 --cert own.pem --back tcp://127.0.0.1:5555",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example || fromFile.File != "" {
				return d.runFile(cmd, fromFile, check, example)
			}
			o.Front = device.Side{Name: "front", Set: endpoint.Set{Listen: front, Dial: dialFront, TLS: tls, ZMTP: o.ZMTP}}
			o.Back = device.Side{Name: "back", Set: endpoint.Set{Listen: back, Dial: dialBack, TLS: tls, ZMTP: o.ZMTP}}
			if len(front)+len(dialFront) == 0 || len(back)+len(dialBack) == 0 {
				return exit.Errorf(exit.Usage, "give --front or --dial-front, and --back or --dial-back, or --config FILE")
			}
			return d.run(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Kind, "kind", "k", "", strings.Join(device.Names(false), ", "))
	f.StringArrayVar(&front, "front", nil, "listen at `URL` in front (repeatable)")
	f.StringArrayVar(&back, "back", nil, "listen at `URL` at the back (repeatable)")
	f.StringArrayVar(&dialFront, "dial-front", nil, "connect to `URL` in front (repeatable)")
	f.StringArrayVar(&dialBack, "dial-back", nil, "connect to `URL` at the back (repeatable)")
	f.IntVar(&o.TTL, "ttl", 0, "pass on messages that came over at most this many `hops` (default 8)")
	f.BoolVar(&o.ZMTP, "zmtp", false, "speak ZeroMQ only, with its own socket types")
	f.StringVarP(&fromFile.File, "config", "c", "", "run the devices of this `file` in TOML; other flags but --stats and --quiet do not count")
	f.BoolVar(&check, "check", false, "read the file of --config, print its devices or all its mistakes, and end")
	f.BoolVar(&example, "example", false, "print a file with every key, and end")
	_ = cmd.MarkFlagFilename("config", "toml") // fails only where there is no such flag
	d.add(cmd)
	addTLSFlags(cmd, &tls)
	cmd.RegisterFlagCompletionFunc("kind", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return device.Names(false), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// runFile runs the devices of a file, or says what it describes.
func (d *deviceFlags) runFile(cmd *cobra.Command, o devices.Options, check, example bool) error {
	switch {
	case example:
		fmt.Fprint(cmd.OutOrStdout(), devices.Example)
		return nil
	case check:
		lines, err := devices.Check(o.File)
		for _, line := range lines {
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
		return err
	}
	o.Print, o.Say = d.talk(cmd)
	o.Every = time.Duration(d.every)
	ask, stop := asks()
	defer stop()
	reload, stopReloading := reloads()
	defer stopReloading()
	o.Ask, o.Reload = ask, reload
	return devices.Run(cmd.Context(), o)
}

// kindsHelp is the table of the kinds of proxies.
func kindsHelp() string {
	var text strings.Builder
	row := func(kind, front, back string) { fmt.Fprintf(&text, "  %-8s  %-14s  %s\n", kind, front, back) }
	row("kind", "front is for", "back is for")
	for _, k := range device.Kinds {
		row(k.Name, k.FrontFor, k.BackFor)
	}
	return text.String()
}
