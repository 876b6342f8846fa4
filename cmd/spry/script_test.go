// SPDX-License-Identifier: MIT

package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/observe"
)

// What the command says to mistakes, and its exit codes: testdata/script has a file for each kind. Scripts find foreign servers at
// $HTTP (a host and port), $HTTPS, $SSH and $SILENT, the figures of two sockets at $OBSERVED, and a certificate in $CERT
// and $KEY.
func TestScripts(t *testing.T) {
	t.Parallel()
	cert, key, _ := testcert.Files(t)
	env := map[string]string{
		"PATH":   filepath.Dir(binary) + string(filepath.ListSeparator),
		"GORACE": "halt_on_error=1 atexit_sleep_ms=0", "CERT": cert, "KEY": key,
		"SSH": greeter(t, "SSH-2.0-OpenSSH_9.2\r\n"), "SILENT": greeter(t, ""),
	}
	for name, listen := range map[string]func(http.Handler) *httptest.Server{"HTTP": httptest.NewServer, "HTTPS": httptest.NewTLSServer} {
		server := listen(http.NotFoundHandler())
		server.Config.ErrorLog = nil
		t.Cleanup(server.Close)
		env[name] = server.Listener.Addr().String()
	}
	env["OBSERVED"] = observed(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			for name, value := range env {
				if name == "PATH" {
					value += e.Getenv(name)
				}
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": exitCode, "says": says, "serve": serve},
	})
}

// observed serves the figures of two sockets of this process, a message from one to the other, and returns their URL.
func observed(t *testing.T) string {
	push, pull := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "jobs"}}), spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: "jobs"}})
	t.Cleanup(func() { push.Close(); pull.Close() })
	address := "inproc://" + t.Name()
	if _, err := pull.Listen(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if _, err := push.Dial(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if err := push.Send(t.Context(), []byte("work")); err != nil {
		t.Fatal(err)
	}
	if _, err := pull.Recv(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(observe.Handler(nil))
	t.Cleanup(server.Close)
	return server.URL
}

// greeter is a server that says one thing to everybody, and nothing more. It returns its host and port.
func greeter(t *testing.T, greeting string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, greeting)
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return listener.Addr().String()
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

// says runs the command, whose last argument is a limit of time, and checks its exit code and what it writes to standard error:
// says 'connection refused' 3 push --dial tcp://127.0.0.1:1 --data x --connect-timeout 500ms. On a busy machine the command may not
// have come to the point within its limit. Then it gets more time.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: says REGEXP N ARGUMENT ... TIME")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	last := len(args) - 1
	limit, err := time.ParseDuration(args[last])
	ts.Check(err)
	for try := range 3 {
		exitCode(ts, false, slices.Concat(args[1:last], []string{(limit << (3 * try)).String()}))
		if want.MatchString(ts.ReadFile("stderr")) {
			return
		}
	}
	ts.Fatalf("standard error does not match %s", want)
}

// serve runs the command until the script ends, and sets $URL, and $ADDRESS of host and port, to where it listens:
// serve pull --listen tcp://127.0.0.1:0.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve VERB [ARGUMENT ...]")
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = ts.MkAbs(".")
	talk, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill(); cmd.Wait() })
	lines, seen := bufio.NewScanner(talk), new(bytes.Buffer)
	for lines.Scan() {
		if found := regexp.MustCompile(`listening at (\S+)`).FindStringSubmatch(lines.Text()); found != nil {
			ts.Setenv("URL", found[1])
			_, address, _ := strings.Cut(found[1], "://")
			ts.Setenv("ADDRESS", address)
			go io.Copy(io.Discard, talk)
			return
		}
		seen.WriteString(lines.Text() + "\n")
	}
	ts.Fatalf("spry %v listens nowhere: %s", args, seen)
}
