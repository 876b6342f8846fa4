// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write man pages into a directory", GroupID: "self", Args: takes("a directory"),
		Example: "  spry man ~/.local/share/man/man1",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writeManPages(cmd.Root(), args[0])
		},
	}
}

// writeManPages writes a page for a command and one for each of its verbs.
func writeManPages(cmd *cobra.Command, dir string) error {
	if cmd.Hidden || cmd.Name() == "help" {
		return nil
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	if err := os.WriteFile(filepath.Join(dir, name+".1"), manPage(name, cmd), 0o644); err != nil {
		return err
	}
	for _, verb := range cmd.Commands() {
		if err := writeManPages(verb, dir); err != nil {
			return err
		}
	}
	return nil
}

// manPage is the help of a command as a man page: the same from the same command, always.
func manPage(name string, cmd *cobra.Command) []byte {
	var page strings.Builder
	fmt.Fprintf(&page, "%% %s 1 1970-01-01 Spry\n\n# NAME\n\n%s - %s\n\n# SYNOPSIS\n\n**%s**\n\n",
		strings.ToUpper(name), name, inMarkdown(cmd.Short), inMarkdown(cmd.UseLine()))
	if cmd.HasExample() {
		fmt.Fprintf(&page, "# EXAMPLES\n\n```\n%s\n```\n\n", cmd.Example)
	}
	fmt.Fprintf(&page, "# DESCRIPTION\n\n%s\n\n", inMarkdown(cmd.Long))
	if cmd.HasAvailableSubCommands() {
		page.WriteString("# VERBS\n\n")
		for _, verb := range cmd.Commands() {
			if verb.IsAvailableCommand() {
				fmt.Fprintf(&page, "**%s**\n: %s\n\n", inMarkdown(verb.Name()), inMarkdown(verb.Short))
			}
		}
	}
	for _, group := range flagGroups(cmd.LocalFlags()) {
		fmt.Fprintf(&page, "# %s\n\n", strings.ToUpper(group.Title))
		group.VisitAll(func(f *pflag.Flag) { manFlag(&page, f) })
	}
	return md2man.Render([]byte(page.String()))
}

func manFlag(page *strings.Builder, f *pflag.Flag) {
	value, usage := pflag.UnquoteUsage(f)
	if f.Shorthand != "" {
		fmt.Fprintf(page, "**-%s**, ", f.Shorthand)
	}
	fmt.Fprintf(page, "**--%s**", f.Name)
	if value != "" {
		fmt.Fprintf(page, " *%s*", value)
	}
	fmt.Fprintf(page, "\n: %s\n\n", inMarkdown(usage))
}

// inMarkdown escapes what Markdown has a meaning for.
var inMarkdown = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, "[", `\[`, "{", `\{`).Replace
