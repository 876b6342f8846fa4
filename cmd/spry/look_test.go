// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// A proxy of every kind, with a command on either side.
func TestProxy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind         string
		receive      []string // dials the back, or the front where it is asked
		receiveFront bool
		send         []string
		printed      string // by the receiver
		answered     string // to the sender
	}{
		{kind: "pipeline", receive: []string{"pull", "--count", "1"}, send: []string{"push", "-D", "x"}, printed: "x\n"},
		{kind: "pubsub", receive: []string{"sub", "--count", "1"}, send: []string{"pub", "-D", "x", "--interval", "50ms"}, printed: "x\n"},
		{kind: "reqrep", receive: []string{"rep", "--echo", "--count", "1"}, send: []string{"req", "-D", "x"}, printed: "x\n", answered: "x\n"},
		{kind: "survey", receive: []string{"respond", "--data", "y", "--count", "1"}, send: []string{"survey", "-D", "x", "--deadline", "1m", "--answers", "1"}, printed: "x\n", answered: "y\n"},
		{kind: "pair", receive: []string{"pair", "-D", "y", "--recv-count", "1"}, send: []string{"pair", "-D", "x", "--recv-count", "1"}, printed: "x\n", answered: "y\n"},
		{kind: "bus", receive: []string{"bus", "--recv-count", "1", "--count", "1"}, send: []string{"bus", "-D", "x", "--interval", "50ms", "--recv-count", "0"}, printed: "x\n"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			proxy := start(t, nil, "proxy", "--kind", test.kind, "--front", "tcp://127.0.0.1:0", "--back", "tcp://127.0.0.1:0")
			front := proxy.await(proxy.stderr, `listening at (\S+)`)
			back := proxy.await(proxy.stderr, `(?s)listening at \S+.*listening at (\S+)`)
			receiver := start(t, nil, append(test.receive, "--dial", back, "-v")...)
			receiver.await(receiver.stderr, `pipe_up()`)
			sender := start(t, nil, append(test.send, "--dial", front)...)
			receiver.expect(0, test.printed)
			if strings.Contains(strings.Join(test.send, " "), "interval") {
				sender.interrupt()
			}
			sender.expect(0, test.answered)
			proxy.interrupt()
			proxy.expect(0, "")
			if !strings.Contains(proxy.stderr(), "front: 1 in, ") && sender.stdout() != "" {
				t.Errorf("no figures at the end: %q", proxy.stderr())
			}
		})
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	for transport, listen := range addresses(t) {
		t.Run(transport, func(t *testing.T) {
			for verb, want := range map[string]string{"rep --echo": "rep", "pull": "pull", "pair": "pair1", "bus": "bus", "survey -D x": "surveyor", "sub": "sub"} {
				peer := start(t, nil, append(strings.Fields(verb), "--listen", listen)...)
				inspect := start(t, nil, "inspect", "--json", peer.url())
				if code := inspect.wait(); code != 0 {
					t.Fatalf("%s: exit %d: %s", verb, code, inspect.stderr())
				}
				var report struct {
					Dialect, Protocol, Version string
					RoundTrip                  float64 `json:"round_trip_us"`
				}
				if err := json.Unmarshal([]byte(inspect.stdout()), &report); err != nil {
					t.Fatal(err)
				}
				if report.Dialect != "sp" || report.Protocol != want || report.Version != "0" || report.RoundTrip <= 0 {
					t.Errorf("%s: %s", verb, inspect.stdout())
				}
				peer.interrupt()
				peer.wait()
			}
		})
	}
}

