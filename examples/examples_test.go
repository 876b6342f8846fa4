// SPDX-License-Identifier: MIT

// Package examples_test runs the examples as processes.
package examples_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// programs is the folder of the programs, built once.
var programs string

// notHere says why the tests do not run on this system, if so.
var notHere = map[string]string{"windows": "NOT TESTED: the examples on windows, where no signal ends a process"}[runtime.GOOS]

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "spry-examples-")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := 1
	if out, err := build("./..."); err != nil {
		fmt.Fprintf(os.Stderr, "building the examples: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	if notHere != "" {
		fmt.Println(notHere)
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// build builds programs of this workspace into the folder programs.
func build(packages string) (out []byte, err error) {
	return exec.Command("go", "build", "-o", programs+string(filepath.Separator), packages).CombinedOutput()
}

// watchdog is how long any program may take.
const watchdog = time.Minute

// A program is a running example.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	input  io.WriteCloser
	exited chan struct{}

	mu  sync.Mutex
	out bytes.Buffer // standard output and standard error
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// run starts an example.
func run(t *testing.T, name string, args ...string) *program {
	t.Helper()
	return start(t, filepath.Join(programs, name), args...)
}

// start starts a program, whose standard input stays open. It ends with the test.
func start(t *testing.T, path string, args ...string) *program {
	t.Helper()
	if notHere != "" {
		t.Skip(notHere)
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	p := &program{t: t, cmd: exec.CommandContext(ctx, path, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.WaitDelay = time.Second // a killed shell may leave a program behind that holds its output
	var err error
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.exited); p.cmd.Wait() }()
	t.Cleanup(func() { cancel(); <-p.exited })
	return p
}

// say writes a line to the program's standard input.
func (p *program) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.input, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// expect waits for the end of the program and returns its lines, sorted.
func (p *program) expect(code int) []string {
	p.t.Helper()
	<-p.exited
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%v: exit code %d instead of %d\n%s", p.cmd.Args[1:], got, code, p.output())
	}
	lines := strings.Split(strings.TrimSuffix(p.output(), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// stop sends a signal and waits for the end of the program.
func (p *program) stop(signal os.Signal) []string {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	return p.expect(0)
}

// await waits until the output matches.
func (p *program) await(pattern string) {
	p.t.Helper()
	for re := regexp.MustCompile(pattern); !re.MatchString(p.output()); time.Sleep(2 * time.Millisecond) {
		select {
		case <-p.exited:
			p.t.Fatalf("%v ended without %q\n%s", p.cmd.Args[1:], pattern, p.output())
		default:
		}
	}
}

// url is an address for a test. The path of an ipc socket has to be short.
func url(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "spry-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "ipc://" + filepath.Join(dir, "s")
}
