// SPDX-License-Identifier: MIT

package cli

import (
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/observe"
)

// observeVariable has the value of --observe where that is not given.
const observeVariable = "SPRY_OBSERVE"

// observeLocal is the value that shows the command to the tools of its user.
const observeLocal = "local"

// addObserveFlag adds the flag that shows the sockets of a verb to ls, stats, top and dash.
func addObserveFlag(root *cobra.Command) {
	root.PersistentFlags().String("observe", "", "show this command's sockets to spry ls, stats, top and dash: `where` is local, or host:port of this machine")
	_ = root.RegisterFlagCompletionFunc("observe", cobra.FixedCompletions([]string{observeLocal}, cobra.ShellCompDirectiveNoFileComp))
}

// isObserved reports whether a verb has sockets worth a look.
func isObserved(cmd *cobra.Command) bool {
	return cmd.GroupID == "messages" || cmd.GroupID == "zmq" ||
		slices.Contains([]string{"proxy", "bridge", "gateway", "record", "replay", "tap"}, cmd.Name())
}

// serveFigures shows the sockets of a verb, until it ends, if --observe or the environment asks for it. The figures are those of the
// whole process, and anybody on this machine can read them at an address: other machines cannot.
func serveFigures(cmd *cobra.Command) error {
	f := cmd.Root().PersistentFlags().Lookup("observe")
	where := f.Value.String()
	if !f.Changed {
		where = os.Getenv(observeVariable)
	}
	if where == "" || !isObserved(cmd) {
		return nil
	}
	ctx := cmd.Context()
	if where == observeLocal {
		go func() {
			if err := observe.ServeLocal(ctx, nil); err != nil && ctx.Err() == nil {
				cmd.PrintErrf("spry: --observe %s: %v\n", observeLocal, err)
			}
		}()
		return nil
	}
	address, err := net.ResolveTCPAddr("tcp", where)
	if err != nil {
		return exit.Errorf(exit.Usage, "--observe is %s, or the host and port to listen at: %w", observeLocal, err)
	}
	if !address.IP.IsLoopback() {
		return exit.Errorf(exit.Usage, "--observe %s: other machines could read it; use a loopback address such as 127.0.0.1:%d", where, address.Port)
	}
	l, err := net.ListenTCP("tcp", address)
	if err != nil {
		return err
	}
	cmd.PrintErrf("spry: figures at http://%s\n", l.Addr())
	server := &http.Server{Handler: observe.Handler(nil), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cmd.PrintErrf("spry: --observe %s: %v\n", where, err)
		}
	}()
	return nil
}
