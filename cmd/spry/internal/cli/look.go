// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/inspect"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

func newInspect() *cobra.Command {
	var (
		asJSON  bool
		tls     endpoint.TLS
		timeout = units.Duration(time.Second)
	)
	cmd := &cobra.Command{
		Use: "inspect URL", Short: "Find out what listens at an address", GroupID: "look", Args: takes("a URL"),
		Long: "Find out what listens at an address: the dialects it speaks, and of each what its handshake tells: the protocol\n" +
			"of the Scalability Protocols; ZeroMQ's version, security mechanism, socket type, identity and metadata; TLS with its\n" +
			"certificate, whether the address says so or not, and what is inside; HTTP with its status and server; SSH. Of anything\n" +
			"else the first bytes are shown. A handshake is all that happens, and in most cases only a part of one, so that the peer\n" +
			"hands no messages to nobody. Little is read, and nothing is waited for longer than --timeout: a peer that never says\n" +
			"anything costs that time for each of about fifteen ways to ask.\n" +
			"The exit code is 3 if nobody is there, or says nothing.",
		Example: "  spry inspect tcp://127.0.0.1:5555\n  spry inspect ipc:///tmp/jobs --json\n  spry inspect tls+tcp://host:5555 --cacert ca.pem",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := tls.Client()
			if err != nil {
				return err
			}
			stop := endpoint.AfterPatience(cmd.Context(), func() {
				cmd.PrintErrf("spry: no answer so far; a silent peer is asked in about fifteen ways, each for %s\n", time.Duration(timeout))
			})
			report, err := inspect.Run(cmd.Context(), args[0], inspect.Options{TLS: client, Timeout: time.Duration(timeout)})
			stop()
			if asJSON && (err == nil || report.Remote != "") {
				err = errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(report))
			} else if err == nil || report.TLS != nil {
				printReport(cmd.OutOrStdout(), report)
			}
			switch {
			case errors.Is(err, inspect.ErrAddress):
				return exit.Errorf(exit.Usage, "%w", err)
			case err != nil:
				return exit.Errorf(exit.NoPeer, "%w", err)
			case report.Dialect == inspect.Silent:
				return exit.Errorf(exit.NoPeer, "%s %s", args[0], report.Detail)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.Flags().Var(&timeout, "timeout", "wait this `time` for the connection and for each answer")
	addTLSFlags(cmd, &tls)
	return cmd
}

func printReport(w io.Writer, r *inspect.Report) {
	line := func(name, form string, args ...any) {
		text := fmt.Sprintf("%-12s"+form, append([]any{name}, args...)...)
		fmt.Fprintf(w, "%s\n", format.AppendText(nil, []byte(strings.ReplaceAll(text, "\n", " ")))) // peers may send any text
	}
	line("address", "%s (%s)", r.URL, r.Remote)
	if r.Dialect != inspect.Silent {
		line("dialect", "%s", strings.TrimSpace(r.Dialect+" "+r.Version))
	}
	if r.Protocol != "" {
		line("protocol", "%s (0x%02x)", r.Protocol, r.Number)
	}
	if r.Peer != "" {
		line("talks to", "%s", r.Peer)
	}
	if z := r.ZMTP; z != nil {
		printHello(line, r, z)
	}
	if r.Status != "" {
		line("status", "%s", r.Status)
	}
	if r.Server != "" {
		line("server", "%s", r.Server)
	}
	line("connect", "%s", time.Duration(r.ConnectUS*1e3).Round(time.Microsecond))
	if r.AnswerUS > 0 {
		line("round trip", "%s", time.Duration(r.AnswerUS*1e3).Round(time.Microsecond))
	}
	if t := r.TLS; t != nil {
		if t.Version != "" {
			line("tls", "%s, %s", t.Version, t.Cipher)
		}
		if t.Subject+t.Issuer != "" {
			line("certificate", "%s, issued by %s, until %s", t.Subject, t.Issuer, t.NotAfter.Format(time.DateOnly))
			line("", "for %s", strings.Join(t.Names, ", "))
		}
		line("verified", "%t", t.Verified)
	}
	if r.Detail != "" {
		line("note", "%s", r.Detail)
	}
}

// printHello shows how a peer of ZMTP introduced itself.
func printHello(line func(name, form string, args ...any), r *inspect.Report, z *inspect.Hello) {
	if r.Dialect != inspect.ZMTP {
		line("also", "%s %s", inspect.ZMTP, z.Version)
	}
	if z.Socket != "" {
		line("socket", "%s", z.Socket)
	}
	if z.Identity != "" {
		line("identity", "%q", z.Identity)
	}
	switch {
	case z.AsServer:
		line("security", "%s, as the server", z.Mechanism)
	case z.Mechanism == "NULL":
		line("security", "none")
	case z.Mechanism != "":
		line("security", "%s", z.Mechanism)
	}
	for _, name := range slices.Sorted(maps.Keys(z.Metadata)) {
		line("metadata", "%s: %q", name, z.Metadata[name])
	}
}
