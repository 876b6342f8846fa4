// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// Names of npm's packages in the table.
const (
	npmZeroMQ = "npm zeromq"
	npmJSZMQ  = "npm jszmq"
)

// A zmqPeer is a foreign program with ZeroMQ sockets that do what the test says: python/zmqpeer.py, which describes the
// commands, or one of node/zmqpeer.js and node/jszmqpeer.js.
type zmqPeer struct {
	*peer.Process
	t     *testing.T
	calls int
}

// args are the arguments of a command, by name.
type args map[string]any

// peers are the programs that have started.
var peers = peer.Pool{Ready: "ready", Reset: `{"op": "reset"}`}

// startPeer starts the program that stands for libzmq, by Python, or for npm's package, or takes one that another test has
// done with. A peer closes all that a test has opened before another test has it.
func startPeer(t *testing.T, name string) *zmqPeer {
	t.Helper()
	var p *peer.Process
	switch name {
	case npmZeroMQ:
		modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/zeromq")
		p = peers.Borrow(t, "node", "--no-warnings", kit.NodeFolder+"/zmqpeer.js", modules)
	case npmJSZMQ:
		modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/jszmq")
		p = peers.Borrow(t, "node", "--no-warnings", kit.NodeFolder+"/jszmqpeer.js", modules)
	default:
		p = peers.Borrow(t, peer.FindPython(t, "zmq", "python3-zmq"), kit.PythonFolder+"/zmqpeer.py")
	}
	return &zmqPeer{Process: p, t: t}
}

// forTest makes a part of the test the one that the peer works for.
func (z *zmqPeer) forTest(t *testing.T) {
	z.t = t
	z.For(t)
}

// begin has the peer do something. The function that it returns waits until it is done and returns the result.
func (z *zmqPeer) begin(op string, a args) (end func() json.RawMessage) {
	z.t.Helper()
	call := map[string]any{"op": op}
	maps.Copy(call, a)
	line, err := json.Marshal(call)
	testkit.Check(z.t, err)
	z.WriteLine(string(line))
	prefix := strconv.Itoa(z.calls) + " "
	z.calls++
	return func() json.RawMessage {
		z.t.Helper()
		result := json.RawMessage(strings.TrimPrefix(z.WaitLine(prefix), prefix))
		var failure struct{ Error string }
		if json.Unmarshal(result, &failure) == nil && failure.Error != "" {
			z.t.Fatalf("%s of the peer: %s", line, failure.Error)
		}
		return result
	}
}

// do has the peer do something and waits until it is done.
func (z *zmqPeer) do(op string, a args) json.RawMessage {
	z.t.Helper()
	return z.begin(op, a)()
}

// result is what a call returned.
func result[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("the peer answered %.200s: %v", raw, err)
	}
	return v
}

// open gives the peer a socket at the address.
func (z *zmqPeer) open(socket, kind string, a kit.Address, options args) {
	z.t.Helper()
	z.do("open", args{"socket": socket, "type": kind, "options": options})
	z.attach(socket, a)
}

// attach binds or connects a socket of the peer.
func (z *zmqPeer) attach(socket string, a kit.Address) {
	z.t.Helper()
	if a.SpryListens {
		z.do("connect", args{"socket": socket, "url": a.URL})
	} else {
		z.do("bind", args{"socket": socket, "url": a.URL})
	}
}

// send has a socket of the peer send a message.
func (z *zmqPeer) send(socket string, frames ...string) {
	z.t.Helper()
	z.do("send", args{"socket": socket, "frames": frames})
}

// expect has a socket of the peer receive these messages.
func (z *zmqPeer) expect(socket string, messages ...[]string) {
	z.t.Helper()
	sameMessages(z.t, "the peer", result[[][]string](z.t, z.do("recv", args{"socket": socket, "count": len(messages)})), messages)
}

// sameMessages compares messages as peers describe them with those that were written for them.
func sameMessages(t *testing.T, who string, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s received %d messages instead of %d", who, len(got), len(want))
	}
	for i := range want {
		if w := described(expandAll(want[i])); !slices.Equal(got[i], w) {
			t.Errorf("%s received as message %d\n%.300q instead of\n%.300q", who, i, got[i], w)
		}
	}
}

// expand returns the bytes of a frame in the notation of the peers.
func expand(frame string) []byte {
	kind, rest, _ := strings.Cut(frame, ":")
	if kind == "x" {
		b, err := hex.DecodeString(rest)
		if err != nil {
			panic(err)
		}
		return b
	}
	var size, number int
	if _, err := fmt.Sscanf(rest, "%d:%d", &size, &number); err != nil {
		panic(err)
	}
	if kind == "n" {
		return kit.Numbered(size, number)
	}
	return kit.Body(size, number)
}

func expandAll(frames []string) [][]byte {
	all := make([][]byte, len(frames))
	for i, f := range frames {
		all[i] = expand(f)
	}
	return all
}

// described are frames as the peers tell of those that they received.
func described(frames [][]byte) []string {
	const short = 64
	all := make([]string, len(frames))
	for i, f := range frames {
		if len(f) <= short {
			all[i] = "x:" + hex.EncodeToString(f)
			continue
		}
		sum := sha256.Sum256(f)
		all[i] = fmt.Sprintf("s:%d:%x", len(f), sum)
	}
	return all
}

// text is a frame with these characters.
func text(s string) string { return "x:" + hex.EncodeToString([]byte(s)) }

// sameFrames compares a message that Spry received with the one that was written for the peer.
func sameFrames(t *testing.T, got [][]byte, want []string) {
	t.Helper()
	if !slices.EqualFunc(got, expandAll(want), bytes.Equal) {
		t.Fatalf("Spry received\n%.300q instead of\n%.300q", described(got), want)
	}
}
