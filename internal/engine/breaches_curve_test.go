// SPDX-License-Identifier: MIT

package engine_test

import (
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// boxed is what is in boxes. Nobody but who receives it may see it.
const boxed = "what only the receiver may read"

// A curveBreach is something that a peer does wrong at a listener with CURVE.
type curveBreach struct {
	breach
	do func(p *curvePeer)
}

// before are breaches of peers that nobody knows yet.
func before() (all []curveBreach) {
	add := func(name string, reason reasons.Reason, do func(p *curvePeer)) {
		all = append(all, curveBreach{breach{name: name, reason: reason}, do})
	}
	hello := func(name string, reason reasons.Reason, change func(data []byte) []byte) {
		add("40 HELLO "+name, reason, func(p *curvePeer) {
			p.greet("CURVE")
			p.say(commandOf("HELLO", string(change([]byte(p.hello())))))
		})
	}
	initiates := func(name string, reason reasons.Reason, change func(p *curvePeer, i *initiate)) {
		add(name, reason, func(p *curvePeer) {
			p.greet("CURVE")
			p.say(commandOf("HELLO", p.hello()))
			p.welcome()
			i := p.honest()
			change(p, &i)
			p.say(commandOf("INITIATE", p.data(i)), frameOf(0, p.message(boxed)))
		})
	}
	bytes := func(name string, reason reasons.Reason, change func(data []byte) []byte) {
		add(name, reason, func(p *curvePeer) {
			p.greet("CURVE")
			p.say(commandOf("HELLO", p.hello()))
			p.welcome()
			p.say(commandOf("INITIATE", string(change([]byte(p.data(p.honest()))))), frameOf(0, p.message(boxed)))
		})
	}
	// says is what a peer says in state 0 (of a new connection), 1 (greeted), or 2 (welcome).
	says := func(name string, reason reasons.Reason, state int, what ...string) {
		add(name, reason, func(p *curvePeer) {
			if state > 0 {
				p.greet("CURVE")
			}
			if state > 1 {
				p.say(commandOf("HELLO", p.hello()))
				p.welcome()
			}
			p.say(what...)
		})
	}

	says("4 the Scalability Protocols", reasons.BadHeader, 0, "\x00SP\x00\x00\x50\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x05hello")
	says("20 ZMTP 2.0", reasons.Version, 0, signature+"\x01\x08\x00\x00")
	for _, m := range []string{"NULL", "PLAIN", "curve", "CURVE2"} {
		says("23 mechanism "+m, reasons.Mechanism, 0, greeting(m), commandOf("READY", asPush), frameOf(0, "in the clear"))
	}
	for state := 1; state <= 2; state++ {
		says("27 message in the clear", reasons.Command, state, frameOf(0, "in the clear"))
		says("27 MESSAGE before it is known", reasons.Command, state, frameOf(0, "\x07MESSAGE"+strings.Repeat("x", 40)))
		says("28 command in several frames", reasons.FrameType, state, "\x05\x06\x05READY")
		says("29 command without a name", reasons.Command, state, "\x04\x00")
		says("34 ERROR", reasons.PeerError, state, commandOf("ERROR", "\x03400"))
		for _, name := range []string{"READY", "WELCOME", "MESSAGE", "SUBSCRIBE", "PING", "X"} {
			says("35 "+name+" from the wrong side, or too early", reasons.Command, state, commandOf(name, strings.Repeat("x", 100)))
		}
		says("14 too large a command", reasons.Oversize, state, "\x06\x00\x00\x00\x00\x00\x00\x20\x01")
		says("13 a command of 2^64-1 bytes", reasons.Oversize, state, "\x06"+strings.Repeat("\xff", 8))
	}
	says("40 INITIATE first", reasons.Command, 1, commandOf("INITIATE", strings.Repeat("x", 300)))
	hello("empty", reasons.Command, func([]byte) []byte { return nil })
	hello("one byte short", reasons.Command, func(d []byte) []byte { return d[:len(d)-1] })
	hello("one byte long", reasons.Command, func(d []byte) []byte { return append(d, 0) })
	for _, v := range []string{"\x00\x00", "\x02\x00", "\x01\x01"} {
		hello("of another version", reasons.Command, func(d []byte) []byte { return append([]byte(v), d[2:]...) })
	}
	for at, name := range map[int]string{74: "key", 106: "nonce", 114: "tag", 193: "box"} {
		hello("with a flipped bit in its "+name, reasons.Authentication, func(d []byte) []byte { d[at] ^= 1; return d })
	}
	for name, low := range lowOrder {
		hello("with the key "+name, reasons.Authentication, func(d []byte) []byte { copy(d[74:], low); return d })
	}
	add("40 HELLO for another server", reasons.Authentication, func(p *curvePeer) {
		p.server = newKeyPair().public
		p.greet("CURVE")
		p.say(commandOf("HELLO", p.hello()))
	})
	says("40 HELLO twice", reasons.Command, 2, commandOf("HELLO", strings.Repeat("x", 194)))

	for at, name := range map[int]string{0: "cookie", 95: "cookie's end", 103: "nonce", 104: "tag", 120: "key", 160: "vouch", 250: "metadata"} {
		bytes("41 INITIATE with a flipped bit in its "+name, reasons.Authentication, func(d []byte) []byte { d[at] ^= 1; return d })
	}
	bytes("41 INITIATE cut by a byte", reasons.Authentication, func(d []byte) []byte { return d[:len(d)-1] })
	bytes("41 INITIATE with a byte more", reasons.Authentication, func(d []byte) []byte { return append(d, 0) })
	bytes("41 INITIATE of 247 bytes", reasons.Command, func(d []byte) []byte { return d[:247] })
	bytes("41 INITIATE of nothing", reasons.Command, func([]byte) []byte { return nil })
	initiates("41 INITIATE sealed with another key of the connection", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.sealing = newKeyPair().secret })
	initiates("41 vouch for another key of the connection", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.vouched = newKeyPair().public })
	initiates("41 vouch for another server", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.for_ = newKeyPair().public })
	initiates("41 vouch by somebody else", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.vouching = newKeyPair().secret })
	initiates("41 the key of somebody else", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.claimed = newKeyPair().public })
	initiates("41 the server's own key", reasons.Authentication, func(p *curvePeer, i *initiate) { i.claimed = p.server })
	initiates("41 no key", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.claimed = new([32]byte) })
	initiates("43 the nonce of HELLO", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.nonce = 1 })
	initiates("43 the nonce 0", reasons.Authentication, func(_ *curvePeer, i *initiate) { i.nonce = 0 })
	initiates("31 property twice", reasons.Metadata, func(_ *curvePeer, i *initiate) { i.metadata = asPush + asPush })
	initiates("32 property that is cut off", reasons.Metadata, func(_ *curvePeer, i *initiate) { i.metadata = asPush[:5] })
	initiates("32 the user that it claims to be", reasons.Metadata, func(_ *curvePeer, i *initiate) { i.metadata = asPush + property("user-id", "root") })
	return all
}

