// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/jupyter"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// newConnection makes a connection, and a connection file that tells it to the other side.
func newConnection(t *testing.T, transport string) (c jupyter.Connection, file string) {
	t.Helper()
	c = jupyter.Connection{Transport: transport, IP: "127.0.0.1", Key: "a key of this test", SignatureScheme: "hmac-sha256"}
	ports := []*int{&c.Shell, &c.IOPub, &c.Stdin, &c.Control, &c.Heartbeat}
	if transport == "ipc" {
		c.IP = peer.SocketPath(kit.Scratch)
	}
	for i, port := range ports {
		if *port = i + 1; transport == "tcp" {
			_, number, _ := strings.Cut(peer.TCPAddress(t), ":")
			*port = kit.Must[int](t)(strconv.Atoi(number))
		}
	}
	b, err := json.Marshal(c)
	testkit.Check(t, err)
	file = filepath.Join(t.TempDir(), "connection.json")
	testkit.Check(t, os.WriteFile(file, b, 0o600))
	return c, file
}

// TestJupyterKernel drives IPython's kernel, which has libzmq on its side, through all five channels.
func TestJupyterKernel(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row("Jupyter (ipykernel)", "kernel – frontend by zmq DEALER, SUB and REQ", transport, "it listens"), kit.Library)
			t.Parallel()
			ctx := kit.Watched(t)
			connection, file := newConnection(t, transport)
			process := peer.Python(t, "ipykernel", "python3-ipykernel", "-m", "ipykernel_launcher", "-f", file,
				"--ipython-dir", t.TempDir(), "--HistoryManager.enabled=False") // nothing of the user's
			client, err := jupyter.Connect(connection)
			testkit.Check(t, err)
			t.Cleanup(func() { client.Close() })
			var info struct{ Status, Implementation string }
			testkit.Check(t, client.Ready(ctx, &info))
			if info.Status != "ok" || info.Implementation != "ipython" {
				t.Fatalf("the kernel says it is %+v", info)
			}
			run := func(code string, h jupyter.Hooks) jupyter.Result {
				t.Helper()
				r, err := client.Execute(ctx, code, h)
				testkit.Check(t, err)
				return r
			}

			r := run("print('hello')\n6 * 7", jupyter.Hooks{})
			types := []string{"status", "execute_input", "stream", "execute_result", "status"}
			if r.Status != "ok" || r.Stdout != "hello\n" || r.Value != "42" || !slices.Equal(r.Types, types) {
				t.Errorf("printing led to %+v", r)
			}
			if r := run("print('x' * 3_000_000)", jupyter.Hooks{}); r.Stdout != strings.Repeat("x", 3_000_000)+"\n" {
				t.Errorf("of 3,000,001 characters came %d", len(r.Stdout))
			}
			if r := run("1 / 0", jupyter.Hooks{}); r.Status != "error" || r.Error != "ZeroDivisionError" {
				t.Errorf("dividing by 0 led to %+v", r)
			}
			answer := func(prompt string) string { return "an answer to " + prompt }
			if r := run("input('who? ')", jupyter.Hooks{Input: answer}); r.Value != "'an answer to who? '" {
				t.Errorf("asking led to %+v", r)
			}
			for i := range 100 {
				if r := run(fmt.Sprint("print(", i, ")"), jupyter.Hooks{}); r.Stdout != fmt.Sprint(i, "\n") {
					t.Fatalf("execution %d led to %+v", i, r)
				}
			}
			for i := range 20 {
				if beat := kit.Must[string](t)(client.Beat(ctx, fmt.Sprint(i))); beat != fmt.Sprint(i) {
					t.Errorf("heartbeat %d was answered by %q", i, beat)
				}
			}
			var reply struct{ Status string }
			var once sync.Once // the line may come in two parts, and a kernel that is interrupted twice forgets to reply
			interrupt := func(string) {
				once.Do(func() { testkit.Check(t, client.Control(ctx, "interrupt_request", struct{}{}, &reply)) })
			}
			if r := run("import time\nprint('begun', flush=True)\ntime.sleep(50)", jupyter.Hooks{Output: interrupt}); r.Error != "KeyboardInterrupt" {
				t.Errorf("the interrupt led to %+v", r)
			}
			testkit.Check(t, client.Control(ctx, "shutdown_request", map[string]bool{"restart": false}, &reply))
			if err := process.Result(); err != nil || reply.Status != "ok" {
				t.Errorf("the kernel ended with %v after %+v", err, reply)
			}
		})
	}
}

// TestJupyterFrontend has Jupyter's own client drive a kernel of Spry's sockets.
func TestJupyterFrontend(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row("Jupyter (jupyter_client)", "frontend – kernel by zmq ROUTER, PUB and REP", transport, "it dials"), kit.Library)
			t.Parallel()
			connection, file := newConnection(t, transport)
			kernel, err := jupyter.Listen(kit.Watched(t), connection, evaluateForTest)
			testkit.Check(t, err)
			served := make(chan error, 1)
			go func() { served <- kernel.Serve(kit.Watched(t)) }()
			frontend := peer.Python(t, "jupyter_client", "python3-ipykernel", kit.PythonFolder+"/jupyter_frontend.py", file)
			line := strings.TrimPrefix(frontend.WaitLine("seen "), "seen ")
			var got struct {
				Seen, Replies []string
				Alive         bool
				Last          string
			}
			testkit.Check(t, json.Unmarshal([]byte(line), &got))
			seen := []string{"hello printed", "HELLO", "an answer to what? ", "ASK", "no"}
			replies := []string{"ok", "ok", "error"}
			for range 20 {
				seen, replies = append(seen, "again printed", "AGAIN"), append(replies, "ok")
			}
			if !slices.Equal(got.Seen, seen) || !slices.Equal(got.Replies, replies) || !got.Alive || got.Last != "shutdown_reply" {
				t.Errorf("the frontend saw %+v", got)
			}
			frontend.Wait()
			testkit.Check(t, <-served)
		})
	}
}

// evaluateForTest prints code and returns it in capitals, or what it asked the user for.
func evaluateForTest(code string, input func(string) (string, error), show func(string) error) (string, error) {
	switch code {
	case "fail":
		return "", errors.New("no")
	case "ask":
		answer, err := input("what? ")
		return strings.ToUpper(code), errors.Join(err, show(answer))
	}
	return strings.ToUpper(code), show(code + " printed")
}
