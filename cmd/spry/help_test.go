// SPDX-License-Identifier: MIT

package main_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/help anew")

// What help says of ZeroMQ, and of what joins the families, changes on purpose only: go test -run Help -update.
func TestHelpIsAsWritten(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{
		"", "push", "dealer", "router", "xpub", "xsub", "radio", "dish", "client", "server", "scatter", "gather", "peer", "channel",
		"proxy", "bridge", "gateway", "inspect", "record", "replay", "tap", "ls", "dash", "doctor",
	} {
		cmd := exec.Command(binary, append(strings.Fields(verb), "--help")...)
		cmd.Env = append(os.Environ(), "COLUMNS=100")
		got, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", verb, err)
		}
		name := verb
		if name == "" {
			name = "spry"
		}
		path := filepath.Join("testdata", "help", name+".txt")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != strings.ReplaceAll(string(want), "\r\n", "\n") {
			t.Errorf("%s differs from %s:\n%s", verb, path, got)
		}
	}
}
