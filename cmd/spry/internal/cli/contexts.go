// SPDX-License-Identifier: MIT

package cli

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sprymq/spry/cmd/spry/internal/contexts"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
	"github.com/sprymq/spry/internal/urls"
)

// noContext is the name of none.
const noContext = "none"

// chosenContext is the context that --context, the environment or the selection names, or nil.
func chosenContext(cmd *cobra.Command) (*contexts.Context, error) {
	var name, source string
	if f := cmd.Root().PersistentFlags().Lookup("context"); f.Changed {
		name, source = f.Value.String(), "--context"
	} else if name = os.Getenv(contextVariable); name != "" {
		source = contextVariable
	} else {
		var err error
		if name, err = contexts.Selected(); err != nil {
			return nil, err
		}
		source = "spry context select"
	}
	if name == "" || name == noContext {
		return nil, nil
	}
	c, err := loadContext(cmd, name)
	if err != nil {
		return nil, exit.Errorf(exit.Usage, "context %w (named by %s)", err, source)
	}
	return c, nil
}

// loadContext reads a context and checks its keys.
func loadContext(cmd *cobra.Command, name string) (*contexts.Context, error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	addContextFlags(flags)
	c, err := contexts.Load(name, func(s settings.Setting) error { return checkSetting(flags, s) })
	if err != nil {
		return nil, err
	}
	if c.Open() {
		cmd.PrintErrf("spry: others can read %s; make it yours alone: chmod 600\n", c.Path)
	}
	return c, nil
}

// checkSetting sets a flag whose value is not used.
func checkSetting(flags *pflag.FlagSet, s settings.Setting) error {
	if s.Key == descriptionKey {
		if s.Kind != settings.Text {
			return fmt.Errorf("%s: write a text", s.Key)
		}
		return nil
	}
	f := flags.Lookup(s.Key)
	if f == nil {
		return fmt.Errorf("%q is no flag that a context may have; spry context add --help lists them", s.Key)
	}
	return setFlag(flags, f, s)
}

// setFlag sets a flag to what a context has.
func setFlag(flags *pflag.FlagSet, f *pflag.Flag, s settings.Setting) error {
	isList, isBool := f.Value.Type() == "stringArray", f.Value.Type() == "bool"
	values := []string{s.Text}
	switch {
	case isBool != (s.Kind == settings.Bool), s.Kind == settings.Other, s.Kind == settings.List && !isList, s.Kind == settings.Number && isList:
		want := map[bool]string{true: "a text, or a list of texts", false: "a text or a number"}[isList]
		if isBool {
			want = "true or false"
		}
		return fmt.Errorf("%s: write %s", s.Key, want)
	case s.Kind == settings.List:
		values = s.List
	}
	for _, v := range values {
		if err := flags.Set(f.Name, v); err != nil {
			return fmt.Errorf("%s: %s", s.Key, urls.Redact(err.Error()))
		}
	}
	return nil
}

// contextNodes is the key of the nodes of a context.
type contextNodes struct{}

// applyContext sets those flags of a verb that its context has and that are not on the command line.
func applyContext(cmd *cobra.Command) error {
	if cmd.GroupID == "self" || cmd.GroupID == "foreign" || cmd.Hidden || cmd.Parent() != cmd.Root() || cmd.Name() == "context" {
		return nil
	}
	c, err := chosenContext(cmd)
	if err != nil || c == nil {
		return err
	}
	flags := cmd.Flags()
	addressed := flags.Changed("dial") || flags.Changed("listen")
	for _, s := range c.Settings {
		if s.Key == "node" {
			cmd.SetContext(context.WithValue(cmd.Context(), contextNodes{}, append(s.List, s.Text)))
		}
		f := flags.Lookup(s.Key)
		if f == nil || f.Changed || !isContextFlag(f) || addressed && slices.Contains([]string{"dial", "listen"}, s.Key) {
			continue
		}
		if err := setFlag(flags, f, s); err != nil {
			return exit.Errorf(exit.Usage, "%w", contexts.At(c.Path, &settings.Error{Line: s.Line, Err: err}))
		}
	}
	return nil
}

// nodesOf are the nodes on the command line, or else those of the context.
func nodesOf(cmd *cobra.Command, args []string) []string {
	if len(args) > 0 {
		return args
	}
	nodes, _ := cmd.Context().Value(contextNodes{}).([]string)
	return slices.DeleteFunc(slices.Clone(nodes), func(s string) bool { return s == "" })
}
