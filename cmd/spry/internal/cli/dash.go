// SPDX-License-Identifier: MIT

package cli

import (
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/dash"
	"github.com/sprymq/spry/observe"
)

func newDash() *cobra.Command {
	var (
		address, tokenFile string
		nodes              []string
	)
	cmd := &cobra.Command{
		Use: "dash", Short: "Serve a page that shows processes while they run", GroupID: "look", Args: takesNone,
		Long: "Serve a page that shows who is connected to whom, how fast, how full, and what was dropped and why, until Ctrl-C: of the\n" +
			"processes of this user on this machine that call observe.ServeLocal, and of those that serve observe.Handler at a --node.\n" +
			"The page is for this machine alone. An address that others can reach needs a token, which the page asks for.",
		Example: "  spry dash\n  spry dash --listen 127.0.0.1:8080 --node http://10.0.0.7:9090/spry\n  spry dash --listen :8080 --token-file token",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := dash.Options{Local: true}
			for _, url := range nodes {
				o.Nodes = append(o.Nodes, &observe.Node{URL: url})
			}
			if tokenFile != "" {
				text, err := os.ReadFile(tokenFile)
				if err != nil {
					return err
				}
				if o.Token = strings.TrimSpace(string(text)); o.Token == "" {
					return exit.Errorf(exit.Failure, "%s has no token", tokenFile)
				}
			}
			d, err := dash.New(&o)
			if err != nil {
				return err
			}
			defer d.Close()
			l, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", address)
			if err != nil {
				return err
			}
			served := make(chan error, 1)
			go func() { served <- d.Serve(cmd.Context(), l, nil) }()
			cmd.PrintErrf("spry: listening at http://%s/\n", l.Addr())
			return <-served
		},
	}
	f := cmd.Flags()
	f.StringVarP(&address, "listen", "l", "127.0.0.1:0", "serve the page at this `address`; port 0 picks a free port")
	f.StringArrayVar(&nodes, "node", nil, "show the process at this `URL` (repeatable)")
	f.StringVar(&tokenFile, "token-file", "", "ask for the token in this `file`, of at least 16 characters")
	return cmd
}
