// SPDX-License-Identifier: MIT

package main_test

import (
	"strconv"
	"strings"
	"testing"
)

// A bridge of every kind, in both directions between the families.
func TestBridge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                         string
		front, back                  string
		receive, send                []string
		listenerPrints, dialerPrints string
	}{
		{"pipeline to zeromq", "pull=sp+", "push=zmtp+", []string{"pull", "--zmtp", "-n", "1"}, []string{"push", "-D", "x"}, "x\n", ""},
		{"pipeline from zeromq", "pull=zmtp+", "push=sp+", []string{"pull", "-n", "1"}, []string{"push", "--zmtp", "-D", "x"}, "x\n", ""},
		{"pubsub to zeromq", "sub=sp+", "pub=zmtp+", []string{"sub", "--zmtp", "-s", "b", "-n", "1"}, []string{"pub", "-D", "a", "-D", "b", "--interval", "50ms"}, "b\n", ""},
		{"pubsub from zeromq", "sub=zmtp+", "pub=sp+", []string{"sub", "-s", "b", "-n", "1"}, []string{"pub", "--zmtp", "-D", "a", "-D", "b", "--interval", "50ms"}, "b\n", ""},
		{"reqrep to zeromq", "rep=sp+", "req=zmtp+", []string{"rep", "--zmtp", "--echo", "-n", "1"}, []string{"req", "-D", "x"}, "x\n", "x\n"},
		{"reqrep from zeromq", "rep=zmtp+", "req=sp+", []string{"rep", "--echo", "-n", "1"}, []string{"req", "--zmtp", "-D", "x"}, "x\n", "x\n"},
		{"frames among zeromq", "pull=zmtp+", "push=zmtp+", []string{"pull", "--zmtp", "-n", "1"}, []string{"push", "--zmtp", "-m", "-D", "x", "-D", "y"}, "x | y\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bridge := start(t, nil, "bridge", strings.Replace(test.front, "=", "=listen:", 1)+here, strings.Replace(test.back, "=", "=listen:", 1)+here)
			front, back := bridge.await(bridge.stderr, `listening at (\S+)`), bridge.await(bridge.stderr, `(?s)listening at \S+.*listening at (\S+)`)
			receiver := start(t, nil, append(test.receive, "--dial", back, "-v")...)
			receiver.await(receiver.stderr, `pipe_up()`)
			sender := start(t, nil, append(test.send, "--dial", front)...)
			receiver.expect(0, test.listenerPrints)
			if strings.HasPrefix(test.front, "sub") {
				sender.interrupt()
			}
			sender.expect(0, test.dialerPrints)
			bridge.interrupt()
			bridge.expect(0, "")
			name, _, _ := strings.Cut(test.front, "=")
			bridge.await(bridge.stderr, name+`: [1-9]\d* in, ()`)
		})
	}
}

// Messages of several frames do not end a bridge: peers that take one frame are sent none of them, or one that is joined.
func TestBridgeAndFrames(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{
		{"bridge", "pull=listen:zmtp+" + here, "push=listen:sp+" + here},
		{"proxy", "--kind", "pipeline", "--front", here, "--back", here},
	} {
		for name, flags := range map[string][]string{"dropped": nil, "joined": {"--frames", `\t`}} {
			t.Run(command[0]+" "+name, func(t *testing.T) {
				t.Parallel()
				bridge := start(t, nil, append(command, flags...)...)
				front, back := bridge.await(bridge.stderr, `listening at (\S+)`), bridge.await(bridge.stderr, `(?s)listening at \S+.*listening at (\S+)`)
				want := "c\n"
				if flags != nil {
					want = "a\tb\nc\n"
				}
				pull := start(t, nil, "pull", "--dial", back, "-n", strconv.Itoa(strings.Count(want, "\n")))
				if !strings.HasPrefix(front, "zmtp+") {
					front = "zmtp+" + front
				}
				start(t, nil, "push", "--dial", front, "--frames", ",", "-D", "a,b", "-D", "c").expect(0, "")
				pull.expect(0, want)
				bridge.interrupt()
				bridge.expect(0, "")
				if reported := strings.Contains(bridge.stderr(), "1 that could not be sent on to it"); reported != (flags == nil) {
					t.Errorf("the loss is not reported: %s", bridge.stderr())
				}
			})
		}
	}
}

