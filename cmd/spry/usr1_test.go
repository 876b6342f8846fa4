// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFiguresAtASignal(t *testing.T) {
	t.Parallel()
	proxy := start(t, nil, "proxy", "--kind", "reqrep", "--front", here, "--back", here)
	proxy.await(proxy.stderr, `(?s)listening at \S+.*listening at (\S+)`)
	if err := proxy.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	proxy.await(proxy.stderr, `(?s)front: 0 in, 0 out, 0 peers.*back: 0 in, 0 out, 0 peers()`)
	proxy.interrupt()
	proxy.expect(0, "")
}

func TestGatewayFiguresAtASignal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gateway.toml")
	text := "[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/jobs\"\nkind = \"send\"\nlisten = \"" + here + "\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "gateway", "-c", file)
	p.await(p.stderr, `POST /jobs()`)
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	p.await(p.stderr, `/jobs: 0 requests; peers: 0 in, 0 out, 0 peers()`)
	p.interrupt()
	p.expect(0, "")
}
