// SPDX-License-Identifier: MIT

package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// knownVerb refuses a command line that begins with an unknown verb, before its flags are parsed: they belong to the verb.
func knownVerb(root *cobra.Command, args []string) (*cobra.Command, error) {
	cmd, rest, _ := root.Find(args)
	if !cmd.HasSubCommands() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return cmd, nil
	}
	return cmd, exit.Errorf(exit.Usage, "unknown verb %q%s", rest[0], didYouMean(similar(cmd, rest[0])))
}

// flagError adds a suggestion to an error about flags: the flags that were probably meant, or the form of the value.
func flagError(cmd *cobra.Command, err error) error {
	if invalid, is := errors.AsType[*pflag.InvalidValueError](err); is {
		return exit.Errorf(exit.Usage, "--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid))
	}
	if valueless, is := errors.AsType[*pflag.ValueRequiredError](err); is {
		what, _ := pflag.UnquoteUsage(valueless.GetFlag())
		return exit.Errorf(exit.Usage, "--%s needs a value: write --%s %s", valueless.GetFlag().Name, valueless.GetFlag().Name, strings.ToUpper(what))
	}
	unknown, is := errors.AsType[*pflag.NotExistError](err)
	if !is || len(unknown.GetSpecifiedName()) < 2 {
		return exit.Errorf(exit.Usage, "%w", err)
	}
	names := &cobra.Command{} // which knows how to find similar names of commands
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	meant := similar(names, unknown.GetSpecifiedName())
	for i := range meant {
		meant[i] = "--" + meant[i]
	}
	return exit.Errorf(exit.Usage, "%w%s", err, didYouMean(meant))
}

// wanted is what an invalid value should have been.
func wanted(invalid *pflag.InvalidValueError) error {
	switch invalid.GetFlag().Value.Type() {
	case "int":
		return errors.New("write a whole number")
	case "bool":
		return errors.New("write nothing behind it, or =true or =false")
	}
	return errors.Unwrap(invalid) // types of the command say it
}

// similar returns the verbs of a command that are most like name, if any is.
func similar(cmd *cobra.Command, name string) (verbs []string) {
	for distance := 1; distance <= 2 && len(verbs) == 0; distance++ {
		cmd.SuggestionsMinimumDistance = distance
		verbs = cmd.SuggestionsFor(name)
	}
	return verbs
}

// didYouMean ends an error about an unknown name.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}

// takes wants one argument, which what describes: "a URL". Where the command has ValidArgs, it is one of those.
func takes(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return exit.Errorf(exit.Usage, "give %s%s", what, among(cmd.ValidArgs))
		}
		if len(args) > 1 {
			return exit.Errorf(exit.Usage, "give %s only: %q is too much", what, args[1])
		}
		if len(cmd.ValidArgs) > 0 && !slices.Contains(cmd.ValidArgs, args[0]) {
			return exit.Errorf(exit.Usage, "%q is not %s%s", args[0], what, among(cmd.ValidArgs))
		}
		return nil
	}
}

// among ends an error with what there is to choose from.
func among(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// takesNone wants no arguments.
func takesNone(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit.Errorf(exit.Usage, "%s takes no arguments, and got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// takesFlags refuses arguments other than flags, with a suggestion.
func takesFlags(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if arg := args[0]; strings.Contains(arg, "://") {
		return exit.Errorf(exit.Usage, "%q stands alone: write --dial %s or --listen %s", arg, arg, arg)
	}
	return exit.Errorf(exit.Usage, "%q stands alone: write --data %q to send it", args[0], args[0])
}

// unescape reads the text of a flag in which bytes may be written as in string literals of C and Go, as in \t and \x00.
func unescape(flag, text string) (string, error) {
	var out []byte
	for rest := text; rest != ""; {
		if rest[0] != '\\' {
			out, rest = append(out, rest[0]), rest[1:]
			continue
		}
		c, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
		switch {
		case strings.HasPrefix(rest, `\0`) && err != nil:
			c, tail = 0, rest[2:]
		case err != nil:
			return "", exit.Errorf(exit.Usage, "%s %q: a backslash begins one of \\t \\n \\r \\0 \\xNN and \\\\", flag, text)
		}
		if rest = tail; multibyte {
			out = utf8.AppendRune(out, c)
		} else {
			out = append(out, byte(c))
		}
	}
	return string(out), nil
}