// A message that is no text does not end a bridge whose peer takes text.
func TestBridgeToText(t *testing.T) {
	t.Parallel()
	bridge := start(t, nil, "bridge", "pull=listen:zmtp+"+here, "push=listen:ws://127.0.0.1:0/feed")
	front, back := bridge.await(bridge.stderr, `listening at (\S+)`), bridge.await(bridge.stderr, `(?s)listening at \S+.*listening at (\S+)`)
	pull := start(t, nil, "pull", "--dial", back+"?format=text", "-n", "2", "-v")
	pull.await(pull.stderr, `pipe_up()`)
	lines := strings.NewReader(`"a"` + "\n" + `{"body_base64":"/w=="}` + "\n" + `"c"` + "\n")
	start(t, lines, "push", "--dial", "zmtp+"+strings.TrimPrefix(front, "zmtp+"), "--ndjson").expect(0, "")
	pull.expect(0, "a\nc\n")
	bridge.interrupt()
	bridge.expect(0, "")
	bridge.await(bridge.stderr, `1 that could not be sent on to it()`)
}

func TestFiguresAreReportedAgainAndAgain(t *testing.T) {
	t.Parallel()
	bridge := start(t, nil, "bridge", "rep=listen:sp+"+here, "req=dial:zmtp+tcp://127.0.0.1:1", "--stats", "10ms", "--quiet")
	bridge.await(bridge.stderr, `(?s)req: 0 in, 0 out, 0 peers.*req: 0 in, 0 out, 0 peers()`)
	bridge.interrupt()
	bridge.expect(0, "")
}

// A proxy of every kind between ZeroMQ's own sockets.
func TestZeroMQProxy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind                         string
		receive, send                []string
		listenerPrints, dialerPrints string
	}{
		{"pipeline", []string{"pull", "-n", "1"}, []string{"push", "-m", "-D", "x", "-D", "y"}, "x | y\n", ""},
		{"reqrep", []string{"rep", "--echo", "-n", "1"}, []string{"req", "-m", "-D", "x", "-D", "y"}, "x | y\n", "x | y\n"},
		{"pubsub", []string{"sub", "-s", "x", "-n", "1"}, []string{"pub", "-m", "-D", "x", "-D", "y", "--interval", "50ms"}, "x | y\n", ""},
		{"pair", []string{"pair", "-D", "z", "--recv-count", "1"}, []string{"pair", "-m", "-D", "x", "-D", "y", "--recv-count", "1"}, "x | y\n", "z\n"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			proxy := start(t, nil, "proxy", "--zmtp", "--kind", test.kind, "--front", here, "--back", here)
			front, back := proxy.await(proxy.stderr, `listening at (\S+)`), proxy.await(proxy.stderr, `(?s)listening at \S+.*listening at (\S+)`)
			receiver := start(t, nil, append(test.receive, "--zmtp", "--dial", back)...)
			sender := start(t, nil, append(test.send, "--zmtp", "--dial", front)...)
			receiver.expect(0, test.listenerPrints)
			if test.kind == "pubsub" {
				sender.interrupt()
			}
			sender.expect(0, test.dialerPrints)
			proxy.interrupt()
			proxy.expect(0, "")
		})
	}
}

// A bridge that dials where a listener was meant says so, instead of waiting in silence.
func TestBridgeReportsAMissingPeer(t *testing.T) {
	t.Parallel()
	bridge := start(t, nil, "bridge", "pull=zmtp+tcp://127.0.0.1:1", "push=listen:tcp://127.0.0.1:0")
	bridge.await(bridge.stderr, `pull: no peer is connected so far; .*refused`)
	bridge.await(bridge.stderr, `to listen there, write pull=listen:zmtp\+tcp://127\.0\.0\.1:1`)
}
