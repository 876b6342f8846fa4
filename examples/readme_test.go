// SPDX-License-Identifier: MIT

package examples_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestReadmes runs the commands of each example's README as they are written, except that addresses and folders are the test's
// own. A block of sh has commands. One with the comment "in one terminal", "in others" or the like runs beside those that follow;
// the test waits for the end of any other. A block of text has lines that the commands print; "..." stands for anything.
func TestReadmes(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*/main.go")
	if err != nil || len(sources) != len(pages) {
		t.Errorf("%d programs have %d READMEs: %v", len(sources), len(pages), err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if n := strings.Count(string(text), "\n"); err != nil || n >= 100 {
			t.Errorf("%s has %d lines, and the index says fewer than a hundred: %v", source, n, err)
		}
	}
	for _, page := range pages {
		name := filepath.Dir(page)
		if row := fmt.Sprintf("| [%s](%s) |", name, name); !strings.Contains(string(index), row) {
			t.Errorf("the index has no row %s", row)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			follow(t, name, string(text))
		})
	}
}

var (
	block       = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$")
	ownTerminal = regexp.MustCompile(`# in (one|a|another|others)\b`)
	example     = regexp.MustCompile(`go run \./examples/(\w+)`)
	address     = regexp.MustCompile(`((?:\w+\+)*\w+://)127\.0\.0\.1:(\d+)`)
	addressFlag = regexp.MustCompile(`(?m)^  -(\S+) .*\n.*\(default "(\S+://\S+)"\)$`)
)

// A reader has the terminals of a person who reads a README.
type reader struct {
	t        *testing.T
	folder   string            // of files and sockets
	places   map[string]string // the test's addresses, by the ports of the README
	isTCP    map[string]bool   // ports that need one of TCP, because the README has other schemes there
	programs []*program
}

// follow does what the README of an example says.
func follow(t *testing.T, name, text string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "spry-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	r := &reader{t: t, folder: folder, places: map[string]string{}, isTCP: map[string]bool{}}
	for _, m := range address.FindAllStringSubmatch(text, -1) {
		r.isTCP[m[2]] = r.isTCP[m[2]] || m[1] != "tcp://"
	}
	awaited := 0
	for _, b := range block.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(b[2]) {
			if line = r.moved(strings.TrimSuffix(line, "\n")); b[1] == "sh" {
				r.command(line)
			} else {
				r.await(line)
				awaited++
			}
		}
	}
	if !strings.Contains(text, "\ngo run ./examples/"+name+" ") || awaited == 0 || strings.Contains(text, "    go run ") {
		t.Errorf("commands are lines of ```sh, what they print is lines of ```text, and %s has to be one of them", name)
	}
	for _, p := range r.programs {
		select {
		case <-p.exited:
		default:
			p.cmd.Process.Signal(os.Interrupt)
		}
		r.ended(p)
	}
}

// command runs a line of a README.
func (r *reader) command(line string) {
	r.t.Helper()
	own := ownTerminal.MatchString(line)
	line, _, _ = strings.Cut(line, " # ")
	line = example.ReplaceAllStringFunc(line, func(call string) string {
		path := filepath.Join(programs, filepath.Base(call))
		help, _ := exec.Command(path, "-h").CombinedOutput()
		for _, m := range addressFlag.FindAllStringSubmatch(string(help), -1) {
			if !strings.Contains(line, " -"+m[1]+" ") {
				path += " -" + m[1] + " " + r.moved(m[2])
			}
		}
		return path
	})
	if strings.Contains(line, "go run ./cmd/spry") {
		line = strings.ReplaceAll(line, "go run ./cmd/spry", command(r.t))
	}
	switch program, rest, _ := strings.Cut(line, " "); program {
	case "nngcat":
		line = foreign(r.t, program, "nng-utils") + " " + rest
	case "curl":
		line = foreign(r.t, program, program) + " " + rest
	case "python3":
		line = foreign(r.t, "Python's module zmq", "python3-zmq", "/usr/bin/python3", "python3") + " " + rest
	}
	if own {
		r.programs = append(r.programs, start(r.t, "sh", "-c", "cd .. && exec "+line))
		return
	}
	p := start(r.t, "sh", "-c", "cd .. && "+line)
	r.programs = append(r.programs, p)
	r.ended(p)
}

// ended waits for the end of a program. An example may have been refused; no program may have been called in a wrong way.
func (r *reader) ended(p *program) {
	r.t.Helper()
	<-p.exited
	line := p.cmd.Args[2]
	switch code := p.cmd.ProcessState.ExitCode(); {
	case code == 0, code == 1 && strings.Contains(line, programs), strings.Contains(line, "nngcat"): // which ends by a signal
	case p.cmd.ProcessState.String() == "signal: interrupt": // programs that do not catch it
	default:
		r.t.Errorf("%s: exit code %d\n%s", line, code, p.output())
	}
}

// await waits until a program has printed a line.
func (r *reader) await(line string) {
	r.t.Helper()
	want := regexp.MustCompile("(?m)^" + strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, ".*") + "$")
	for until := time.Now().Add(watchdog); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		for _, p := range r.programs {
			if want.MatchString(p.output()) {
				return
			}
		}
	}
	r.t.Errorf("no program printed %q", line)
	for _, p := range r.programs {
		r.t.Logf("%s\n%s", p.cmd.Args[2], p.output())
	}
	r.t.FailNow()
}

// moved replaces the addresses and folders of a line, which other programs may use, by the test's own.
func (r *reader) moved(line string) string {
	line = strings.ReplaceAll(line, "/tmp/", r.folder+"/")
	return address.ReplaceAllStringFunc(line, func(at string) string {
		m := address.FindStringSubmatch(at)
		scheme, port := m[1], m[2]
		if !r.isTCP[port] {
			return "ipc://" + filepath.Join(r.folder, port)
		}
		if r.places[port] == "" {
			r.places[port] = freeAddress(r.t)
		}
		return scheme + r.places[port]
	})
}

// freeAddress is a host and port at which no program listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var buildCommand = sync.OnceValue(func() error {
	out, err := build("../cmd/spry")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// command is the path of the command spry, which is a module of its own.
func command(t *testing.T) string {
	t.Helper()
	if workspace, err := exec.Command("go", "env", "GOWORK").Output(); err != nil || filepath.Ext(strings.TrimSpace(string(workspace))) != ".work" {
		t.Skip("NOT TESTED: the command spry, which is a module of its own; test in the repository's workspace")
	}
	if err := buildCommand(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, "spry")
}

// foreign finds another project's program: what is the name of it, or what paths are known to have it as a module of Python.
func foreign(t *testing.T, what, debianPackage string, pythons ...string) string {
	t.Helper()
	if path, err := exec.LookPath(what); err == nil {
		return path
	}
	for _, path := range pythons {
		if exec.Command(path, "-c", "import zmq; zmq.pyzmq_version()").Run() == nil {
			return path
		}
	}
	if os.Getenv("SPRY_INTEROP") == "require" {
		t.Fatalf("NOT TESTED: %s is missing; install Debian's %s", what, debianPackage)
	}
	t.Skipf("NOT TESTED: %s is missing; install Debian's %s", what, debianPackage)
	return ""
}
