// SPDX-License-Identifier: MIT

package peer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A Process is a running program. Its methods fail the test, so they belong to the test's goroutine; Kill may be
// called from any.
type Process struct {
	t      testing.TB // the test that uses the process
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *output
	stderr *output
	taken  int           // bytes of stdout that NextLine has returned
	exited chan struct{} // closed once the process is reaped and all that it printed was read
	err    error         // why it ended; valid once exited is closed
}

// Start starts a program with an open standard input.
func Start(t testing.TB, program string, args ...string) *Process {
	t.Helper()
	return StartIn(t, "", program, args...)
}

// StartIn is Start in a folder.
func StartIn(t testing.TB, folder, program string, args ...string) *Process {
	t.Helper()
	p := launch(t, folder, program, args...)
	t.Cleanup(p.end)
	return p
}

// started counts processes.
var started atomic.Int64

// Started is the number of processes that this run has started, without compilers.
func Started() int64 { return started.Load() }

// launch starts a program. The caller ends it.
func launch(t testing.TB, folder, program string, args ...string) *Process {
	t.Helper()
	p := &Process{
		t:      t,
		cmd:    exec.Command(program, args...),
		stdout: newOutput(),
		stderr: newOutput(),
		exited: make(chan struct{}),
	}
	p.cmd.Dir = folder
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.WaitDelay = 5 * time.Second // for a grandchild that keeps the pipes open
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatalf("pipe for %s: %v", p, err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p, err)
	}
	started.Add(1)
	go func() {
		p.err = p.cmd.Wait()
		p.stdout.end()
		p.stderr.end()
		close(p.exited)
	}()
	return p
}

// end kills the process, and logs its output if the test failed.
func (p *Process) end() {
	p.Reap()
	if p.t.Failed() {
		p.t.Logf("%s\nended: %v\nstdout: %s\nstderr: %s", p, p.err, excerpt(p.stdout.bytes()), excerpt(p.stderr.bytes()))
	}
}

// String is the command line, with long arguments cut.
func (p *Process) String() string {
	args := make([]string, len(p.cmd.Args))
	for i, a := range p.cmd.Args {
		args[i] = excerpt([]byte(a))
	}
	return strings.Join(args, " ")
}

// For makes t the test that the methods fail, such as a part of the test that started the process.
func (p *Process) For(t testing.TB) { p.t = t }

// hasEnded reports whether the process has been reaped.
func (p *Process) hasEnded() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// answers writes a line to the process's standard input, and reports whether the process then prints the answer soon.
func (p *Process) answers(line, answer string) bool {
	p.stdout.forget()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		return false
	}
	for patience := time.After(10 * time.Second); ; {
		printed, ended, changed := p.stdout.snapshot()
		switch {
		case bytes.HasSuffix(printed, []byte(answer+"\n")):
			return true
		case ended:
			return false
		}
		select {
		case <-changed:
		case <-patience:
			return false
		}
	}
}

// Kill ends the process at once and does not wait for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended already
}

// Reap kills the process and waits until it is gone.
func (p *Process) Reap() {
	p.Kill()
	<-p.exited
}

// Continue writes an empty line to the process's standard input: C peers wait for it.
func (p *Process) Continue() {
	p.t.Helper()
	p.WriteLine("")
}

// WriteLine writes a line to the process's standard input.
func (p *Process) WriteLine(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Fatalf("write to %s: %v", p, err)
	}
}

// Signal sends the process a signal.
func (p *Process) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %s: %v", p, err)
	}
}

// Wait closes the standard input, waits for the end and fails the test if the exit code is not 0. It returns what
// was printed on standard output.
func (p *Process) Wait() string {
	p.t.Helper()
	if err := p.Result(); err != nil {
		p.t.Fatalf("%s ended with %v\nstderr: %s", p, err, excerpt(p.stderr.bytes()))
	}
	return string(p.stdout.bytes())
}

// Result is Wait for a process that may fail: it returns the error of [exec.Cmd.Wait].
func (p *Process) Result() error {
	p.t.Helper()
	_ = p.stdin.Close() // an error means that it was closed before
	select {
	case <-p.exited:
		return p.err
	case <-time.After(Watchdog):
		p.t.Fatalf("%s did not end\nstdout: %s\nstderr: %s", p, excerpt(p.stdout.bytes()), excerpt(p.stderr.bytes()))
		return nil
	}
}

// WaitLine waits until the process has printed a line that starts with prefix, and returns it.
func (p *Process) WaitLine(prefix string) string {
	p.t.Helper()
	var found string
	p.waitOutput("a line "+prefix, func(printed []byte) bool {
		for line := range bytes.Lines(printed) {
			if bytes.HasPrefix(line, []byte(prefix)) && bytes.HasSuffix(line, []byte("\n")) {
				found = strings.TrimSuffix(string(line), "\n")
				return true
			}
		}
		return false
	})
	return found
}

// NextLine waits for a line of standard output that no call has returned.
func (p *Process) NextLine() string {
	p.t.Helper()
	var line []byte
	p.waitOutput("another line", func(printed []byte) bool {
		var whole bool
		line, _, whole = bytes.Cut(printed[p.taken:], []byte("\n"))
		return whole
	})
	p.taken += len(line) + 1
	return string(line)
}

// WaitBodies waits until the process has printed n messages in the msgpack format, and returns them.
func (p *Process) WaitBodies(n int) [][]byte {
	p.t.Helper()
	var bodies [][]byte
	p.waitOutput("messages in msgpack", func(printed []byte) bool {
		var err error
		if bodies, err = ParseMsgpack(printed); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			p.t.Fatalf("%s printed something else than msgpack: %v: %s", p, err, excerpt(printed))
		}
		return len(bodies) >= n
	})
	return bodies[:n]
}

// waitOutput waits until the standard output satisfies done. It fails the test if the process ends before that.
func (p *Process) waitOutput(what string, done func(printed []byte) bool) {
	p.t.Helper()
	watchdog := time.After(Watchdog)
	for {
		printed, ended, changed := p.stdout.snapshot()
		switch {
		case done(printed):
			return
		case ended:
			p.t.Fatalf("%s ended (%v) without %s\nstdout: %s\nstderr: %s", p, p.err, what, excerpt(printed), excerpt(p.stderr.bytes()))
		}
		select {
		case <-changed:
		case <-watchdog:
			p.t.Fatalf("%s did not print %s\nstdout: %s\nstderr: %s", p, what, excerpt(printed), excerpt(p.stderr.bytes()))
		}
	}
}

// excerpt cuts and quotes binary output for a log.
func excerpt(b []byte) string {
	const limit = 600
	cut := ""
	if len(b) > limit {
		b, cut = b[:limit], "..."
	}
	for _, c := range b {
		if c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return strconv.Quote(string(b)) + cut
		}
	}
	return string(b) + cut
}
