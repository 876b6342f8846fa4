// SPDX-License-Identifier: MIT

// Package cli has the spry command's verbs and flags. The packages beside it implement them.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/nngcat"
	"github.com/sprymq/spry/cmd/spry/internal/zmqperf"
)

// helpTemplate shows the examples first: they are what most readers came for.
const helpTemplate = `{{with .Example}}Examples:
{{.}}

{{end}}{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

const usageTemplate = `Usage:{{if not .HasAvailableSubCommands}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} VERB [flags]{{range $group := .Groups}}

{{.Title}}{{if terse .ID}}
  {{verbsOf $ .ID}}{{else}}{{range $.Commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{range flagGroups .LocalFlags}}

{{.Title}}:
{{.FlagUsagesWrapped (columns) | trimTrailingWhitespaces}}{{end}}
`

const long = `spry sends and receives messages: with programs that use Spry, nanomsg, NNG, mangos or ZeroMQ.
Data goes to standard output, everything else to standard error. Ctrl-C ends a command and prints a summary.

Exit codes: 0 done, 1 error, 2 wrong usage, 3 no peer or no answer in time, before anything was done, 4 partly done.`

const rootExample = `  spry tour                                           # see every pattern at work
  spry pull --listen tcp://127.0.0.1:5555             # in one terminal
  spry push --dial tcp://127.0.0.1:5555 --data hello  # in another
  spry rep --listen ipc:///tmp/upper --exec 'tr a-z A-Z'
  spry req --dial ipc:///tmp/upper --data shout
  spry sub --zmtp --dial tcp://127.0.0.1:5556         # from a ZeroMQ publisher`

// Run is the whole program: it returns the exit code. ctx ends at Ctrl-C.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	name, rest := strings.TrimSuffix(filepath.Base(args[0]), ".exe"), args[1:]
	if !isPersonality(name) && len(rest) > 0 && isPersonality(rest[0]) {
		name, rest = rest[0], rest[1:]
	}
	switch {
	case name == "nngcat":
		return nngcat.Run(ctx, rest, stdin, stdout, stderr)
	case zmqperf.Is(name) && slices.Equal(rest, []string{"--help"}):
		args = []string{"spry", name, "--help"}
	case zmqperf.Is(name):
		return zmqperf.Run(ctx, name, rest, stdout, stderr)
	}
	root := newRoot()
	if len(args) > 1 && args[1] == cobra.ShellCompRequestCmd {
		plainUsage(root)
	} else if cmd, err := knownVerb(root, args[1:]); err != nil {
		return fail(stderr, cmd, err)
	}
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exit.OK
	}
	return fail(stderr, cmd, err)
}

// fail prints an error and returns its exit code.
func fail(stderr io.Writer, cmd *cobra.Command, err error) int {
	fmt.Fprintln(stderr, "spry:", strings.TrimPrefix(err.Error(), "spry: "))
	if exit.Code(err) == exit.Usage {
		fmt.Fprintf(stderr, "Try '%s --help'.\n", cmd.CommandPath())
	}
	return exit.Code(err)
}

func newRoot() *cobra.Command {
	cobra.AddTemplateFunc("columns", helpWidth)
	cobra.AddTemplateFunc("flagGroups", flagGroups)
	cobra.AddTemplateFunc("terse", func(group string) bool { return group == "zmq" || group == "foreign" || group == "self" })
	cobra.AddTemplateFunc("verbsOf", verbsOf)
	cobra.EnableCommandSorting = false // the order below is one of meaning
	root := &cobra.Command{
		Use: "spry", Short: "messages between programs, without a broker", Long: long, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			cmd.Help()
			return exit.Errorf(exit.Usage, "no verb given")
		},
	}
	root.PersistentFlags().String("context", "", "take flags from the context of this `name`; none for none")
	_ = root.RegisterFlagCompletionFunc("context", completeContexts)
	addObserveFlag(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := applyContext(cmd); err != nil {
			return err
		}
		return serveFigures(cmd)
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: "messages", Title: "Send and receive messages:"},
		&cobra.Group{ID: "zmq", Title: "With ZeroMQ only:"},
		&cobra.Group{ID: "look", Title: "Look, connect and measure:"},
		&cobra.Group{ID: "foreign", Title: "Behave like another program, also when called by its name:"},
		&cobra.Group{ID: "self", Title: "About the command:"},
	)
	root.SetHelpCommandGroupID("self")
	root.AddCommand(messageVerbs()...)
	root.AddCommand(newProxy(), newBridge(), newGateway(), newRecord(), newReplay(), newTap(), newInspect(), newMonitor(), newKeygen(), newTour(), newTourPeer())
	root.AddCommand(newLs(), newStats(), newTop(), newDash(), newDoctor(), newContext())
	root.AddCommand(newBench())
	root.AddCommand(perfVerbs()...)
	root.AddCommand(newNngcat(), newVersion(), newCompletion(), newMan())
	return root
}

// isPersonality reports whether the command behaves like another program when it is called by that name.
func isPersonality(name string) bool { return name == "nngcat" || zmqperf.Is(name) }

// newNngcat stands for the personality in help; Run sees to it before cobra does.
func newNngcat() *cobra.Command {
	return &cobra.Command{
		Use: "nngcat", Short: "Take the options of nngcat 1.5 and behave like it", GroupID: "foreign",
		Example: "  spry nngcat --pull0 --listen tcp://127.0.0.1:5555 --quoted\n  ln -s $(which spry) nngcat && ./nngcat --help",
		Long:    "The same happens when the command is called by the name nngcat.", DisableFlagParsing: true,
		Run: func(*cobra.Command, []string) {},
	}
}

// verbsOf lists the verbs of a group on a line.
func verbsOf(cmd *cobra.Command, group string) string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.GroupID == group && c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return strings.Join(names, ", ")
}

func helpWidth() int {
	if width := widthOf(os.Stdout); width > 0 {
		return min(width, 120)
	}
	return 100
}
