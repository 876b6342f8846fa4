// SPDX-License-Identifier: MIT

package cli

import (
	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// addSecurityFlags adds how to secure connections with ZeroMQ peers.
func addSecurityFlags(cmd *cobra.Command, s *endpoint.Security) {
	f := cmd.Flags()
	f.StringVar(&s.CurveServerKey, "curve-server-key", "", "be a CURVE client; the server's public `key` in Z85, or a file with its certificate")
	f.StringVar(&s.CurveKey, "curve-key", "", "`file` with this end's CURVE certificate, made by spry keygen curve or CZMQ; by default a client uses a new key")
	f.BoolVar(&s.CurveServer, "curve-server", false, "be a CURVE server, with --curve-key")
	f.StringVar(&s.Allow, "allow", "", "accept only the CURVE clients whose public certificates are in this `directory`")
	f.StringVar(&s.Plain, "plain", "", "be a PLAIN client with this `name`; "+endpoint.PasswordVariable+" has the password")
	f.StringVar(&s.PlainPasswordFile, "plain-password-file", "", "read the PLAIN password from the first line of `file`")
	f.StringVar(&s.PlainServer, "plain-server", "", "be a PLAIN server that accepts the names in `file`, one NAME=PASSWORD a line")
	for _, name := range []string{"curve-key", "plain-password-file", "plain-server"} {
		cmd.MarkFlagFilename(name)
	}
	_ = cmd.MarkFlagDirname("allow") // fails only where there is no such flag
}
