// SPDX-License-Identifier: MIT

package main_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/foreign"
)

// Every pair of nngcat itself and the command called by that name, as listener and as dialer: all four must do the same.
func TestNngcatAndItsPersonality(t *testing.T) {
	t.Parallel()
	theirs := foreign.Find(t, "nngcat", "nng-utils")
	ours := filepath.Join(t.TempDir(), "nngcat")
	if err := os.Symlink(binary, ours); err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"nngcat": theirs, "spry": ours}
	for _, test := range []struct {
		name                         string
		listen, dial                 string
		listenerPrints, dialerPrints string // what the listener and the dialer print
		listenC, dialC               int    // how they exit
	}{
		{name: "pipeline", listen: "--pull0 --quoted -C 2", dial: `--push0 -C 2 --data a"\b`, listenerPrints: lines(`"a\"\\b"`, `"a\"\\b"`)},
		{name: "pipeline interval", listen: "--pull --ascii -C 2", dial: "--push -D x -i 1 -C 2", listenerPrints: "xx"},
		{name: "pipeline back", listen: "--push --data=hello", dial: "--pull --hex --count=1", dialerPrints: lines(`"\x68\x65\x6c\x6c\x6f"`)},
		{name: "pipeline timeout", listen: "--pull --raw --recv-timeout 3", dial: "--push -D x", listenerPrints: "x"},
		{name: "pubsub", listen: "--sub --subscribe b --subscribe c -A -C 1", dial: "--pub -D bx -d 1", listenerPrints: "bx"},
		{name: "reqrep", listen: "--rep -D answer --hex -C 1", dial: "--req -D ab --msgpack", listenerPrints: lines(`"\x61\x62"`), dialerPrints: "\xc4\x06answer"},
		{name: "reqrep count", listen: "--rep -D b --raw -C 2", dial: "--req -D a --raw -C 2 -i 1", listenerPrints: "aa", dialerPrints: "bb"},
		{name: "survey", listen: "--respondent -D here -A -C 1", dial: "--surveyor -D who -Q -d 1", listenerPrints: "who", dialerPrints: lines(`"here"`)},
		{
			name: "pair1", listen: "--pair1 -D from-l -Q --recv-timeout 3", dial: "--pair1 -D from-d -Q --recv-timeout 3",
			listenerPrints: lines(`"from-d"`), dialerPrints: lines(`"from-l"`),
		},
		{
			name: "pair0", listen: "--pair0 -D from-l -Q --recv-timeout 3", dial: "--pair0 --compat -D from-d -Q --recv-timeout 3",
			listenerPrints: lines(`"from-d"`), dialerPrints: lines(`"from-l"`),
		},
		{
			name: "bus", listen: "--bus -D from-l -Q -d 2 --recv-timeout 3", dial: "--bus -D from-d -Q -d 1 --recv-timeout 4",
			listenerPrints: lines(`"from-d"`), dialerPrints: lines(`"from-l"`),
		},
		{name: "timeouts", listen: "--rep -D x --recv-timeout 2", dial: "--req -D y -d 4 --send-timeout 1", listenC: 1, dialC: 1},
	} {
		for listener, listenProgram := range programs {
			for dialer, dialProgram := range programs {
				t.Run(test.name+"/"+listener+" listens/"+dialer+" dials", func(t *testing.T) {
					t.Parallel()
					path := shortPath(t)
					l := startProgram(t, listenProgram, nil, append(strings.Fields(test.listen), "-X", path)...)
					awaitListener(t, l, path)
					d := startProgram(t, dialProgram, nil, append(strings.Fields(test.dial), "-x", path)...)
					d.expect(test.dialC, test.dialerPrints)
					l.expect(test.listenC, test.listenerPrints)
				})
			}
		}
	}
}

// Where both are refused, they are in the same words.
func TestNngcatConnectErrors(t *testing.T) {
	t.Parallel()
	theirs := foreign.Find(t, "nngcat", "nng-utils")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() }) // after the parallel subtests
	for _, args := range [][]string{
		{"--push", "-D", "x", "--dial", "tcp://127.0.0.1:1"},
		{"--push", "-D", "x", "--dial", "ipc:///nonexistent/path"},
		{"--push", "-D", "x", "--dial", "nonsense"},
		{"--push", "-D", "x", "--dial", ""},
		{"--push", "-D", "x", "--listen", "bogus://x"},
		{"--pull", "--listen", "tcp://" + busy.Addr().String()},
		{"--pull", "--listen", "tcp://1.2.3.4:80"},
		{"--push", "-D", "x", "--send-timeout", "1", "--listen", "tcp://127.0.0.1:0"},
		{"--push", "-D", "x", "--send-timeout", "1", "--async", "-v", "--dial", "tcp://127.0.0.1:1"},
		{"--pull", "--recv-timeout", "1", "--async", "--dial", "tcp://127.0.0.1:1"},
		{"--pull", "--dial", "tls+tcp://127.0.0.1:1", "--cert", "/etc/hostname"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			want := startProgram(t, theirs, nil, args...)
			got := startProgram(t, binary, nil, append([]string{"nngcat"}, args...)...)
			if g, w := got.wait(), want.wait(); g != w || got.stderr() != want.stderr() || got.stdout() != want.stdout() {
				t.Errorf("exit %d, %q, %q\nnngcat: exit %d, %q, %q", g, got.stdout(), got.stderr(), w, want.stdout(), want.stderr())
			}
		})
	}
}

// shortPath is a path for an ipc socket, which must not be long.
func shortPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "spry-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// awaitListener waits until a program takes connections at a path. nngcat does not tell: its output is buffered. Nor may
// one try by connecting: a connection that is closed at once keeps nngcat 1.5.2 from accepting the next.
func awaitListener(t *testing.T, p *process, path string) {
	t.Helper()
	for !listening(path) {
		select {
		case <-p.exited:
			t.Fatalf("%v ended before it listened: %s", p.cmd.Args, p.stderr())
		case <-time.After(5 * time.Millisecond): // there is nothing else to wait for
		}
	}
}

// listening asks the kernel whether a unix socket at a path takes connections; where the kernel does not tell, whether
// the path is there.
func listening(path string) bool {
	const takesConnections = "00010000"
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		_, err := os.Stat(path)
		return err == nil
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) == 8 && fields[3] == takesConnections && filepath.Clean(fields[7]) == path {
			return true
		}
	}
	return false
}
