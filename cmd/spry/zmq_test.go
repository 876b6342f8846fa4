// SPDX-License-Identifier: MIT

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every pattern of ZeroMQ, with one command at each end: the listener's line, then the dialer's.
func TestZeroMQPatterns(t *testing.T) {
	t.Parallel()
	for transport, listen := range addresses(t) {
		t.Run(transport, func(t *testing.T) {
			for _, test := range []struct {
				name                         string
				listen, dial                 []string
				listenerPrints, dialerPrints string // what the listener and the dialer print
			}{
				{"pipeline", []string{"pull", "--zmtp", "-n", "1"}, []string{"push", "--zmtp", "-m", "-D", "a", "-D", "", "-D", "b"}, "a |  | b\n", ""},
				{"pubsub", []string{"sub", "--zmtp", "-s", "b", "-n", "2"}, []string{"pub", "--zmtp", "-D", "b1", "-D", "a", "-D", "b2,x", "--frames", ","}, lines("b1", "b2 | x"), ""},
				{"reqrep", []string{"rep", "--zmtp", "--echo", "-n", "1"}, []string{"req", "--zmtp", "-D", "x,y", "--frames", ","}, "x | y\n", "x,y\n"},
				{"pair", []string{"pair", "--zmtp", "-D", "ping", "--recv-count", "1"}, []string{"pair", "--zmtp", "-m", "-D", "p", "-D", "q", "--recv-count", "1"}, "p | q\n", "ping\n"},
				{"dealer and rep", []string{"rep", "--zmtp", "-m", "-D", "y", "-D", "z", "-n", "1"}, []string{"dealer", "-m", "-D", "", "-D", "x", "--recv-count", "1"}, "x\n", " | y | z\n"},
				{"router and req", []string{"router", "--echo", "-n", "1", "-f", "{{.Frame 0}}"}, []string{"req", "--zmtp", "--identity", "me", "-D", "x"}, "me\n", "x\n"},
				{"router and dealer", []string{"router", "--to", `d\x31`, "-D", "go", "--recv-count", "1"}, []string{"dealer", "--identity", "d1", "-D", "here", "--recv-count", "1"}, "d1 | here\n", "go\n"},
				{"router by frame", []string{"router", "-m", "-D", "d2", "-D", "go", "--recv-count", "0"}, []string{"dealer", "--identity", "d2", "-n", "1"}, "", "go\n"},
				{"xpub and sub", []string{"xpub", "-D", "news", "-n", "1", "--recv-count", "1"}, []string{"sub", "--zmtp", "-s", "ne", "-n", "1"}, "\\x01ne\n", "news\n"},
				{"xsub and pub", []string{"xsub", "-s", "n", "--recv-count", "1"}, []string{"pub", "--zmtp", "-D", "news"}, "news\n", ""},
				{"xsub and xpub", []string{"xpub", "--recv-count", "2", "-f", "quoted"}, []string{"xsub", "-s", "t", "-D", "back"}, lines(`"\x01t"`, `"back"`), ""},
				{"radio and dish", []string{"dish", "-j", "g", "-n", "1"}, []string{"radio", "--group", "g", "-D", "x"}, "g | x\n", ""},
				{"radio by frame", []string{"dish", "-j", "g", "-n", "1", "-f", "{{.Frame 1}}"}, []string{"radio", "-m", "-D", "g", "-D", "x"}, "x\n", ""},
				{"client and server", []string{"server", "--echo", "-n", "1"}, []string{"client", "-D", "x", "--recv-count", "1"}, "x\n", "x\n"},
				{"client only", []string{"server", "-n", "1"}, []string{"client", "-D", "x", "--recv-count", "0"}, "x\n", ""},
				{"scatter and gather", []string{"gather", "-n", "1"}, []string{"scatter", "-D", "x"}, "x\n", ""},
				{"peer", []string{"peer", "--echo", "-n", "1"}, []string{"peer", "-D", "x", "--recv-count", "1"}, "x\n", "x\n"},
				{"channel", []string{"channel", "-D", "x", "--recv-count", "1"}, []string{"channel", "-D", "y", "--recv-count", "1"}, "y\n", "x\n"},
			} {
				t.Run(test.name, func(t *testing.T) {
					listener := start(t, nil, append(test.listen, "--listen", listen)...)
					dialer := start(t, nil, append(test.dial, "--dial", listener.url(), "-v")...)
					if test.name == "xsub and xpub" { // a subscription that is gone again is not told of
						listener.expect(0, test.listenerPrints)
						dialer.interrupt()
					}
					dialer.expect(0, test.dialerPrints)
					listener.expect(0, test.listenerPrints)
				})
			}
		})
	}
}

// What one command prints as JSON the next one sends.
func TestFramesAsJSON(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("\x00\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	pull := start(t, nil, "pull", "--zmtp", "--listen", here, "-n", "1", "--format", "json")
	start(t, nil, "push", "--zmtp", "--dial", pull.url(), "-m", "-D", "topic", "-F", path).expect(0, "")
	if code := pull.wait(); code != 0 || !strings.Contains(pull.stdout(), `"frames":["topic",{"base64":"AP8="}]`) {
		t.Fatalf("exit %d: %s%s", code, pull.stdout(), pull.stderr())
	}
	again := start(t, nil, "pull", "--zmtp", "--listen", here, "-n", "1", "--format", "hex")
	start(t, strings.NewReader(pull.stdout()), "push", "--zmtp", "--dial", again.url(), "--ndjson").expect(0, "")
	again.expect(0, "746f706963 00ff\n")
}

// Without --zmtp a listener takes peers of both families, and a URL says what is dialed.
func TestBothFamiliesAtOneListener(t *testing.T) {
	t.Parallel()
	pull := start(t, nil, "pull", "--listen", here, "-n", "2")
	url := pull.url()
	start(t, nil, "push", "--dial", "zmtp+"+url, "-D", "x").expect(0, "")
	start(t, nil, "push", "--dial", url, "-D", "x").expect(0, "")
	pull.expect(0, lines("x", "x"))
}

func TestFramesForPeersWithoutFrames(t *testing.T) {
	t.Parallel()
	pull := start(t, nil, "pull", "--listen", here)
	push := start(t, nil, "push", "--dial", pull.url(), "-m", "-D", "a", "-D", "b")
	if code := push.wait(); code != 1 || !strings.Contains(push.stderr(), "several frames") {
		t.Errorf("exit %d: %s", code, push.stderr())
	}
}
