// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/device"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// deviceFlags are those that proxies and bridges share.
type deviceFlags struct {
	security  endpoint.Security
	separator string
	every     units.Duration
	quiet     bool
}

func (d *deviceFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&d.separator, "frames", "", "join the frames of a message by this `text` for peers that accept one frame only; by default such messages are dropped")
	f.Var(&d.every, "stats", "print the figures each time this `time` has passed; they are also printed on SIGUSR1 and at the end")
	f.BoolVarP(&d.quiet, "quiet", "q", false, "print only errors, and the figures that --stats asks for")
	addSecurityFlags(cmd, &d.security)
}

// run runs a device until Ctrl-C.
func (d *deviceFlags) run(cmd *cobra.Command, o device.Options) (err error) {
	o.Print, o.Say = d.talk(cmd)
	if o.Separator, err = unescape("--frames", d.separator); err != nil {
		return err
	}
	o.Join = cmd.Flags().Changed("frames")
	o.Every, o.Security = time.Duration(d.every), d.security
	ask, stop := asks()
	defer stop()
	o.Ask = ask
	return device.Run(cmd.Context(), o)
}

// talk returns what prints lines, and what does so unless --quiet.
func (d *deviceFlags) talk(cmd *cobra.Command) (printLine, say func(form string, args ...any)) {
	printLine = func(form string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "spry: "+form+"\n", args...) }
	return printLine, func(form string, args ...any) {
		if !d.quiet {
			printLine(form, args...)
		}
	}
}

func newBridge() *cobra.Command {
	var (
		o   device.Options
		tls endpoint.TLS
		d   deviceFlags
	)
	cmd := &cobra.Command{
		Use: "bridge SOCKET=URL SOCKET=URL...", Short: "Join the Scalability Protocols and ZeroMQ", GroupID: "look",
		Long: "Joins a side of the Scalability Protocols and one of ZeroMQ, until Ctrl-C: messages of the first socket go out of\n" +
			"the second, and replies back.\n\n" +
			"  pull=URL push=URL   what push sockets send, to pull sockets\n" +
			"  sub=URL  pub=URL    what pub sockets send, to sub sockets\n" +
			"  rep=URL  req=URL    the requests of req sockets, to rep sockets\n\n" +
			"Each may be given any number of times. An address without a host, or with a * for it, is listened at, and others\n" +
			"are dialed; listen:URL and dial:URL say it themselves. sp+ or zmtp+ before a URL says what is spoken there; a listener\n" +
			"whose URL says neither takes both, a dialer speaks the Scalability Protocols.\n\n" +
			"Subscribers of the Scalability Protocols do not tell their topics. The bridge subscribes to everything in front,\n" +
			"and sends subscribers of ZeroMQ at the back what they subscribed to, and the others everything.\n" +
			"Messages of several frames are for ZeroMQ: a side whose addresses do not all begin with zmtp+ is not sent any. They\n" +
			"are dropped, and counted, or become one with --frames.",
		Example: "  spry bridge pull=sp+tcp://:5555 push=zmtp+tcp://host:5556\n" +
			"  spry bridge sub=zmtp+tcp://bitcoin:28332 pub=sp+tcp://*:5556 --frames ' ' --stats 1m\n" +
			"  spry bridge rep=zmtp+tcp://*:5557 req=listen:sp+ipc:///tmp/workers req=dial:sp+tcp://spare:5558\n" +
			"  spry bridge pull=zmtp+tcp://*:5555 push=sp+ipc:///tmp/jobs --curve-server --curve-key own.cert --allow clients",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Kind, o.Front, o.Back, err = device.ParseBridge(args); err != nil {
				return err
			}
			o.Front.TLS, o.Back.TLS = tls, tls
			return d.run(cmd, o)
		},
	}
	cmd.Flags().IntVar(&o.TTL, "ttl", 0, "pass on requests that came over at most this many `hops` (default 8)")
	d.add(cmd)
	addTLSFlags(cmd, &tls)
	return cmd
}
