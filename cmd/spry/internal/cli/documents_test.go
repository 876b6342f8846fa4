// SPDX-License-Identifier: MIT

package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sprymq/spry/cmd/spry/internal/contexts"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/internal/testkit"
)

// A shown command is a line of a document or of help that calls this command.
type shown struct {
	at   string   // file and line, or the verb whose help it is
	args []string // after the name of the command
}

// TestShownCommands parses every call of the command that documents and help show, with the command's own flags.
func TestShownCommands(t *testing.T) {
	all := append(inDocuments(t, filepath.Join("..", "..", "..", "..")), inHelp(newRoot())...)
	t.Logf("%d commands", len(all))
	if len(all) < 100 {
		t.Errorf("only %d commands were found", len(all))
	}
	t.Chdir(t.TempDir())
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} { // where contexts are, by the system
		t.Setenv(name, t.TempDir())
	}
	for _, name := range []string{"local", "staging"} { // those of the documents
		testkit.Check(t, contexts.Save(name, map[string]any{"dial": []string{"tcp://127.0.0.1:1"}}, false))
	}
	for _, s := range all {
		if err := accepts(s.args); err != nil {
			t.Errorf("%s: spry %q: %v", s.at, s.args, err)
		}
	}
}

// accepts returns what the command refuses of its arguments. A verb for messages runs too, with a context that has ended: so it
// reads its flags, and neither listens nor dials.
func accepts(args []string) error {
	if len(args) > 0 && isPersonality(args[0]) {
		return nil // those have arguments of their own
	}
	root := newRoot()
	if _, err := knownVerb(root, args); err != nil {
		return err
	}
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if err := errors.Join(cmd.ValidateArgs(cmd.Flags().Args()), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
		return err
	}
	if !slices.ContainsFunc(verbs, func(v verb) bool { return v.name == cmd.Name() }) || cmd.Parent() != root {
		return nil
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var said bytes.Buffer
	if Run(ended, append([]string{"spry"}, args...), strings.NewReader(""), &said, &said) == exit.Usage {
		return errors.New(said.String())
	}
	return nil
}

var (
	shellBlock  = regexp.MustCompile("(?ms)^```(?:sh|console)\n(.*?)^```$")
	indented    = regexp.MustCompile(`(?m)^    (.*)$`)
	placeholder = regexp.MustCompile(`^[A-Z]+$`)
	unit        = regexp.MustCompile(`(?m)^ExecStart=/usr/bin/(spry .*)$`)
	inProse     = regexp.MustCompile("`spry ([a-z]+)(?: [^`]*)?`")
)

// inDocuments finds commands in the Markdown files below root: in blocks for a shell, in lines indented by four spaces,
// and in units of systemd. Of a command in a sentence, only the verb is found.
func inDocuments(t *testing.T, root string) (all []shown) {
	if _, err := os.Stat(filepath.Join(root, "docs")); err != nil {
		t.Skip("NOT TESTED: the documents are in the repository, and not in this module")
	}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			all = append(all, calls(path, block[1])...)
		}
		for _, line := range indented.FindAllStringSubmatch(string(text), -1) {
			all = append(all, calls(path, line[1])...)
		}
		for _, start := range unit.FindAllStringSubmatch(string(text), -1) {
			all = append(all, calls(path, start[1])...)
		}
		for _, call := range inProse.FindAllStringSubmatch(string(text), -1) {
			all = append(all, shown{path, []string{call[1], "--help"}})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// inHelp finds commands in the examples of all verbs.
func inHelp(cmd *cobra.Command) (all []shown) {
	all = calls("spry "+cmd.Name()+" --help", cmd.Example)
	for _, sub := range cmd.Commands() {
		all = append(all, inHelp(sub)...)
	}
	return all
}

// calls finds calls of the command in lines for a shell. A verb in capital letters stands for any.
func calls(at, script string) (all []shown) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.SplitSeq(script, "\n") {
		for _, words := range splitCommands(strings.TrimPrefix(strings.TrimSpace(line), "$ ")) {
			for len(words) > 0 && regexp.MustCompile(`^\w+=`).MatchString(words[0]) {
				words = words[1:]
			}
			if len(words) > 3 && slices.Equal(words[:3], []string{"go", "run", "./cmd/spry"}) {
				words = append([]string{"spry"}, words[3:]...)
			}
			if len(words) > 1 && (words[0] == "spry" || words[0] == "./spry") && !placeholder.MatchString(words[1]) {
				all = append(all, shown{at, words[1:]})
			}
		}
	}
	return all
}

// splitCommands splits a line as a shell does: into commands, and those into words, without redirections and the comment.
func splitCommands(line string) (commands [][]string) {
	var words []string
	word, inWord, quote := "", false, rune(0)
	endWord := func() {
		if inWord {
			words = append(words, word)
		}
		word, inWord = "", false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word += string(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ':
			endWord()
		case strings.ContainsRune("|&;", r):
			endCommand()
		case r == '#' && !inWord, strings.ContainsRune("<>", r):
			endCommand()
			return commands
		default:
			word, inWord = word+string(r), true
		}
	}
	endCommand()
	return commands
}

func TestSplitCommands(t *testing.T) {
	for line, want := range map[string][][]string{
		"":                                 nil,
		"# nothing":                        nil,
		"spry tour # all":                  {{"spry", "tour"}},
		"spry push --data 'a b' \"c # d\"": {{"spry", "push", "--data", "a b", "c # d"}},
		"tail -f log | spry push --lines":  {{"tail", "-f", "log"}, {"spry", "push", "--lines"}},
		"spry a && spry b --data '' &":     {{"spry", "a"}, {"spry", "b", "--data", ""}},
		"spry push --ndjson < jobs":        {{"spry", "push", "--ndjson"}},
		"spry a#b":                         {{"spry", "a#b"}},
	} {
		got := splitCommands(line)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%q became %q; want %q", line, got, want)
		}
	}
}

// A command that does not exist is found.
func TestShownCommandsAreChecked(t *testing.T) {
	for _, wrong := range []string{
		"spry pul --listen tcp://*:1", "spry push --dail tcp://h:1 --data x", "spry push --dial tcp://h:1 hello", "spry inspect",
		"spry push --dial h:1 --data x", "go run ./cmd/spry tuor", "spry pull --listen tcp://*:1 --format '{{.Bdy}}'",
	} {
		found := calls("here", wrong)
		if len(found) != 1 || accepts(found[0].args) == nil {
			t.Errorf("%s: %q is accepted", wrong, found)
		}
	}
}
