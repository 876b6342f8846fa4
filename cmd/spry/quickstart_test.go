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
	"time"
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
	shell := &reader{t: t, folder: filepath.Join(t.TempDir(), "hello")}
	text := string(page)
	for _, port := range []string{"5557", "5558"} {
		address := freeAddress(t)
		text = strings.ReplaceAll(text, "127.0.0.1:"+port, address)
		shell.addresses = append(shell.addresses, address)
	}

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

// A reader follows a page of the documentation.
type reader struct {
	t         *testing.T
	folder    string   // of the reader's module
	addresses []string // of services that run has yet to start, in order; it waits until each listens
}

// newReader is a reader who has a module that uses the library.
func newReader(t *testing.T) *reader {
	r := &reader{t: t, folder: filepath.Join(t.TempDir(), "hello")}
	for _, line := range []string{"mkdir hello && cd hello", "go mod init example.com/hello", "go get github.com/sprymq/spry@latest"} {
		r.run(line, "")
	}
	return r
}

// run runs a command. Its output has to be want; a command for which the page shows no output is a service, and runs until the
// test ends.
func (r *reader) run(line, want string) {
	r.t.Helper()
	switch program, _, _ := strings.Cut(line, " "); {
	case strings.HasPrefix(line, "go get "):
		root, err := filepath.Abs(filepath.Join("..", ".."))
		if err != nil {
			r.t.Fatal(err)
		}
		if out, err := r.command("go work init . " + root).CombinedOutput(); err != nil {
			r.t.Fatalf("%v\n%s", err, out)
		}
	case strings.HasPrefix(line, "go install "), program == "export": // the command is in PATH already
	case line == "mkdir hello && cd hello":
		if err := os.Mkdir(r.folder, 0o755); err != nil {
			r.t.Fatal(err)
		}
	case strings.HasPrefix(line, "go mod init "), want != "":
		r.t.Run(line, func(t *testing.T) {
			var errors strings.Builder
			cmd := r.command(foreignCommand(t, line))
			cmd.Stderr = &errors
			out, err := cmd.Output()
			if err != nil || string(out) != want {
				t.Errorf("%v\n%s%s\nwant %s", err, out, errors.String(), want)
			}
		})
	default:
		service := r.command(line)
		service.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := service.Start(); err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { syscall.Kill(-service.Process.Pid, syscall.SIGKILL); service.Wait() })
		if len(r.addresses) > 0 {
			r.await(r.addresses[0])
			r.addresses = r.addresses[1:]
		}
	}
}

// await waits until something listens at an address: building it may take long.
func (r *reader) await(address string) {
	r.t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Since(began) > watchdog {
			r.t.Fatal(err)
		}
	}
}

func (r *reader) command(line string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	r.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	cmd.Dir = r.folder
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK="+filepath.Join(r.folder, "go.work"),
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