// What ZeroMQ's sockets say of themselves; beside the Scalability Protocols where both are served.
func TestInspectZeroMQ(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]string{
		"router --identity me": `"dialect":"zmtp".*"zmtp":\{"version":"3.1","mechanism":"NULL","socket":"ROUTER","identity":"me"\}`,
		"dish --join g":        `"dialect":"zmtp".*"socket":"DISH"`,
		"pull --zmtp":          `"dialect":"zmtp".*"socket":"PULL"`,
		"pull":                 `"dialect":"sp","protocol":"pull".*"zmtp":\{"version":"3.1","mechanism":"NULL","socket":"PULL"\}`,
	} {
		peer := start(t, nil, append(strings.Fields(verb), "--listen", here)...)
		inspect := start(t, nil, "inspect", "--json", strings.TrimPrefix(peer.url(), "zmtp+"))
		if code := inspect.wait(); code != 0 {
			t.Fatalf("%s: exit %d: %s", verb, code, inspect.stderr())
		}
		inspect.await(inspect.stdout, want+"()")
		peer.interrupt()
		peer.wait()
	}
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	monitor := start(t, nil, "monitor", "rep", "--listen", "tcp://127.0.0.1:0", "--json")
	url := monitor.await(monitor.stdout, `"event":"listening","endpoint":"([^"]+)"`)
	wrong := start(t, nil, "push", "--dial", url, "-D", "x", "--connect-timeout", "500ms")
	monitor.await(monitor.stdout, `"event":"reject".*"reason":"role_mismatch"()`)
	if code := wrong.wait(); code != 3 || !strings.Contains(wrong.stderr(), "rep") {
		t.Errorf("the wrong peer ended with %d and does not say why: %q", code, wrong.stderr())
	}
	start(t, nil, "req", "--dial", url, "-D", "x", "--recv-timeout", "300ms").expect(3, "")
	monitor.await(monitor.stdout, `"event":"pipe_up"()`)
	monitor.await(monitor.stdout, `"event":"pipe_down"()`)
	monitor.interrupt()
	if code := monitor.wait(); code != 0 {
		t.Errorf("exit %d: %s", code, monitor.stderr())
	}
	dealer := start(t, nil, "monitor", "dealer", "--listen", here)
	url = dealer.await(dealer.stdout, `listening +(\S+)`)
	start(t, nil, "router", "--dial", url, "--echo")
	dealer.await(dealer.stdout, `pipe_up()`)
	for line := range strings.Lines(monitor.stdout()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q is no JSON", line)
		}
	}
}

// Ctrl-C delivers what is queued, and says what was done.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	pull := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0")
	push := start(t, nil, "push", "--dial", pull.url(), "-D", "x", "--interval", "1ms")
	pull.await(pull.stdout, `x\nx\n()`)
	push.interrupt()
	push.expect(0, "")
	sent := push.await(push.stderr, `(\d+) sent, 0 received`)
	n, err := strconv.Atoi(sent)
	if err != nil {
		t.Fatal(err)
	}
	pull.await(pull.stdout, `^(x\n){`+strconv.Itoa(min(n, 1000))+`}`)
	pull.interrupt()
	pull.expect(0, strings.Repeat("x\n", n))

	counted := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--count", "2")
	counted.url()
	counted.interrupt()
	counted.expect(3, "")
}

// A receiver that stops reading must not make the command lose what it has sent, nor hang after Ctrl-C.
func TestUndeliveredIsReported(t *testing.T) {
	t.Parallel()
	stalled := start(t, nil, "monitor", "pull", "--listen", "tcp://127.0.0.1:0", "--json") // takes connections, reads until its queue is full
	url := stalled.await(stalled.stdout, `"event":"listening","endpoint":"([^"]+)"`)
	body := strings.Repeat("x", 1<<20)
	push := start(t, strings.NewReader(strings.Repeat(body+"\n", 64)), "push", "--dial", url, "--lines", "--linger", "300ms", "--send-timeout", "1s", "-v")
	if code := push.wait(); code != 4 {
		t.Errorf("exit %d, want 4: %s", code, push.stderr())
	}
	if !strings.Contains(push.stderr(), "not handed over") {
		t.Errorf("the error does not say what was left: %q", push.stderr())
	}
}
