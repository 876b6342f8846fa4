// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/doctor"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/inspect"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

func newDoctor() *cobra.Command {
	var (
		asJSON, quiet bool
		tls           endpoint.TLS
		plan          doctor.Plan
		connections   = units.Count(1000)
		timeout       = units.Duration(5 * time.Second)
	)
	cmd := &cobra.Command{
		Use: "doctor", Short: "Find what on this machine would keep programs from working well", GroupID: "look", Args: takesNone,
		Long: "Find what on this machine would keep programs from working well, and what to do about it. It looks at the limits of open\n" +
			"files, for a number of connections; at the kernel's buffers and its queue of new connections; at the ports of URLs to\n" +
			"listen on, and who has them; at the ports for outgoing connections; at the clock; at the names of URLs to dial; at\n" +
			"certificates, those of files and those that listeners show; at the limits of memory and processors of the cgroup, and\n" +
			"whether the runtime of Go knows them. Nothing is changed. What cannot be looked at here is said to be unknown.\n" +
			"The exit code is 1 if something does not work, and 4 if something could work better.",
		Example: "  spry doctor\n  spry doctor --connections 50k --listen tcp://*:5555\n" +
			"  spry doctor --dial tls+tcp://host:5555 --cacert ca.pem --json\n  spry doctor --cert server.pem --key server.key",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := endpoint.TLS{CACert: tls.CACert, Revoked: tls.Revoked, ServerName: tls.ServerName, Insecure: tls.Insecure}.Client()
			if err != nil && tls.Revoked != "" {
				return err
			} // a finding says what is wrong with the authorities
			plan.Connections, plan.Timeout = int(connections), time.Duration(timeout)
			plan.Cert, plan.Key, plan.CACert = tls.Cert, tls.Key, tls.CACert
			machine := doctor.Machine(inspect.Options{TLS: client, Timeout: time.Duration(timeout)})
			found := doctor.Run(cmd.Context(), machine, plan)
			if asJSON {
				err = writeFindings(cmd.OutOrStdout(), found)
			} else {
				printFindings(cmd.OutOrStdout(), found, quiet)
			}
			switch worst := doctor.Worst(found); {
			case err != nil:
				return err
			case worst == doctor.Error:
				return exit.Errorf(exit.Failure, "something here does not work")
			case worst == doctor.Warning:
				return exit.Errorf(exit.Partial, "something here could work better")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.Var(&connections, "connections", "look for room for this number `n` of connections of one process")
	f.StringArrayVar(&plan.Listen, "listen", nil, "`URL` that a program is to listen on; repeat it for more")
	f.StringArrayVar(&plan.Dial, "dial", nil, "`URL` that a program is to dial; repeat it for more")
	f.Var(&timeout, "timeout", "wait this `time` for a name, for a connection and for each answer")
	f.BoolVar(&asJSON, "json", false, "print a JSON object for each finding, a line each")
	f.BoolVarP(&quiet, "quiet", "q", false, "print warnings and errors only")
	addTLSFlags(cmd, &tls)
	return cmd
}

func writeFindings(w io.Writer, found []doctor.Finding) error {
	to := json.NewEncoder(w)
	to.SetEscapeHTML(false)
	for _, f := range found {
		if err := to.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// printFindings prints a line for each finding, and for those that are not well two more.
func printFindings(w io.Writer, found []doctor.Finding, quiet bool) {
	for _, f := range found {
		bad := f.Severity == doctor.Warning || f.Severity == doctor.Error
		if quiet && !bad {
			continue
		}
		say := func(name, text string) { // names, files and certificates may have any text
			fmt.Fprintf(w, "%s\n", format.AppendText(nil, []byte(fmt.Sprintf("%-8s %s", name, strings.ReplaceAll(text, "\n", " ")))))
		}
		say(string(f.Severity), f.Subject+": "+f.What)
		if bad {
			say("", f.Why)
			say("", "-> "+f.Remedy)
		}
	}
}
