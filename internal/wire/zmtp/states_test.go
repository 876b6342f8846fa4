// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"

	"github.com/sprymq/spry/internal/reasons"
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
			want := reasons.Command
			if name == "ERROR" {
				want = reasons.PeerError
			}
			if name == s.expected && !strings.HasPrefix(s.name, "CURVE") && name != "HELLO" {
				want = "" // it may be empty there
			}
			if got := reason(t, e.err); got != want {
				t.Errorf("%s: %s is refused for %q, want %q", s.name, name, got, want)
			}
		}
		for _, frame := range []string{"\x00\x02hi", "\x01\x02hi", "\x02\x00\x00\x00\x00\x00\x00\x00\x02hi"} {
			if e := shake(t, h.config(t, v.Keys), h.Verdict, append(prefix, frame...)); reason(t, e.err) != reasons.Command {
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
	if got.reason != reasons.Oversize || len(got.events) > 270 {
		t.Errorf("after %d commands: %q", len(got.events), got.reason)
	}
	_, pull = plainPair(t, named(t, "PUSH"), named(t, "PULL"))
	between := slices.Concat(stream[3:], push.Framing.AppendFrame(nil, nil, []byte("b")))
	if got := decode(t, pull.Decoder, 8, between); len(got.messages) != 1 || len(got.events) != 300 {
		t.Errorf("between messages: %d messages, %d events, %q", len(got.messages), len(got.events), got.reason)
	}
}

// TestVectorsCoverEveryReason reads the sources, so that a new reason must get a vector.
func TestVectorsCoverEveryReason(t *testing.T) {
	covered := map[reasons.Reason]bool{}
	v := readVectors(t)
	for _, h := range v.Handshakes {
		covered[h.Reason] = true
	}
	for _, m := range v.Malformed {
		covered[m.Reason] = true
	}
	for name, r := range testkit.UsedReasons(t, "../../..", ".") {
		if !covered[r] {
			t.Errorf("no vector shows the reason %s", name)
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
