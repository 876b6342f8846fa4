// SPDX-License-Identifier: MIT

package conformance_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// The parts of a ZMTP stream, as a peer may put them together that knows no better.

// zmtpClasses are the malformed classes 19 to 44 of a ZMTP stream without security, for a PULL that takes messages of
// malformedLimit bytes. Classes 40 to 44 are of mechanisms that such a listener does not have.
func zmtpClasses() []malformed {
	const rejected, down = spry.EventReject, spry.EventPipeDown
	var cs []malformed
	add := func(name string, reason spry.Reason, kind spry.EventKind, stream string) {
		cs = append(cs, malformed{name: name, reason: reason, kind: kind, do: func(t testing.TB, b *testkit.Bare) { b.Say(t, []byte(stream)) }})
	}
	reject := func(name string, reason spry.Reason, stream string) { add(name, reason, rejected, stream) }
	after := func(name string, reason spry.Reason, stream string) {
		add(name, reason, down, testkit.OpenAs("PUSH")+stream)
	}
	// legal peers, odd as they are, are served: a message of theirs is delivered, and then they end in an orderly way.
	legal := func(name, stream string) {
		cs = append(cs, malformed{name: name, reason: "eof", kind: down, bodies: 1, do: func(t testing.TB, b *testkit.Bare) {
			b.Say(t, []byte(stream+testkit.ShortFrame("\x00", "bad but legal")))
			closeWrite(t, b)
		}})
	}
	push := testkit.ReadyAs("PUSH")

	reject("19 unversioned peer", "bad_header", "\x01\x00")
	reject("19 unversioned peer with a long identity", "version", "\xff\x00\x00\x00\x00\x00\x00\x00\x05\x00name")
	for _, v := range []string{"\x00", "\x02"} {
		reject(fmt.Sprintf("20 revision %d", v[0]), "version", testkit.ZMTPSignature+v)
	}
	legal("20 ZMTP 2.0", testkit.ZMTPSignature+"\x01\x08\x00\x00")
	reject("20 ZMTP 2.0, a type that does not fit", "role_mismatch", testkit.ZMTPSignature+"\x01\x07")
	reject("20 ZMTP 2.0, a type that does not exist", "unknown_protocol", testkit.ZMTPSignature+"\x01\x0b")
	reject("20 ZMTP 2.0, an identity in several frames", "frame_type", testkit.ZMTPSignature+"\x01\x08\x01\x00")
	reject("20 ZMTP 2.0, an identity of 256 bytes", "metadata", testkit.ZMTPSignature+"\x01\x08"+testkit.LongFrame(0, 256, strings.Repeat("x", 256)))
	reject("20 ZMTP 2.0, an identity of 2^63 bytes", "oversize", testkit.ZMTPSignature+"\x01\x08"+testkit.LongFrame(0, 1<<63, ""))
	for _, v := range []byte{4, 5, 16, 127, 128, 255} {
		legal(fmt.Sprintf("21 major %d", v), testkit.Greeting(string([]byte{v, 0}), "NULL", 0)+push)
	}
	for _, v := range []byte{0, 2, 255} {
		legal(fmt.Sprintf("22 minor %d", v), testkit.Greeting(string([]byte{3, v}), "NULL", 0)+push)
	}
	for _, m := range []string{"GSSAPI", "null", "", "NULLNULLNULLNULLNULL"} {
		reject("23 mechanism "+m, "mechanism", testkit.Greeting("\x03\x01", m, 0))
	}
	reject("24 mechanism padded with blanks", "mechanism", testkit.Greeting("\x03\x01", "NULL"+strings.Repeat(" ", 16), 0))
	reject("24 something behind the zeros", "mechanism", testkit.Greeting("\x03\x01", "NULL\x00\x00X", 0))
	legal("25 both are the server", testkit.Greeting("\x03\x01", "NULL", 1)+push)
	legal("25 the server is 255", testkit.Greeting("\x03\x01", "NULL", 255)+push)
	legal("26 filler", testkit.Greet[:33]+strings.Repeat("\xff", 31)+push)
	reject("27 message before READY", "command", testkit.Greet+testkit.ShortFrame("\x00", "early"))
	reject("27 message of several frames before READY", "command", testkit.Greet+testkit.ShortFrame("\x01", "early"))
	reject("28 READY in several frames", "frame_type", testkit.Greet+"\x05"+push[1:])
	after("28 command in several frames", "frame_type", testkit.ShortFrame("\x05", "\x04PING\x00\x00"))
	for name, body := range map[string]string{"empty": "", "of length 0": "\x00READY", "of length 255": "\xffREADY", "one longer than the frame": "\x06READY"} {
		reject("29 name "+name, "command", testkit.Greet+testkit.ShortFrame(testkit.ZMTPCommand, body))
		after("29 name "+name+", later", "command", testkit.ShortFrame(testkit.ZMTPCommand, body)+strings.Repeat("\x00", 9)) // of which a size may be read
	}
	legal("30 no Socket-Type", testkit.Greet+testkit.Command("READY", testkit.Property("X-Other", "1")))
	legal("30 no properties", testkit.Greet+testkit.Command("READY", ""))
	reject("31 property twice", "metadata", testkit.Greet+testkit.Command("READY", testkit.Property("Socket-Type", "PUSH")+testkit.Property("Socket-Type", "PUSH")))
	reject("31 property twice, spelt otherwise", "metadata", testkit.Greet+testkit.Command("READY", testkit.Property("Socket-Type", "PUSH")+testkit.Property("SOCKET-TYPE", "PULL")))
	reject("32 value of 2^31-1 bytes", "metadata", testkit.Greet+testkit.Command("READY", "\x01a\x7f\xff\xff\xff"))
	reject("32 value of 2^32-1 bytes", "metadata", testkit.Greet+testkit.Command("READY", "\x01a\xff\xff\xff\xff"))
	reject("32 truncated value", "metadata", testkit.Greet+testkit.Command("READY", "\x01a\x00\x00\x00\x02x"))
	reject("32 truncated length", "metadata", testkit.Greet+testkit.Command("READY", "\x01a\x00\x00"))
	reject("32 truncated name", "metadata", testkit.Greet+testkit.Command("READY", "\x09a"))
	reject("32 no name", "metadata", testkit.Greet+testkit.Command("READY", "\x00\x00\x00\x00\x00"))
	reject("32 65 properties", "metadata", testkit.Greet+manyProperties(65))
	reject("32 READY of 8 KiB and a byte", "oversize", testkit.Greet+testkit.LongFrame(4, 8<<10+1, ""))
	for _, s := range []string{
		"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "XPUB", "XSUB", "SERVER", "CLIENT", "RADIO", "DISH",
		"GATHER", "SCATTER", "PEER", "CHANNEL",
	} {
		reject("33 "+s, "role_mismatch", testkit.Greet+testkit.ReadyAs(s))
	}
	for _, s := range []string{"", "push", "PUSH\x00", "STREAM"} {
		reject(fmt.Sprintf("33 %q", s), "unknown_protocol", testkit.Greet+testkit.ReadyAs(s))
	}
	for _, said := range []string{"", "\x03bye", "\xffbye", "\x09\x1b[2J\r\nok\n"} {
		reject(fmt.Sprintf("34 ERROR %q", said), "peer_error", testkit.Greet+testkit.Command("ERROR", said))
	}
	legal("35 READY twice", testkit.OpenAs("PUSH")+push)
	reject("35 HELLO for READY", "command", testkit.Greet+testkit.Command("HELLO", "\x01u\x01p"))
	legal("36 PING with a TTL and a context of 17 bytes", testkit.OpenAs("PUSH")+testkit.Command("PING", "\xff\xff"+strings.Repeat("c", 17)))
	after("36 PING without a TTL", "command", testkit.Command("PING", "\x00"))
	legal("37 SUBSCRIBE to a PULL", testkit.OpenAs("PUSH")+testkit.Command("SUBSCRIBE", "topic")+testkit.Command("CANCEL", "other")+testkit.Command("JOIN", "group"))
	legal("38 reserved flags of READY", testkit.Greet+"\xfc"+push[1:])
	legal("38 reserved flags of a message", testkit.OpenAs("PUSH")+testkit.ShortFrame("\xf9", "part")+testkit.ShortFrame("\xf9", "part")) // the last frame follows
	legal("39 long READY", testkit.Greet+testkit.LongFrame(4, uint64(len(push)-2), push[2:]))
	legal("39 long command", testkit.OpenAs("PUSH")+testkit.LongFrame(4, 7, "\x04PING\x00\x00"))
	for _, m := range []string{"CURVE", "PLAIN"} {
		reject("40 to 44 "+m+" where nothing is secured", "mechanism", testkit.Greeting("\x03\x01", m, 0))
	}

	// Beside the numbered ones: what comes twice, ends early, or is too large.
	after("12 greeting twice", "frame_type", testkit.Greet)
	after("13 length 2^63", "oversize", testkit.LongFrame(0, 1<<63, ""))
	after("13 length 2^64-1", "oversize", testkit.LongFrame(1, 1<<64-1, ""))
	after("14 limit+1", "oversize", testkit.LongFrame(0, malformedLimit+1, ""))
	after("14 limit+1 over several frames", "oversize", testkit.LongFrame(1, malformedLimit, strings.Repeat("x", malformedLimit))+"\x00\x01")
	after("14 4097 frames", "oversize", strings.Repeat("\x01\x00", 4097))
	after("14 command of 64 KiB and a byte", "oversize", testkit.LongFrame(4, 64<<10+1, ""))
	for _, k := range []int{1, 9, 10, 11, 12, 63, 64, 65, 66, len(testkit.OpenAs("PUSH")) - 1} {
		reject(fmt.Sprintf("2 silence after %d bytes", k), "timeout", testkit.OpenAs("PUSH")[:k])
		cs = append(cs, malformed{name: fmt.Sprintf("2 the end after %d bytes", k), reason: "early_eof", kind: rejected, do: func(t testing.TB, b *testkit.Bare) {
			b.Say(t, []byte(testkit.OpenAs("PUSH")[:k]))
			closeWrite(t, b)
		}})
	}
	return append(cs,
		malformed{name: "3 trickle", reason: "timeout", kind: rejected, do: trickleZMTP},
		malformed{name: "16 the end within a frame", reason: "io", kind: down, do: func(t testing.TB, b *testkit.Bare) {
			b.Say(t, []byte(testkit.OpenAs("PUSH")+"\x00\x09half"))
			closeWrite(t, b)
		}},
		malformed{name: "18 not heard before it is done", reason: "eof", kind: down, bodies: 2, do: func(t testing.TB, b *testkit.Bare) {
			for _, c := range []byte(testkit.OpenAs("PUSH") + strings.Repeat(testkit.ShortFrame("\x00", "bad, byte by byte"), 2)) {
				b.Say(t, []byte{c})
			}
			closeWrite(t, b)
		}})
}

