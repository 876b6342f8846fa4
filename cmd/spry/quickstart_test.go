// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/foreign"
)

var (
	quickstartBlock = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	savedAs         = regexp.MustCompile("(?i)save this as `([^`]+)`:\\s*$")
)

// TestQuickstart follows the quick start of the guide: it saves its files, starts its services, and runs its other commands,
// whose output has to be as shown. Ports are free ones. What is installed is this tree: the release's rehearsal installs.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "quickstart.md"))
	if err != nil {
		t.Skip("NOT TESTED: the guide is in the repository, and not in this module")
	}
	text := string(page)
	for _, port := range []string{"5557", "5558"} {
		text = strings.ReplaceAll(text, "127.0.0.1:"+port, freeAddress(t))
	}

	shell := &quickstart{t: t, folder: filepath.Join(t.TempDir(), "hello")}

	blocks := quickstartBlock.FindAllStringSubmatchIndex(text, -1)
	ran := 0
	for i, at := range blocks {
		language, code := text[at[2]:at[3]], text[at[4]:at[5]]
		if name := savedAs.FindStringSubmatch(text[:at[0]]); name != nil {
			save(t, filepath.Join(shell.folder, filepath.FromSlash(name[1])), code)
			continue
		}
		if language != "sh" {
			continue
		}
		want := ""
		if i+1 < len(blocks) && text[blocks[i+1][2]:blocks[i+1][3]] == "text" {
			want = text[blocks[i+1][4]:blocks[i+1][5]]
		}
		for line := range strings.SplitSeq(strings.TrimSpace(code), "\n") {
			ran++
			shell.run(line, want)
		}
	}
	if ran < 10 {
		t.Errorf("only %d commands ran", ran)
	}
}

// A quickstart is what a reader of the page has.
type quickstart struct {
	t      *testing.T
	folder string // the module
}

// run runs a command. Its output has to be want; a command for which the page shows no output is a service, and runs until the
// test ends.
func (q *quickstart) run(line, want string) {
	q.t.Helper()
	switch program, _, _ := strings.Cut(line, " "); {
	case strings.HasPrefix(line, "go get "):
		root, err := filepath.Abs(filepath.Join("..", ".."))
		if err != nil {
			q.t.Fatal(err)
		}
		if out, err := q.command("go work init . " + root).CombinedOutput(); err != nil {
			q.t.Fatalf("%v\n%s", err, out)
		}
	case strings.HasPrefix(line, "go install "), program == "export": // the command is in PATH already
	case line == "mkdir hello && cd hello":
		if err := os.Mkdir(q.folder, 0o755); err != nil {
			q.t.Fatal(err)
		}
	case strings.HasPrefix(line, "go mod init "), want != "":
		q.t.Run(line, func(t *testing.T) {
			switch program {
			case "python3":
				foreign.Find(t, program, "python3-zmq")
				if exec.Command(program, "-c", "import zmq").Run() != nil {
					line = "/usr/bin/" + line // Debian's, if another one comes first
				}
			case "nngcat":
				foreign.Find(t, program, "nng-utils")
			}
			var errors strings.Builder
			cmd := q.command(line)
			cmd.Stderr = &errors
			out, err := cmd.Output()
			if err != nil || string(out) != want {
				t.Errorf("%v\n%s%s\nwant %s", err, out, errors.String(), want)
			}
		})
	default:
		service := q.command(line)
		service.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := service.Start(); err != nil {
			q.t.Fatal(err)
		}
		q.t.Cleanup(func() { syscall.Kill(-service.Process.Pid, syscall.SIGKILL); service.Wait() })
	}
}

func (q *quickstart) command(line string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	q.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	cmd.Dir = q.folder
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK="+filepath.Join(q.folder, "go.work"),
		"PATH="+filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return cmd
}

func save(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// freeAddress is a host and port at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
