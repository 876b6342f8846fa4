// SPDX-License-Identifier: MIT

package main

import (
	"slices"
	"strings"
	"testing"
)

const (
	library = "    intro\n\n```sh\ngo get example.org/m@latest   # the library\n"
	program = "go install example.org/m/cmd/spry@latest\nspry push --data x  # sends\nspry push --data y\n```\n"
	goBlock = "\n```go\nfunc f() {}\n```\n\n```go\npackage main\n\nfunc main() {}\n```\n"
)

func TestReadmeIsRehearsedAsWritten(t *testing.T) {
	w := &workspace{root: "example.org/m"}
	code, lines, sender, err := w.installation(library + program + goBlock)
	want := []string{"go get example.org/m@latest", "go install example.org/m/cmd/spry@latest"}
	if err != nil || code != "package main\n\nfunc main() {}\n" || !slices.Equal(lines, want) || sender != "spry push --data x" {
		t.Errorf("got %q, %q, %q, %v", code, lines, sender, err)
	}
	for text, wrong := range map[string]string{
		library + program:               "no program",
		library + "```\n" + goBlock:     `"go install example.org/m/cmd/spry"`,
		"\n```sh\n" + program + goBlock: `"go get example.org/m"`,
		library + "go install example.org/m/cmd/spry@latest\n```\n" + goBlock: "no line of spry push",
		"go get example.org/m\n\n```sh\n" + program + "\n" + goBlock:          `"go get example.org/m"`,
	} {
		if _, _, _, err := w.installation(text); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: got %v, want %s", text, err, wrong)
		}
	}
}

// The rehearsal takes longer than every change can wait; that README still has what it needs is seen at once.
func TestReadmeHasWhatTheRehearsalNeeds(t *testing.T) {
	w, err := readWorkspace("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := w.installation(read(t, "..", "..", "README.md")); err != nil {
		t.Error(err)
	}
}
