// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sprymq/spry/cmd/spry/internal/contexts"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
	"github.com/sprymq/spry/cmd/spry/internal/table"
	"github.com/sprymq/spry/cmd/spry/internal/terminal"
	"github.com/sprymq/spry/internal/urls"
)

func newContext() *cobra.Command {
	cmd := &cobra.Command{
		Use: "context", Short: "Keep addresses and options under a name", GroupID: "look",
		Long: "Keep addresses and options under a name, for all verbs that have these flags. A verb takes them from the context that\n" +
			"--context NAME names, else from the one of " + contextVariable + ", else from the selected one; --context none takes none. Flags on the\n" +
			"command line come first: any --dial or --listen there stands for all addresses of the context.",
		Example: "  spry context add prod --dial tls+tcp://broker.example:5555 --cacert ca.pem --node https://broker.example/spry\n" +
			"  spry context select prod\n  spry stats\n  spry --context staging push --data hello",
		Args: takesNone,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return exit.Errorf(exit.Usage, "context needs a verb: add, ls, show, select or rm")
		},
	}
	cmd.AddCommand(newContextAdd(), newContextLs(), newContextShow(), newContextSelect(), newContextRm())
	return cmd
}

// contextVariable has the name of a context.
const contextVariable = "SPRY_CONTEXT"

// contextKeys are the flags that a context may have.
var contextKeys = []string{
	"dial", "listen", "node",
	"cacert", "crl", "cert", "key", "server-name", "insecure",
	"zmtp", "identity", "curve-server-key", "curve-key", "curve-server", "allow", "plain", "plain-password-file", "plain-server",
	"format", "frames", "queue", "queue-bytes", "max-message", "ttl", "connect-timeout", "send-timeout", "recv-timeout", "linger", "timeout",
}

// contextFiles are those that name a file or a directory: their paths become absolute, so that they hold in any directory.
var contextFiles = []string{"cacert", "crl", "cert", "key", "curve-server-key", "curve-key", "allow", "plain-password-file", "plain-server"}

const descriptionKey = "description"

func newContextAdd() *cobra.Command {
	var (
		description string
		force       bool
	)
	cmd := &cobra.Command{
		Use: "add NAME [flags]", Short: "Add a context", Args: takesName,
		Long:    "Add a context with the flags that are given. Its file can be read by this user only.",
		Example: "  spry context add local --dial ipc:///run/app/jobs.sock\n  spry context add prod --force --dial tcp://10.0.0.7:5555 --description 'the real one'",
	}
	flags := cmd.Flags()
	addContextFlags(flags)
	flags.StringVar(&description, descriptionKey, "", "a `text` for spry context ls")
	flags.BoolVar(&force, "force", false, "replace the context if there is one of this name")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		values := make(map[string]any)
		flags.Visit(func(f *pflag.Flag) {
			if slices.Contains(contextKeys, f.Name) {
				values[f.Name] = contextValue(f)
			}
		})
		if len(values) == 0 {
			return exit.Errorf(exit.Usage, "a context needs at least one flag of other verbs, such as --dial URL")
		}
		if description != "" {
			values[descriptionKey] = description
		}
		return usage(contexts.Save(args[0], values, force))
	}
	return cmd
}

// addContextFlags adds the flags of other verbs that a context may have.
func addContextFlags(to *pflag.FlagSet) {
	verbs := append(messageVerbs(), newLs(), newDash())
	for _, name := range contextKeys {
		for _, verb := range verbs {
			if f := verb.Flags().Lookup(name); f != nil && isContextFlag(f) {
				f.Shorthand = ""
				to.AddFlag(f)
				break
			}
		}
	}
}

// isContextFlag reports whether a flag has the meaning that its name has in a context: the page of dash listens elsewhere.
func isContextFlag(f *pflag.Flag) bool {
	address := slices.Contains([]string{"dial", "listen", "node"}, f.Name)
	return address == (f.Value.Type() == "stringArray")
}

func contextValue(f *pflag.Flag) any {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	text := f.Value.String()
	if f.Value.Type() == "bool" {
		return text == "true"
	}
	if slices.Contains(contextFiles, f.Name) {
		if _, err := os.Stat(text); err == nil {
			if absolute, err := filepath.Abs(text); err == nil {
				return absolute
			}
		}
	}
	return text
}

func takesName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return exit.Errorf(exit.Usage, "%s takes the name of a context", cmd.Name())
	}
	return nil
}

