// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/foreign"
)

var (
	readmeProgram = regexp.MustCompile("(?ms)^```go\n(package main\n.*?)^```$")
	readmeSenders = regexp.MustCompile("(?ms)^```sh\n(spry push .*?)^```$")
	readmeSent    = regexp.MustCompile(`from [A-Z]\w+`)
)

// TestReadme runs the program on README's first screen, and the commands of three families that send to it, as written. The port is
// a free one. The release's rehearsal runs the lines that install.
func TestReadme(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Skip("NOT TESTED: README.md is in the repository, and not in this module")
	}
	text := strings.ReplaceAll(string(page), "127.0.0.1:5555", freeAddress(t))
	program, senders := readmeProgram.FindStringSubmatch(text), readmeSenders.FindStringSubmatch(text)
	if program == nil || senders == nil {
		t.Fatal("README.md has no program, or no commands that send to it")
	}
	reader := newReader(t)
	save(t, filepath.Join(reader.folder, "main.go"), program[1])
	if out, err := reader.command("go build -o hello .").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hello := reader.command("./hello")
	printed, err := hello.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hello.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hello.Process.Kill(); hello.Wait() })
	lines := bufio.NewScanner(printed)
	for line := range strings.Lines(senders[1]) {
		want := readmeSent.FindString(line)
		t.Run(want, func(t *testing.T) {
			if out, err := reader.command(foreignCommand(t, line)).CombinedOutput(); err != nil {
				t.Fatalf("%s%v\n%s", line, err, out)
			}
			if !lines.Scan() || !strings.HasSuffix(lines.Text(), want+" <nil>") {
				t.Errorf("the program printed %q instead of %s", lines.Text(), want)
			}
		})
	}
}

// foreignCommand is a command line whose program is installed, and is the one that has the peer's library. Else the test is skipped
// or fails.
func foreignCommand(t *testing.T, line string) string {
	t.Helper()
	switch program, _, _ := strings.Cut(line, " "); program {
	case "python3":
		foreign.Find(t, program, "python3-zmq")
		if exec.Command(program, "-c", "import zmq").Run() != nil {
			return "/usr/bin/" + line // Debian's, if another one comes first
		}
	case "nngcat":
		foreign.Find(t, program, "nng-utils")
	}
	return line
}