// lowOrder are public keys that give the same secret with everybody.
var lowOrder = map[string]string{
	"0":          strings.Repeat("\x00", 32),
	"1":          "\x01" + strings.Repeat("\x00", 31),
	"p":          "\xed" + strings.Repeat("\xff", 30) + "\x7f",
	"of order 8": "\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
}

// after are breaches of peers that were let in, each after one good message.
func after() (all []curveBreach) {
	add := func(name string, reason reasons.Reason, what func(p *curvePeer, good string) string) {
		all = append(all, curveBreach{
			breach{name: name, reason: reason, down: true, asked: 1, bodies: 1},
			func(p *curvePeer) {
				p.meet()
				good := p.message(boxed)
				p.say(frameOf(0, good), what(p, good))
			},
		})
	}
	frame := func(name string, what func(p *curvePeer, good string) string) {
		add(name, reasons.Authentication, func(p *curvePeer, good string) string { return frameOf(0, what(p, good)) })
	}
	flip := func(s string, at int) string { return s[:at] + string([]byte{s[at] ^ 1}) + s[at+1:] }

	frame("43 replayed box", func(_ *curvePeer, good string) string { return good })
	frame("43 reordered boxes", func(p *curvePeer, _ string) string { p.nonce--; return p.message(boxed) })
	frame("43 the nonce of INITIATE", func(p *curvePeer, _ string) string { p.nonce = 2; return p.message(boxed) })
	frame("43 the nonce 0", func(p *curvePeer, _ string) string { p.nonce = 0; return p.message(boxed) })
	add("43 nothing after the last nonce", reasons.Authentication, func(p *curvePeer, _ string) string {
		last := frameOf(0, p.sealed("CurveZMQMESSAGEC", 1<<64-1, "\x02\x04PING\x00\x00")) // which is good, but none can come after it
		return last + frameOf(0, p.message(boxed))
	})
	for at, name := range map[int]string{0: "name's length", 3: "name", 10: "nonce", 20: "tag", 32: "flags", 40: "body"} {
		frame("41 flipped bit in the "+name, func(p *curvePeer, _ string) string { return flip(p.message(boxed), at) })
	}
	for _, n := range []int{0, 8, 16, 31, 32, 33, 50} {
		frame("41 truncated box", func(p *curvePeer, _ string) string { return p.message(boxed)[:n] })
	}
	frame("41 box with a byte more", func(p *curvePeer, _ string) string { return p.message(boxed) + "\x00" })
	frame("41 box of nothing", func(p *curvePeer, _ string) string { return p.sealed("CurveZMQMESSAGEC", 9, "") })
	frame("41 box as the server makes it", func(p *curvePeer, _ string) string { return p.sealed("CurveZMQMESSAGES", 9, "\x00"+boxed) })
	frame("41 box as in INITIATE", func(p *curvePeer, _ string) string { return p.sealed("CurveZMQINITIATE", 9, "\x00"+boxed) })
	frame("41 box of another connection", func(p *curvePeer, _ string) string { p.short = newKeyPair(); return p.message(boxed) })
	frame("27 message in the clear", func(*curvePeer, string) string { return "in the clear, for all to read" })
	add("27 empty message in the clear", reasons.Authentication, func(*curvePeer, string) string { return "\x00\x00" })
	for _, name := range []string{"READY", "PING", "SUBSCRIBE", "ERROR", "INITIATE", "HELLO"} {
		add("35 "+name+" in the clear", reasons.Authentication, func(*curvePeer, string) string { return commandOf(name, strings.Repeat("\x00", 40)) })
	}
	add("28 more frames, said outside", reasons.FrameType, func(p *curvePeer, _ string) string { return frameOf(1, p.message(boxed)) })
	add("29 sealed command without a name", reasons.Command, func(p *curvePeer, _ string) string {
		return frameOf(0, p.sealed("CurveZMQMESSAGEC", 9, "\x02\x00"))
	})
	add("36 sealed PING without a TTL", reasons.Command, func(p *curvePeer, _ string) string {
		return frameOf(0, p.sealed("CurveZMQMESSAGEC", 9, "\x02\x04PING\x00"))
	})
	add("14 sealed message over the limit", reasons.Oversize, func(p *curvePeer, _ string) string {
		return frameOf(0, p.message(strings.Repeat("x", 1001)))
	})
	add("13 announced 2^63 bytes", reasons.Oversize, func(*curvePeer, string) string { return "\x02\x80" + strings.Repeat("\x00", 7) })
	return all
}