func manyProperties(n int) string {
	var all string
	for i := range n {
		all += testkit.Property(fmt.Sprintf("X-%d", i), "")
	}
	return testkit.LongFrame(4, uint64(6+len(all)), "\x05READY"+all)
}

func trickleZMTP(_ testing.TB, b *testkit.Bare) {
	for _, c := range []byte(testkit.OpenAs("PUSH")) {
		if _, err := b.Write([]byte{c}); err != nil {
			return
		}
		time.Sleep(malformedTimeout / 3)
	}
}

// zmtpVectors are the malformed peers of docs/wire/vectors/zmtp.json that a PULL without security may meet.
func zmtpVectors(t *testing.T) (cs []malformed) {
	t.Helper()
	file, err := os.ReadFile("../../../docs/wire/vectors/zmtp.json")
	testkit.Check(t, err)
	var v struct {
		Handshakes []struct {
			Name, Local, Security, Receive string
			Reason                         spry.Reason
			Listening                      bool
		}
		Malformed []struct {
			Name, Local, Security, Stream string
			Reason                        spry.Reason
			Messages                      []struct{}
			MaxMessage                    int64 `json:"max_message"`
			MaxFrames                     int   `json:"max_frames"`
		}
	}
	testkit.Check(t, json.Unmarshal(file, &v))
	add := func(name string, reason spry.Reason, kind spry.EventKind, bodies int, before, stream string) {
		bytes, err := hex.DecodeString(stream)
		testkit.Check(t, err)
		cs = append(cs, malformed{name: "vector: " + name, reason: reason, kind: kind, bodies: bodies, do: func(t testing.TB, b *testkit.Bare) {
			b.Say(t, append([]byte(before), bytes...))
		}})
	}
	for _, h := range v.Handshakes {
		if h.Local == "PULL" && h.Listening && h.Security == "" && h.Reason != "" && strings.HasPrefix(h.Receive, "ff") {
			add(h.Name, h.Reason, spry.EventReject, 0, "", h.Receive)
		}
	}
	for _, m := range v.Malformed {
		if m.Local == "PULL" && m.Security == "" && m.MaxMessage == 0 && m.MaxFrames == 0 {
			add(m.Name, m.Reason, spry.EventPipeDown, len(m.Messages), testkit.OpenAs("PUSH"), m.Stream)
		}
	}
	return cs
}
