// SPDX-License-Identifier: MIT

package main_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// What the command says to mistakes, and its exit codes: testdata/script has a file for each kind.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(binary)+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("GORACE", "halt_on_error=1 atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": exitCode},
	})
}

// exitCode runs the command and checks its exit code: code 2 push hello.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: code N [ARGUMENT ...]")
	}
	err := ts.Exec("spry", args[1:]...)
	got := "0"
	if exited, is := errors.AsType[*exec.ExitError](err); is {
		got = strconv.Itoa(exited.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s instead of %s", got, args[0])
	}
}
