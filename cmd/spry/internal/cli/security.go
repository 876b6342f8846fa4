// SPDX-License-Identifier: MIT

package cli

import (
	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// addSecurityFlags adds how to secure connections with ZeroMQ peers.
func addSecurityFlags(cmd *cobra.Command, s *endpoint.Security) {
	f := cmd.Flags()
	f.StringVar(&s.CurveServerKey, "curve-server-key", "", "curve: the public `key` of the server in Z85, or a file with its certificate; this end is a client then")
	f.StringVar(&s.CurveKey, "curve-key", "", "curve: own certificate, a `file` of spry keygen curve or CZMQ; a client without one makes a key for itself")
	f.BoolVar(&s.CurveServer, "curve-server", false, "curve: be the server, with --curve-key")
	f.StringVar(&s.Allow, "allow", "", "curve: let in the clients whose public certificates are in this `directory` only")
	f.StringVar(&s.Plain, "plain", "", "plain: be a client of this `name`; "+endpoint.PasswordVariable+" has the password")
	f.StringVar(&s.PlainPasswordFile, "plain-password-file", "", "plain: the first line of this `file` is the password")
	f.StringVar(&s.PlainServer, "plain-server", "", "plain: be a server that lets in those who are in this `file`, with NAME=PASSWORD on each line")
	for _, name := range []string{"curve-key", "plain-password-file", "plain-server"} {
		cmd.MarkFlagFilename(name)
	}
	_ = cmd.MarkFlagDirname("allow") // fails only where there is no such flag
}
