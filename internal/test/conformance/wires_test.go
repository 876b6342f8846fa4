// SPDX-License-Identifier: MIT

// Package conformance_test has what sockets promise, a file for each promise. What holds whatever carries the messages is
// written once, and run over every transport and dialect, as subtests named after them:
//
//	go test ./internal/test/conformance -run PubSub/^tcp
package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// A wire is one kind of link, with options for the sockets that are to use it.
type wireUnderTest struct {
	scheme  string
	options spry.Options
}

// The wires. "sim" is a stream in memory, "simmsg" a link of whole messages, which proves that a transport without a
// stream of bytes fits. Without SPRY_LONG each dialect goes over one of the two kinds of WebSocket.
var (
	spWires   = append([]string{"inproc", "ipc", "tcp", "tls+tcp", "ws", "sim", "simmsg"}, inFull("wss")...)
	zmtpWires = append([]string{"zmtp+ipc", "zmtp+tcp", "zmtp+tls+tcp", "zmtp+wss"}, inFull("zmtp+ws")...)
)

// inFull returns the wires if tests run in full.
func inFull(wires ...string) []string {
	if testkit.Long {
		return wires
	}
	return nil
}

// overEveryWire runs f over every transport and dialect.
func overEveryWire(t *testing.T, f func(t *testing.T, w wireUnderTest)) {
	overWires(t, slices.Concat(spWires, zmtpWires), f)
}

// overSPWires is overEveryWire for what ZeroMQ lacks: surveys, buses, hop counts, filtering by the subscriber.
func overSPWires(t *testing.T, f func(t *testing.T, w wireUnderTest)) { overWires(t, spWires, f) }

func overWires(t *testing.T, wires []string, f func(t *testing.T, w wireUnderTest)) {
	for _, scheme := range wires {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			w := wireUnderTest{scheme: scheme, options: spry.Options{Name: t.Name()}}
			switch {
			case w.simulated():
				w.options.Transports = []transport.Transport{simnet.New(7)}
			case strings.Contains(scheme, "ws"):
				w.options.Transports = []transport.Transport{ws.Transport{}}
			}
			f(t, w)
		})
	}
}

// simulated reports whether the wire is of a network in memory.
func (w wireUnderTest) simulated() bool { return w.scheme == "sim" || w.scheme == "simmsg" }

// secured reports whether the wire has TLS.
func (w wireUnderTest) secured() bool {
	return strings.HasSuffix(w.scheme, "tls+tcp") || strings.HasSuffix(w.scheme, "wss")
}

// join makes b listen and a dial it.
func (w wireUnderTest) join(t *testing.T, a, b testkit.Socket) {
	t.Helper()
	testkit.DialTo(t, a, w.listen(t, b))
}

func (w wireUnderTest) listen(t *testing.T, s testkit.Socket) *spry.Endpoint {
	t.Helper()
	if !w.simulated() {
		return testkit.ListenOn(t, s, w.scheme)
	}
	e, err := s.ListenWith(testkit.Watchdog(t), &spry.ListenConfig{URL: fmt.Sprintf("%s://n%d", w.scheme, testkit.Fresh())})
	testkit.Check(t, err)
	return e
}

// A link is a way to join two sockets: one of the wires, or a connection that exists already.
type link struct {
	wireUnderTest
	attached bool
}

// run runs a property over every link.
func run(t *testing.T, property func(t *testing.T, l link)) {
	overWires(t, zmtpWires, func(t *testing.T, w wireUnderTest) { property(t, link{w, false}) })
	runSP(t, property)
}

// runSP is run for what ZeroMQ lacks.
func runSP(t *testing.T, property func(t *testing.T, l link)) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) { property(t, link{w, false}) })
	t.Run("attached", func(t *testing.T) {
		leak.Check(t)
		property(t, link{wireUnderTest{scheme: "attached", options: spry.Options{Name: t.Name()}}, true})
	})
}

// join connects a, as the end that dials, with b.
func (l link) join(t *testing.T, a, b testkit.Attacher) {
	t.Helper()
	dialed, answered := l.tryJoin(t, a, b)
	testkit.Check(t, dialed)
	testkit.Check(t, answered)
}

// tryJoin is join where either end may be refused, or closed meanwhile.
func (l link) tryJoin(t *testing.T, a, b testkit.Attacher) (dialed, answered error) {
	t.Helper()
	if !l.attached {
		_, dialed = a.DialWith(testkit.Watchdog(t), testkit.DialerTo(l.listen(t, b)))
		return dialed, nil
	}
	dialer, listener := simnet.Pipe()
	attached := make(chan error, 1)
	go func() {
		_, err := b.Attach(testkit.Watchdog(t), listener, &spry.AttachConfig{Listening: true})
		attached <- err
	}()
	_, dialed = a.Attach(testkit.Watchdog(t), dialer, nil)
	return dialed, <-attached
}
