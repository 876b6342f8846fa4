// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/wire"
)

// A state is a handshake that has come so far, and the only command that belongs there.
type state struct {
	name     string
	vector   string // whose bytes lead there
	upTo     string // the command in these that is next
	expected string
}

var states = []state{
	{"NULL", "listening pull meets push", "READY", "READY"},
	{"PLAIN client at first", "PLAIN client", "WELCOME", "WELCOME"},
	{"PLAIN client after WELCOME", "PLAIN client", "READY", "READY"},
	{"PLAIN server at first", "PLAIN server", "HELLO", "HELLO"},
	{"PLAIN server after HELLO", "PLAIN server", "INITIATE", "INITIATE"},
	{"CURVE client at first", "CURVE client", "WELCOME", "WELCOME"},
	{"CURVE client after WELCOME", "CURVE client", "READY", "READY"},
	{"CURVE server at first", "CURVE server", "HELLO", "HELLO"},
	{"CURVE server after HELLO", "CURVE server", "INITIATE", "INITIATE"},
}

// Each state of a handshake takes one command and refuses all others, and messages too.
func TestEveryStateRefusesWhatDoesNotBelongThere(t *testing.T) {
	v := readVectors(t)
	commands := []string{"READY", "HELLO", "WELCOME", "INITIATE", "ERROR", "MESSAGE", "SUBSCRIBE", "CANCEL", "PING", "PONG", "JOIN", "LEAVE", "ready", "X"}
	for _, s := range states {
		i := slices.IndexFunc(v.Handshakes, func(h handshakeVector) bool { return h.Name == s.vector })
		h := v.Handshakes[i]
		at := bytes.Index(h.Receive, append([]byte{byte(len(s.upTo))}, s.upTo...)) - 2
		if h.Receive[at] != 4 { // a long frame
			at -= 7
		}
		prefix := h.Receive[:at:at]
		if e := shake(t, h.config(t, v.Keys), h.Verdict, prefix); e.err != nil || e.session != nil {
			t.Fatalf("%s: the way there ended with %v", s.name, e.err)
		}
		for _, name := range commands {
			frame := append([]byte{4, byte(1 + len(name)), byte(len(name))}, name...)
			e := shake(t, h.config(t, v.Keys), h.Verdict, append(prefix, frame...))
			want := wire.ReasonCommand
			if name == "ERROR" {
				want = wire.ReasonPeerError
			}
			if name == s.expected && !strings.HasPrefix(s.name, "CURVE") && name != "HELLO" {
				want = "" // it may be empty there
			}
			if got := reason(t, e.err); got != want {
				t.Errorf("%s: %s is refused for %q, want %q", s.name, name, got, want)
			}
		}
		for _, frame := range []string{"\x00\x02hi", "\x01\x02hi", "\x02\x00\x00\x00\x00\x00\x00\x00\x02hi"} {
			if e := shake(t, h.config(t, v.Keys), h.Verdict, append(prefix, frame...)); reason(t, e.err) != wire.ReasonCommand {
				t.Errorf("%s: a message is not refused: %v", s.name, e.err)
			}
		}
	}
}

// What one peer sends, sent twice, and what several send, one after the other, ends as the first of it does, or as an
// error of the protocol: never in a second session.
func TestHandshakesTwiceAndConcatenated(t *testing.T) {
	v := readVectors(t)
	for _, first := range v.Handshakes {
		for i, second := range v.Handshakes {
			if first.Name != second.Name && (first.Security != "" || i%7 != 0) {
				continue // one after itself, and enough of the others
			}
			alone := shake(t, first.config(t, v.Keys), first.Verdict, first.Receive)
			both := shake(t, first.config(t, v.Keys), first.Verdict, slices.Concat(first.Receive, second.Receive))
			if alone.session != nil && (both.session == nil || string(both.left) != string(alone.left)+string(second.Receive)) {
				t.Errorf("%s, then %s: session %v, left %d", first.Name, second.Name, both.session, len(both.left))
			}
			if alone.err != nil && reason(t, both.err) != reason(t, alone.err) {
				t.Errorf("%s, then %s: %v, and alone %v", first.Name, second.Name, both.err, alone.err)
			}
		}
	}
}

// Memory is given for what has arrived only: commands between the frames of a message are held with it, so there is a
// limit to them.
func TestCommandsBetweenFramesAreBounded(t *testing.T) {
	stream := []byte("\x01\x01a")
	ping := append([]byte("\x04\xff\x04PING\x00\x00"), make([]byte, 248)...)
	for range 300 {
		stream = append(stream, ping...)
	}
	push, pull := plainPair(t, named(t, "PUSH"), named(t, "PULL"))
	got := decode(t, pull.Decoder, 8, stream)
	if got.reason != wire.ReasonOversize || len(got.events) > 270 {
		t.Errorf("after %d commands: %q", len(got.events), got.reason)
	}
	_, pull = plainPair(t, named(t, "PUSH"), named(t, "PULL"))
	between := slices.Concat(stream[3:], push.Framing.AppendFrame(nil, nil, []byte("b")))
	if got := decode(t, pull.Decoder, 8, between); len(got.messages) != 1 || len(got.events) != 300 {
		t.Errorf("between messages: %d messages, %d events, %q", len(got.messages), len(got.events), got.reason)
	}
}

// TestVectorsCoverEveryReason reads the list of reasons from the source, so that a new one must either get a vector or
// be named here as one that this dialect's bytes cannot give.
func TestVectorsCoverEveryReason(t *testing.T) {
	notFromBytes := []wire.Reason{
		wire.ReasonTimeout, wire.ReasonEarlyEOF, wire.ReasonEvicted, wire.ReasonRefused, wire.ReasonSecurity, wire.ReasonIO,
		wire.ReasonReserved,                    // what is reserved is ignored
		wire.ReasonTopics, wire.ReasonIdentity, // the patterns' business
		wire.ReasonPipes, wire.ReasonBudget, // the engine's
	}
	covered := map[wire.Reason]bool{}
	v := readVectors(t)
	for _, h := range v.Handshakes {
		covered[h.Reason] = true
	}
	for _, m := range v.Malformed {
		covered[m.Reason] = true
	}
	reasons := append(declaredReasons(t, "../wire.go"), declaredReasons(t, "../security.go")...)
	if len(reasons) <= len(notFromBytes) {
		t.Fatalf("found only %d reasons", len(reasons))
	}
	for _, r := range reasons {
		if covered[r] == slices.Contains(notFromBytes, r) {
			t.Errorf("the reason %q is shown by a vector: %v", r, covered[r])
		}
	}
}

// The malformed classes of the handshake and of frames are numbered; each has an example that says so.
func TestVectorsCoverEveryMalformedClass(t *testing.T) {
	v := readVectors(t)
	var why []string
	for _, h := range v.Handshakes {
		why = append(why, h.Why)
	}
	for _, f := range slices.Concat(v.Frames, v.Malformed) {
		why = append(why, f.Why)
	}
	for class := 19; class <= 44; class++ {
		if !slices.ContainsFunc(why, func(w string) bool { return strings.HasPrefix(w, fmt.Sprintf("class %d", class)) }) {
			t.Errorf("no vector is of class %d", class)
		}
	}
}

// declaredReasons returns the values of the constants Reason… in a file of package wire.
func declaredReasons(t *testing.T, path string) (reasons []wire.Reason) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		reasons = append(reasons, wire.Reason(text))
		return true
	})
	return reasons
}
