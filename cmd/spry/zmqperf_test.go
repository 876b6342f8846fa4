// SPDX-License-Identifier: MIT

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The personalities by their own names and as verbs, against each other. A dialer waits for its listener.
func TestPerfTools(t *testing.T) {
	t.Parallel()
	link := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.Symlink(binary, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, pattern := range map[string]string{
		"thr": `^message size: 64 \[B\]\nmessage count: 2000\nmean throughput: [1-9]\d* \[msg/s\]\nmean throughput: \d+\.\d{3} \[Mb/s\]\n$`,
		"lat": `^message size: 64 \[B\]\nroundtrip count: 2000\naverage latency: \d+\.\d{3} \[us\]\n$`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, args := "ipc://"+shortPath(t), []string{"64", "2000"}
			remote := startProgram(t, link("remote_"+name), nil, append([]string{url}, args...)...)
			local := start(t, nil, append([]string{"local_" + name, url}, args...)...)
			prints, silent := local, remote
			if name == "lat" {
				prints, silent = remote, local
			}
			silent.expect(0, "")
			if code := prints.wait(); code != 0 || !regexp.MustCompile(pattern).MatchString(prints.stdout()) || prints.stderr() != "" {
				t.Errorf("exit %d\n%s%s", code, prints.stdout(), prints.stderr())
			}
			inproc := startProgram(t, link("inproc_"+name), nil, args...)
			if code := inproc.wait(); code != 0 || !regexp.MustCompile(pattern).MatchString(inproc.stdout()) || inproc.stderr() != "" {
				t.Errorf("inproc: exit %d\n%s%s", code, inproc.stdout(), inproc.stderr())
			}
		})
	}
}

// Messages of another size than was announced end the program that counts.
func TestPerfToolsWrongSize(t *testing.T) {
	t.Parallel()
	url := "ipc://" + shortPath(t)
	start(t, nil, "remote_thr", url, "8", "10")
	local := start(t, nil, "local_thr", url, "9", "10")
	local.expect(1, "")
	if want := "local_thr: message of incorrect size received\n"; local.stderr() != want {
		t.Errorf("%q, want %q", local.stderr(), want)
	}
}

func TestPerfToolsUsage(t *testing.T) {
	t.Parallel()
	for name, usage := range map[string]string{
		"local_lat":  "usage: local_lat <bind-to> <message-size> <roundtrip-count>\n",
		"remote_lat": "usage: remote_lat <connect-to> <message-size> <roundtrip-count>\n",
		"local_thr":  "usage: local_thr <bind-to> <message-size> <message-count>\n",
		"remote_thr": "usage: remote_thr <connect-to> <message-size> <message-count>\n",
		"inproc_lat": "usage: inproc_lat <message-size> <roundtrip-count>\n",
		"inproc_thr": "usage: inproc_thr <message-size> <message-count>\n",
	} {
		wrong := start(t, nil, name, "1")
		wrong.expect(1, "")
		if wrong.stderr() != usage {
			t.Errorf("%q, want %q", wrong.stderr(), usage)
		}
	}
	bad := start(t, nil, "local_thr", "nonsense", "1", "1")
	bad.expect(1, "")
	if !strings.HasPrefix(bad.stderr(), "local_thr: ") || !strings.Contains(bad.stderr(), "tcp://127.0.0.1:5555") {
		t.Errorf("a bad address is told as %q", bad.stderr())
	}
}
