// SPDX-License-Identifier: MIT

//go:build unix

package guide_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// TestService runs the service that deployment.md shows, as a process: it answers, shows its statistics, and drains at SIGTERM.
func TestService(t *testing.T) {
	ctx := testkit.Watchdog(t)
	address, web := freeAddress(t), freeAddress(t)
	program := ""
	for _, block := range blocksOf(t, "deployment.md", "go") {
		if strings.HasPrefix(block, "package main") {
			program = strings.NewReplacer("*:5557", address, ":8080", web).Replace(block)
		}
	}
	folder := t.TempDir()
	source, service := filepath.Join(folder, "main.go"), filepath.Join(folder, "service")
	testkit.Check(t, os.WriteFile(source, []byte(program), 0o600))
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", service, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, service)
	cmd.Stderr = &log
	testkit.Check(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()

	req := spry.NewReq(nil)
	defer req.Close()
	if _, err := req.Connect("tcp://" + address); err != nil {
		t.Fatal(err)
	}
	reply, err := req.Do(ctx, []byte("hello"))
	if err != nil || string(reply) != "HELLO" {
		t.Fatalf("%q, %v", reply, err)
	}
	if code, _ := get(ctx, t, "http://"+web+"/ready"); code != http.StatusOK {
		t.Errorf("ready: %d", code)
	}
	_, vars := get(ctx, t, "http://"+web+"/debug/vars")
	var shown struct{ Upper spry.Stats }
	if err := json.Unmarshal(vars, &shown); err != nil || shown.Upper.Recv.Delivered != 1 || shown.Upper.Name != "upper" {
		t.Errorf("%v: %s", err, vars)
	}

	testkit.Check(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil || !strings.Contains(log.String(), "drained: 0 requests were not answered, <nil>") {
		t.Errorf("%v\n%s", err, &log)
	}
}

func get(ctx context.Context, t *testing.T, url string) (code int, body []byte) {
	t.Helper()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		testkit.Check(t, err)
		response, err := http.DefaultClient.Do(request)
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		if err != nil {
			continue // it does not listen yet
		}
		body, err = io.ReadAll(response.Body)
		testkit.Check(t, err)
		testkit.Check(t, response.Body.Close())
		return response.StatusCode, body
	}
}

// freeAddress is a host and port at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer l.Close()
	return l.Addr().String()
}
