// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// vectors is docs/wire/vectors/zmtp.json, which explains its fields.
type vectors struct {
	About   []string
	Sockets []struct {
		Name   string
		Number int
		Peers  []string
	}
	Keys       keyVector
	Handshakes []handshakeVector
	Envelopes  []envelopeVector
	Frames     []streamVector
	Malformed  []streamVector
}

type keyVector struct {
	ClientSecret hexBytes `json:"client_secret"`
	ClientPublic hexBytes `json:"client_public"`
	ServerSecret hexBytes `json:"server_secret"`
	ServerPublic hexBytes `json:"server_public"`
	ClientRandom hexBytes `json:"client_random"`
	ServerRandom hexBytes `json:"server_random"`
}

type handshakeVector struct {
	Name, Why          string
	Local              string
	Listening          bool
	Security           string
	Username, Password string
	Identity           hexBytes
	Properties         map[string]string
	Receive, Send      hexBytes
	Asks, Verdict      string

	Metadata map[string]string // succeeds
	Peer     string
	Sealed   bool
	Left     hexBytes

	Reason    reasons.Reason // is refused
	DecidedBy int            `json:"decided_by"`
}

type envelopeVector struct {
	Name, Why string
	Frames    []hexBytes
	Backtrace hexBytes
	Words     bool
}

