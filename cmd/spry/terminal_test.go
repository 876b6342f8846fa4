// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A tmuxTerminal is the terminal of a tmux of the test's own, with a program.
type tmuxTerminal struct {
	t      *testing.T
	tmux   string
	socket string
}

// startOnTerminal runs a program on a terminal of a size until the test ends. env is added to the environment. Without tmux the test is
// skipped, or fails if SPRY_INTEROP is "require".
func startOnTerminal(t *testing.T, width, height int, env []string, program string, args ...string) *tmuxTerminal {
	t.Helper()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		if os.Getenv("SPRY_INTEROP") == "require" {
			t.Fatal("tmux is missing: install the Debian package tmux")
		}
		t.Skip("NOT TESTED: tmux is missing: install the Debian package tmux")
	}
	folder, err := os.MkdirTemp("", "spry") // t.TempDir makes paths that are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	term := &tmuxTerminal{t: t, tmux: tmux, socket: filepath.Join(folder, "tmux")}
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), tmux, "-S", term.socket, "kill-server").Run() // it has ended if the program has
		_ = os.RemoveAll(folder)
	})
	run := []string{"-f", os.DevNull, "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height)}
	for _, e := range env {
		run = append(run, "-e", e)
	}
	// The shell reports the exit code on the screen, and waits until the test has read it.
	quoted := []string{quote(program)}
	for _, a := range args {
		quoted = append(quoted, quote(a))
	}
	term.run(append(run, "sh", "-c", strings.Join(quoted, " ")+`; echo "exit code $?."; read -r _`)...)
	return term
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (x *tmuxTerminal) run(args ...string) string {
	x.t.Helper()
	out, err := exec.CommandContext(x.t.Context(), x.tmux, append([]string{"-u", "-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// keys presses keys, by tmux's names: "q", "Enter", "Down", "C-c".
func (x *tmuxTerminal) keys(names ...string) {
	x.t.Helper()
	x.run(append([]string{"send-keys"}, names...)...)
}

// typeText types a text.
func (x *tmuxTerminal) typeText(text string) {
	x.t.Helper()
	x.run("send-keys", "-l", text)
}

// resize changes the size of the terminal.
func (x *tmuxTerminal) resize(width, height int) {
	x.t.Helper()
	x.run("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// screen is what the screen shows. With colours, it has the escape sequences of colours and styles too.
func (x *tmuxTerminal) screen(colours bool) string {
	x.t.Helper()
	args := []string{"capture-pane", "-p"}
	if colours {
		args = append(args, "-e")
	}
	return x.run(args...)
}

// await waits until the screen matches a regular expression, and returns it.
func (x *tmuxTerminal) await(expression string) string {
	x.t.Helper()
	re := regexp.MustCompile(expression)
	var screen string
	for deadline := time.Now().Add(watchdog); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if screen = x.screen(false); re.MatchString(screen) {
			return screen
		}
	}
	x.t.Fatalf("the screen never matches %s:\n%s", expression, screen)
	return ""
}

// exit waits until the program has ended, and checks its exit code.
func (x *tmuxTerminal) exit(code int) {
	x.t.Helper()
	x.await(fmt.Sprintf(`(?m)^exit code %d\.`, code))
}
