// SPDX-License-Identifier: MIT

package cli

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Short: "Print a shell's completion script", GroupID: "self",
		Example: "  source <(spry completion bash)            # for this shell; for all, add the line to ~/.bashrc\n" +
			"  source <(spry completion zsh)             # likewise, in ~/.zshrc\n" +
			"  spry completion fish > ~/.config/fish/completions/spry.fish",
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      takes("the name of a shell"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				if err := root.GenBashCompletionV2(out, true); err != nil {
					return err
				}
				_, err := io.WriteString(out, bashAlone)
				return err
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(out)
			}
		},
	}
}

// bashAlone makes cobra's script work in a bash without the package bash-completion. The script calls this function only there.
const bashAlone = `
__spry_init_completion()
{
    local line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cword=$((${#words[@]} - 1))
    cur=${words[cword]}
    prev=${words[cword - 1]}
}
`

// plainUsage takes the backquotes out of the flags' descriptions, which completion shows as they are.
func plainUsage(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) })
	for _, verb := range cmd.Commands() {
		plainUsage(verb)
	}
}