type streamVector struct {
	Name, Why   string
	Local, Peer string
	Security    string
	Minor       *byte
	Legacy      bool
	TTL         int
	MaxMessage  int64 `json:"max_message"`
	MaxFrames   int   `json:"max_frames"`
	OneWay      bool  `json:"one_way"`
	Stream      hexBytes
	Messages    []struct {
		Header hexBytes
		Frames []hexBytes
	}
	Events  []string
	Expired int

	Reason    reasons.Reason // malformed
	DecidedBy int            `json:"decided_by"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

var readFile = sync.OnceValues(func() (v vectors, err error) {
	file, err := os.Open("../../../docs/wire/vectors/zmtp.json")
	if err != nil {
		return v, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields() // nothing would check them
	return v, decoder.Decode(&v)
})

func readVectors(tb testing.TB) vectors {
	tb.Helper()
	v, err := readFile()
	if err != nil {
		tb.Fatal(err)
	}
	if len(v.Sockets) == 0 || len(v.Handshakes) == 0 || len(v.Envelopes) == 0 || len(v.Frames) == 0 || len(v.Malformed) == 0 {
		tb.Fatal("a part of the vectors is missing")
	}
	return v
}

// named returns the socket type with a name.
func named(tb testing.TB, name string) zmtp.Socket {
	tb.Helper()
	s, ok := zmtp.LookupSocket(name)
	if !ok {
		tb.Fatalf("no socket is named %q", name)
	}
	return s
}

// security returns what the vectors call by these names.
func (k keyVector) security(tb testing.TB, name, username, password string) wire.Security {
	tb.Helper()
	switch name {
	case "":
		return nil
	case "plain-client":
		return zmtp.PlainClient{Username: username, Password: password}
	case "plain-server":
		return zmtp.PlainServer{}
	case "curve-client":
		return zmtp.CurveClient{Secret: zmtp.Key(k.ClientSecret), ServerKey: zmtp.Key(k.ServerPublic), Random: bytes.NewReader(k.ClientRandom)}
	case "curve-server":
		return zmtp.CurveServer{Secret: zmtp.Key(k.ServerSecret), Random: bytes.NewReader(k.ServerRandom)}
	}
	tb.Fatalf("no security is named %q", name)
	return nil
}

// config is what the vector's local end starts from.
func (v handshakeVector) config(tb testing.TB, k keyVector) wire.Config {
	tb.Helper()
	return wire.Config{
		Hello: named(tb, v.Local).Hello(), Listening: v.Listening, TTL: 8, Identity: v.Identity, Metadata: v.Properties,
		Security: k.security(tb, v.Security, v.Username, v.Password),
	}
}

// sessions are those of the vector's two ends, as its stream finds them.
func (v streamVector) sessions(tb testing.TB, k keyVector) (local, peer *wire.Session) {
	tb.Helper()
	a := wire.Config{Hello: named(tb, v.Peer).Hello(), TTL: 8}
	b := wire.Config{Hello: named(tb, v.Local).Hello(), TTL: v.TTL, MaxMessage: v.MaxMessage, MaxFrames: v.MaxFrames}
	switch v.Security {
	case "curve-server":
		a.Security, b.Security = k.security(tb, "curve-client", "", ""), k.security(tb, "curve-server", "", "")
	case "curve-client":
		a.Security, b.Security = k.security(tb, "curve-server", "", ""), k.security(tb, "curve-client", "", "")
		s := meet(tb, b, a, 1<<16)
		return s[0], s[1]
	}
	if v.Legacy || v.Minor != nil {
		return v.older(tb, b, v.Local, v.Peer), v.older(tb, a, v.Peer, v.Local)
	}
	s := meet(tb, a, b, 1<<16)
	return s[1], s[0]
}

// older returns the session with a peer of an older version.
func (v streamVector) older(tb testing.TB, c wire.Config, local, peer string) *wire.Session {
	tb.Helper()
	receive := []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f")
	if v.Legacy {
		receive = append(receive, 1, byte(named(tb, peer)), 0, 0)
	} else {
		receive = append(receive, 3, *v.Minor)
		receive = append(receive, "NULL"+string(make([]byte, 48))...)
		receive = append(receive, "\x04\x06\x05READY"...)
	}
	e := shake(tb, c, "", receive)
	if e.session == nil {
		tb.Fatalf("%s does not meet %s: %v", local, peer, e.err)
	}
	return e.session
}

// outcome is what decoding the vector's stream must come to.
func (v streamVector) outcome() outcome {
	o := outcome{events: v.Events, expired: v.Expired, reason: v.Reason}
	for _, m := range v.Messages {
		s := fmt.Sprintf("%x", m.Header)
		for _, f := range m.Frames {
			s += fmt.Sprintf("|%x", f)
		}
		o.messages = append(o.messages, s)
	}
	return o
}

// exchange is what a handshake came to.
type exchange struct {
	sent    []byte
	left    []byte // received, not consumed
	asked   string
	session *wire.Session
	err     error
}

// shake feeds a handshake the parts of what the peer sends, one after the other, as an engine does: a dialing end is
// stepped with nothing first, nothing is fed after the end, and questions are answered with the verdict.
func shake(tb testing.TB, c wire.Config, verdict string, parts ...[]byte) (e exchange) {
	tb.Helper()
	h := zmtp.Dialect.Handshake(c)
	step := func(in []byte) {
		e.left = append(bytes.Clone(e.left), in...)
		for again := true; again && e.session == nil && e.err == nil; {
			n, out, s, err := h.Step(e.left)
			if n < 0 || n > len(e.left) {
				tb.Fatalf("consumed %d of %d bytes", n, len(e.left))
			}
			if s != nil && err != nil {
				tb.Fatalf("both a session and an error: %v", err)
			}
			e.sent = append(e.sent, out...)
			e.left, e.session, e.err = e.left[n:], s, err
			q := h.(wire.Asker).Question()
			if again = q != nil && s == nil && err == nil; again {
				e.asked = strings.TrimSpace(fmt.Sprintf("%s %s%x", q.Mechanism, q.Username, q.PublicKey))
				h.(wire.Asker).Answer(wire.Verdict{Accept: verdict == "accept", User: "alice"})
			}
		}
	}
	if !c.Listening {
		step(nil)
	}
	for _, part := range parts {
		step(part)
	}
	return e
}

// everyWay calls do with data whole, cut in two at every offset, and byte by byte.
func everyWay(data []byte, do func(parts ...[]byte)) {
	for cut := 0; cut <= len(data); cut++ {
		if cut%cutEvery != 0 && cut < len(data)-4 {
			continue
		}
		do(data[:cut], data[cut:])
	}
	var single [][]byte
	for i := range data {
		single = append(single, data[i:i+1])
	}
	do(single...)
}

func TestVectorsOfHandshakes(t *testing.T) {
	all := readVectors(t)
	for _, v := range all.Handshakes {
		t.Run(v.Name, func(t *testing.T) {
			everyWay(v.Receive, func(parts ...[]byte) { v.check(t, shake(t, v.config(t, all.Keys), v.Verdict, parts...)) })
			if v.Reason == "" {
				return
			}
			if early := shake(t, v.config(t, all.Keys), v.Verdict, v.Receive[:v.DecidedBy-1]); early.err != nil {
				t.Errorf("refused %d bytes already: %v", v.DecidedBy-1, early.err)
			}
			v.check(t, shake(t, v.config(t, all.Keys), v.Verdict, v.Receive[:v.DecidedBy]))
		})
	}
}

// check compares a handshake with what the vector says of it.
func (v handshakeVector) check(t *testing.T, got exchange) {
	t.Helper()
	if string(got.sent) != string(v.Send) {
		t.Errorf("sent\n%x, want\n%x", got.sent, v.Send)
	}
	if got.asked != v.Asks {
		t.Errorf("asked %q, want %q", got.asked, v.Asks)
	}
	if r := reason(t, got.err); r != v.Reason {
		t.Errorf("refused for %q (%v), want %q", r, got.err, v.Reason)
	}
	if (got.session != nil) != (v.Metadata != nil) {
		t.Fatalf("session %+v, want one: %v", got.session, v.Metadata != nil)
	}
	if got.session == nil {
		return
	}
	s, peer := got.session, uint16(0)
	if v.Peer != "" {
		peer = named(t, v.Peer).Number()
	}
	if s.Dialect != "zmtp" || s.Peer != peer || s.Local.Name != strings.ToLower(v.Local) || s.Sealed != v.Sealed {
		t.Errorf("settled on %+v", s)
	}
	if !maps.Equal(s.Metadata, v.Metadata) {
		t.Errorf("knows %v, want %v", s.Metadata, v.Metadata)
	}
	if string(got.left) != string(v.Left) {
		t.Errorf("left [% x], want [% x]", got.left, v.Left)
	}
}

func TestVectorsOfFrames(t *testing.T) {
	all := readVectors(t)
	for _, v := range all.Frames {
		t.Run(v.Name, func(t *testing.T) {
			v.decodeEveryWay(t, all.Keys)
			if v.OneWay {
				return
			}
			if got := v.encode(t, all.Keys); string(got) != string(v.Stream) {
				t.Errorf("encoding gave\n%x, want\n%x", got, v.Stream)
			}
		})
	}
}

func (v streamVector) decodeEveryWay(t *testing.T, k keyVector) {
	t.Helper()
	for _, capacity := range []int{1, 2, 64} {
		local, _ := v.sessions(t, k)
		if got := decode(t, local.Decoder, capacity, bytes.Clone(v.Stream)); !got.equal(v.outcome()) {
			t.Fatalf("by %d gave\n%v, want\n%v", capacity, got, v.outcome())
		}
	}
	everyWay(v.Stream, func(parts ...[]byte) {
		local, _ := v.sessions(t, k)
		if got := decode(t, local.Decoder, 64, parts...); !got.equal(v.outcome()) {
			t.Fatalf("after %d bytes gave\n%v, want\n%v", len(parts[0]), got, v.outcome())
		}
	})
}

// encode returns what the peer sends for the vector's messages and events.
func (v streamVector) encode(t *testing.T, k keyVector) (stream []byte) {
	t.Helper()
	_, peer := v.sessions(t, k)
	for _, m := range v.Messages {
		var frames []string
		for _, f := range m.Frames {
			frames = append(frames, string(f))
		}
		stream = append(stream, encode(peer, m.Header, frames...)...)
	}
	for _, e := range v.Events {
		stream = peer.Commander.AppendControl(stream, control(t, e))
	}
	return stream
}

// control reads an event as the vectors write it.
func control(t *testing.T, event string) (c wire.Control) {
	t.Helper()
	fields := strings.Split(event, " ")
	for kind, name := range controlNames {
		if name == fields[0] {
			c.Kind = kind
		}
	}
	if c.Kind == wire.ControlPing {
		if _, err := fmt.Sscan(fields[1], &c.TTL); err != nil {
			t.Fatal(err)
		}
	}
	data, err := hex.DecodeString(fields[len(fields)-1])
	if err != nil || c.Kind == 0 {
		t.Fatalf("%q is no event: %v", event, err)
	}
	c.Data = data
	return c
}

func TestVectorsOfMalformedStreams(t *testing.T) {
	all := readVectors(t)
	for _, v := range all.Malformed {
		t.Run(v.Name, func(t *testing.T) {
			if v.Reason == "" {
				t.Fatal("the vector names no reason")
			}
			v.decodeEveryWay(t, all.Keys)
			early := v.outcome()
			early.reason = ""
			for _, end := range []int{v.DecidedBy - 1, v.DecidedBy} {
				local, _ := v.sessions(t, all.Keys)
				if got := decode(t, local.Decoder, 64, bytes.Clone(v.Stream[:end])); !got.equal(early) {
					t.Errorf("%d bytes gave\n%v, want\n%v", end, got, early)
				}
				early.reason = v.Reason
			}
		})
	}
}

func TestVectorsOfSockets(t *testing.T) {
	v := readVectors(t)
	known := 0
	for number := range 1 << 8 {
		if zmtp.Socket(number).Name() != "" {
			known++
		}
	}
	if known != len(v.Sockets) {
		t.Errorf("%d socket types are known, the vectors have %d", known, len(v.Sockets))
	}
	for _, want := range v.Sockets {
		s := named(t, want.Name)
		if int(s) != want.Number || s.Name() != want.Name || s.Hello().Protocol != s.Number() {
			t.Errorf("%s is %d and introduces itself as %+v", want.Name, s, s.Hello())
		}
		for _, other := range v.Sockets {
			fits := false
			for _, p := range want.Peers {
				fits = fits || p == other.Name
			}
			o := named(t, other.Name)
			if s.TalksTo(o) != fits || o.TalksTo(s) != fits {
				t.Errorf("%s talks to %s: %v, want %v", want.Name, other.Name, s.TalksTo(o), fits)
			}
		}
	}
}

// frameMessage returns a message of frames, for encoding an envelope by hand.
func frameMessage(frames []hexBytes) *msg.Message {
	m := msg.New(0)
	_, _ = m.Write(frames[0])
	for _, f := range frames[1:] {
		m.AppendFrame(f)
	}
	return m
}