// usage is an error about what was asked for: a name that is none, or a context that does not exist.
func usage(err error) error {
	if err == nil || exit.Code(err) != exit.Failure {
		return err
	}
	return exit.Errorf(exit.Usage, "%w", err)
}

// A listedContext is the JSON of a context.
type listedContext struct {
	Name        string         `json:"name"`
	Selected    bool           `json:"selected"`
	Description string         `json:"description"`
	Path        string         `json:"path"`
	Settings    map[string]any `json:"settings"` // by the names of flags, without passwords in URLs
}

func describe(c *contexts.Context, selected string) listedContext {
	l := listedContext{Name: c.Name, Selected: c.Name == selected, Path: c.Path, Settings: make(map[string]any)}
	for _, s := range c.Settings {
		switch {
		case s.Key == descriptionKey:
			l.Description = s.Text
		case s.Kind == settings.List:
			shown := make([]string, len(s.List))
			for i, text := range s.List {
				shown[i] = urls.Redact(text)
			}
			l.Settings[s.Key] = shown
		case s.Kind == settings.Bool:
			l.Settings[s.Key] = s.Text == "true"
		default:
			l.Settings[s.Key] = urls.Redact(s.Text)
		}
	}
	return l
}

func newContextLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List the contexts", Args: takesNone,
		Long:    "List the contexts. An asterisk is before the selected one.",
		Example: "  spry context ls\n  spry context ls --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := contexts.Names()
			if err != nil {
				return err
			}
			selected, err := contexts.Selected()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			to := json.NewEncoder(out)
			to.SetEscapeHTML(false)
			t := table.Table{
				Headings: []string{"", "name", "addresses", "description"}, Left: map[int]bool{0: true, 1: true, 2: true, 3: true},
				Width: terminal.Width(out), Bold: terminal.Colour(out),
			}
			for _, name := range names {
				c, err := loadContext(cmd, name)
				if err != nil {
					cmd.PrintErrf("spry: %v\n", err)
					continue
				}
				l := describe(c, selected)
				if asJSON {
					if err := to.Encode(l); err != nil {
						return err
					}
					continue
				}
				var addresses []string
				for _, key := range []string{"dial", "listen", "node"} {
					switch v := l.Settings[key].(type) {
					case string:
						addresses = append(addresses, v)
					case []string:
						addresses = append(addresses, v...)
					}
				}
				t.Rows = append(t.Rows, []string{map[bool]string{true: "*"}[l.Selected], name, strings.Join(addresses, " "), l.Description})
			}
			if asJSON || len(t.Rows) == 0 {
				return nil
			}
			return t.Write(out)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object for each context, a line each")
	return cmd
}

func newContextShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show [NAME]", Short: "Show a context, or the one that verbs take", ValidArgsFunction: completeContexts,
		Long:    "Show a context, or without a NAME the one that verbs take their flags from. Passwords in URLs are not shown.",
		Example: "  spry context show\n  spry context show prod --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var (
				c   *contexts.Context
				err error
			)
			if len(args) == 1 {
				c, err = loadContext(cmd, args[0])
			} else if c, err = chosenContext(cmd); err == nil && c == nil {
				return exit.Errorf(exit.Usage, "no context is selected; name one")
			}
			if err != nil {
				return usage(err)
			}
			selected, err := contexts.Selected()
			if err != nil {
				return err
			}
			l := describe(c, selected)
			if asJSON {
				to := json.NewEncoder(cmd.OutOrStdout())
				to.SetEscapeHTML(false)
				return to.Encode(l)
			}
			for _, s := range c.Settings {
				value := any(l.Description)
				if s.Key != descriptionKey {
					value = l.Settings[s.Key]
				}
				text, err := json.Marshal(value) // as TOML writes it too
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s = %s\n", s.Key, text); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func newContextSelect() *cobra.Command {
	return &cobra.Command{
		Use: "select NAME", Short: "Select the context that verbs take", Args: takesName, ValidArgsFunction: completeContexts,
		Long:    "Select the context from which verbs take their flags, unless --context or " + contextVariable + " names another. none selects none.",
		Example: "  spry context select prod\n  spry context select none",
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] == noContext {
				return contexts.Select("")
			}
			return usage(contexts.Select(args[0]))
		},
	}
}

func newContextRm() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME...", Short: "Remove contexts", ValidArgsFunction: completeContexts,
		Long:    "Remove contexts, and the selection of one of them.",
		Example: "  spry context rm staging",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var errs []error
			for _, name := range args {
				errs = append(errs, contexts.Remove(name))
			}
			return usage(errors.Join(errs...))
		},
	}
}

func completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	names, err := contexts.Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
