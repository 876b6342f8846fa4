// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
)

// binary is the command under test, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "spry-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "spry")
	// "go run" keeps programs in the build cache, so that other packages of tests need not link the command again.
	build := exec.Command("go", "run", "-exec", "cp", "-race="+strconv.FormatBool(testkit.Race), ".", binary)
	if runtime.GOOS == "windows" {
		binary += ".exe"
		build = exec.Command("go", "build", "-o", binary, ".")
	}
	if testkit.Race {
		os.Setenv("GORACE", "halt_on_error=1 atexit_sleep_ms=0 "+os.Getenv("GORACE")) // it would add a second to each of hundreds of processes
	}
	os.Setenv("SPRY_CONTEXT", "none") // whatever the user has selected
	os.Setenv("SPRY_OBSERVE", "")
	build.Stderr = os.Stderr
	if long {
		watchdog = time.Hour
	}
	code := 1
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the command:", err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// long asks for the full numbers of the tests that have them.
var long = os.Getenv("SPRY_LONG") == "1"

// watchdog is how long any single command may take.
var watchdog = 2 * time.Minute

// A process is a running command whose output is collected.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	cancel context.CancelFunc
	exited chan struct{}

	mu       sync.Mutex
	out, err bytes.Buffer
	changed  chan struct{} // closed and replaced at each write
}

// start runs the command with its standard input from in (nil for none).
func start(t *testing.T, in io.Reader, args ...string) *process {
	t.Helper()
	return startProgram(t, binary, in, args...)
}

func startProgram(t *testing.T, program string, in io.Reader, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	p := &process{t: t, cmd: exec.CommandContext(ctx, program, args...), cancel: cancel, exited: make(chan struct{}), changed: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in, p.writer(&p.out), p.writer(&p.err)
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		defer cancel()
		p.cmd.Wait()
	}()
	t.Cleanup(func() { cancel(); <-p.exited })
	return p
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *process) writer(to *bytes.Buffer) io.Writer {
	return writerFunc(func(b []byte) (int, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		close(p.changed)
		p.changed = make(chan struct{})
		return to.Write(b)
	})
}

func (p *process) stdout() string { p.mu.Lock(); defer p.mu.Unlock(); return p.out.String() }
func (p *process) stderr() string { p.mu.Lock(); defer p.mu.Unlock(); return p.err.String() }

// await waits until the output that text returns matches a pattern, and returns the last submatch.
func (p *process) await(text func() string, pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if match := re.FindStringSubmatch(text()); match != nil {
			return match[len(match)-1]
		}
		select {
		case <-changed:
		case <-p.exited:
			if match := re.FindStringSubmatch(text()); match != nil {
				return match[len(match)-1]
			}
			p.t.Fatalf("%v ended (%v) without %q\nstdout: %q\nstderr: %q", p.cmd.Args[1:], p.cmd.ProcessState, pattern, p.stdout(), p.stderr())
		}
	}
}

// url waits until the command tells where it listens.
func (p *process) url() string { p.t.Helper(); return p.await(p.stderr, `listening at (\S+)`) }

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	<-p.exited
	if p.cmd.ProcessState == nil || p.cmd.ProcessState.ExitCode() < 0 {
		p.t.Fatalf("%v was killed (%v)\nstdout: %q\nstderr: %q", p.cmd.Args[1:], p.cmd.ProcessState, p.stdout(), p.stderr())
	}
	return p.cmd.ProcessState.ExitCode()
}

// expect waits for the end and checks code and output; an empty pattern is not checked.
func (p *process) expect(code int, out string) {
	p.t.Helper()
	if got := p.wait(); got != code || p.stdout() != out {
		p.t.Errorf("%v: exit %d, want %d\nstdout: %q\nwant:   %q\nstderr: %q", p.cmd.Args[1:], got, code, p.stdout(), out, p.stderr())
	}
}

// interrupt is Ctrl-C.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// addresses are listening addresses of the transports that work between processes.
func addresses(t *testing.T) map[string]string {
	// Not t.TempDir: the path of an ipc socket must be short.
	dir, err := os.MkdirTemp("", "spry-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return map[string]string{"tcp": "tcp://127.0.0.1:0", "ipc": "ipc://" + filepath.Join(dir, "s")}
}

// here is a listening address for those who do not care which.
const here = "tcp://127.0.0.1:0"

func lines(parts ...string) string { return strings.Join(parts, "\n") + "\n" }