func TestCurveBreachesAreRefused(t *testing.T) {
	for _, scheme := range []string{"tcp", "ipc", "tls+tcp"} {
		t.Run(scheme, func(t *testing.T) { testCurve(t, scheme) })
	}
}

func testCurve(t *testing.T, scheme string) {
	leak.Check(t)
	server, client, guest := newKeyPair(), newKeyPair(), newKeyPair()
	b := besiege(t, scheme, zmtp.CurveServer{Secret: *server.secret}, zmtp.CurveClient{Secret: *client.secret, ServerKey: *server.public},
		func(q *wire.Question) wire.Verdict {
			key := [32]byte(q.PublicKey)
			return wire.Verdict{Accept: key == *client.public || key == *guest.public, User: "somebody"}
		})
	newPeer := func(p *rawPeer) *curvePeer {
		return &curvePeer{rawPeer: p, own: guest, short: newKeyPair(), server: server.public, nonce: 3}
	}
	breaches := append(before(), after()...)
	for _, c := range breaches {
		b.suffer(c.breach, func(p *rawPeer) { c.do(newPeer(p)) })
	}

	// Of an honest peer everything is recorded, and said again on another connection.
	var recorded []string
	var cookie []byte
	b.suffer(breach{name: "an honest peer", reason: "eof", down: true, asked: 1, bodies: 1}, func(raw *rawPeer) {
		p := newPeer(raw)
		p.greet("CURVE")
		hello := commandOf("HELLO", p.hello())
		p.say(hello)
		p.welcome()
		initiate := commandOf("INITIATE", p.data(p.honest()))
		p.say(initiate)
		p.hearCommand("READY")
		message := frameOf(0, p.message(boxed))
		p.say(message)
		recorded, cookie = []string{greeting("CURVE"), hello, initiate, message}, p.cookie
		must(t, p.Conn.(interface{ CloseWrite() error }).CloseWrite())
	})
	b.suffer(breach{name: "42 replayed session", reason: "authentication"}, func(p *rawPeer) { p.say(recorded...) })
	b.suffer(breach{name: "42 replayed INITIATE", reason: "authentication"}, func(raw *rawPeer) {
		p := newPeer(raw)
		p.greet("CURVE")
		p.say(commandOf("HELLO", p.hello()))
		p.welcome()
		p.say(recorded[2:]...)
	})
	b.suffer(breach{name: "42 cookie of another connection", reason: "authentication"}, func(raw *rawPeer) {
		p := newPeer(raw)
		p.greet("CURVE")
		p.say(commandOf("HELLO", p.hello()))
		p.welcome()
		i := p.honest()
		i.cookie = cookie
		p.say(commandOf("INITIATE", p.data(i)))
	})
	for name, c := range map[string]struct {
		metadata string
		reason   reasons.Reason
	}{
		"33 type that does not fit": {property("Socket-Type", "SUB"), "role_mismatch"}, "33 type that does not exist": {property("Socket-Type", "X"), "unknown_protocol"},
	} {
		b.suffer(breach{name: name, reason: c.reason, asked: 1}, func(raw *rawPeer) {
			p := newPeer(raw)
			p.greet("CURVE")
			p.say(commandOf("HELLO", p.hello()))
			p.welcome()
			i := p.honest()
			i.metadata = c.metadata
			p.say(commandOf("INITIATE", p.data(i)), frameOf(0, p.message(boxed)))
		})
	}
	b.suffer(breach{name: "a key that nobody knows", reason: "authentication", asked: 1}, func(raw *rawPeer) {
		p := newPeer(raw)
		p.own = newKeyPair()
		p.greet("CURVE")
		p.say(commandOf("HELLO", p.hello()))
		p.welcome()
		p.say(commandOf("INITIATE", p.data(p.honest())), frameOf(0, p.message(boxed)))
		if status := p.hearCommand("ERROR"); string(status) != "\x03400" {
			t.Errorf("it is told %q", status)
		}
	})
	b.relief(map[string][]byte{
		"the server's secret key": server.secret[:], "the client's secret key": client.secret[:], "the peer's secret key": guest.secret[:],
		"what is in a box": []byte(boxed),
	})
	t.Logf("CURVE %s: %d bad peers, each refused under its reason; %d messages, nothing else", scheme, len(breaches)+6, b.delivered)
}
