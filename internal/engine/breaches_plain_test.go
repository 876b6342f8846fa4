// SPDX-License-Identifier: MIT

package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

const (
	goodUser      = "alice"
	goodPassword  = "correct horse battery staple"
	wrongPassword = "something that she once used elsewhere"
)

// plainHello is the data of PLAIN's HELLO.
func plainHello(user, password string) string {
	return string([]byte{byte(len(user))}) + user + string([]byte{byte(len(password))}) + password
}

// A plainBreach is what a peer says that a listener with PLAIN has greeted.
type plainBreach struct {
	breach
	says []string
}

func plainBreaches() (all []plainBreach) {
	add := func(name string, reason reasons.Reason, asked int, says ...string) {
		all = append(all, plainBreach{breach{name: name, reason: reason, asked: asked}, says})
	}
	hello := func(data string) string { return commandOf("HELLO", data) }
	right := hello(plainHello(goodUser, goodPassword))
	initiate, message := commandOf("INITIATE", asPush), frameOf(0, boxed)

	// Whoever does not wait for answers gets no further by that.
	add("wrong password", reasons.Authentication, 1, hello(plainHello(goodUser, wrongPassword)), initiate, message)
	add("no password", reasons.Authentication, 1, hello(plainHello(goodUser, "")), initiate, message)
	add("another user", reasons.Authentication, 1, hello(plainHello("mallory", goodPassword)), initiate, message)
	add("nobody", reasons.Authentication, 1, hello(plainHello("", "")), initiate, message)
	add("longest name and password", reasons.Authentication, 1, hello(plainHello(strings.Repeat("n", 255), strings.Repeat("p", 255))))

	for name, data := range map[string]string{
		"nothing": "", "no name": "\x00", "a name of nothing": "\x05", "a name that is cut off": "\x06" + goodUser,
		"no password": "\x05" + goodUser, "a password that is cut off": "\x05" + goodUser + "\x1d" + goodPassword,
		"more than both": plainHello(goodUser, goodPassword) + "\x00", "NUL behind them": plainHello(goodUser, goodPassword) + "\x00\x00\x00",
		"more of a name than fits": "\xff" + strings.Repeat("n", 254),
	} {
		add("44 HELLO with "+name, reasons.Command, 0, hello(data), initiate, message)
	}
	add("44 HELLO over-long", reasons.Oversize, 0, "\x06\x00\x00\x00\x00\x00\x00\x20\x01\x05HELLO")
	add("44 HELLO twice", reasons.Command, 1, right, right)
	add("44 HELLO twice, the second with another name", reasons.Command, 1, right, hello(plainHello("root", "")))
	for state, before := range [][]string{nil, {right}} {
		at := fmt.Sprintf(" after %d commands", state)
		add("27 message in the clear"+at, reasons.Command, state, append(before, message)...)
		add("27 part of a message"+at, reasons.Command, state, append(before, frameOf(1, boxed))...)
		add("28 command in several frames"+at, reasons.FrameType, state, append(before, "\x05\x06\x05READY")...)
		add("29 command without a name"+at, reasons.Command, state, append(before, "\x04\x00")...)
		add("34 ERROR"+at, reasons.PeerError, state, append(before, commandOf("ERROR", "\x03bye"))...)
		for _, name := range []string{"READY", "WELCOME", "SUBSCRIBE", "PING", "MESSAGE", "X"} {
			add("35 "+name+" from the wrong side"+at, reasons.Command, state, append(before, commandOf(name, asPush), message)...)
		}
	}
	add("44 INITIATE first", reasons.Command, 0, initiate, message)
	add("31 property twice", reasons.Metadata, 1, right, commandOf("INITIATE", asPush+asPush), message)
	add("32 property that is cut off", reasons.Metadata, 1, right, commandOf("INITIATE", asPush[:7]), message)
	add("32 the user that it claims to be", reasons.Metadata, 1, right, commandOf("INITIATE", asPush+property("User-Id", "root")), message)
	add("33 type that does not fit", reasons.RoleMismatch, 1, right, commandOf("INITIATE", property("Socket-Type", "SUB")), message)

	for i := range all {
		all[i].says = append([]string{greeting("PLAIN")}, all[i].says...)
	}
	for _, m := range []string{"NULL", "CURVE", "plain"} {
		add("23 mechanism "+m, reasons.Mechanism, 0, greeting(m), commandOf("READY", asPush), message)
	}
	add("4 the Scalability Protocols", reasons.BadHeader, 0, "\x00SP\x00\x00\x50\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x05hello")
	add("20 ZMTP 2.0", reasons.Version, 0, signature+"\x01\x08\x00\x00", message)
	return all
}

func TestPlainBreachesAreRefused(t *testing.T) {
	for _, scheme := range []string{"tcp", "ipc", "tls+tcp"} {
		t.Run(scheme, func(t *testing.T) { testPlain(t, scheme) })
	}
}

func testPlain(t *testing.T, scheme string) {
	leak.Check(t)
	b := besiege(t, scheme, zmtp.PlainServer{}, zmtp.PlainClient{Username: goodUser, Password: goodPassword},
		func(q *wire.Question) wire.Verdict {
			return wire.Verdict{Accept: q.Username == goodUser && q.Password == goodPassword, User: q.Username}
		})
	breaches := plainBreaches()
	isGuess := func(c plainBreach) bool { return c.reason == reasons.Authentication }
	for _, c := range breaches {
		if !isGuess(c) {
			b.suffer(c.breach, func(p *rawPeer) { p.say(c.says...) })
		}
	}
	b.suffer(breach{name: "who is let in", reason: "eof", down: true, asked: 1, bodies: 1}, func(p *rawPeer) {
		p.say(greeting("PLAIN"), commandOf("HELLO", plainHello(goodUser, goodPassword)), commandOf("INITIATE", asPush), frameOf(0, boxed))
		must(t, p.Conn.(interface{ CloseWrite() error }).CloseWrite())
	})
	b.suffer(breach{name: "29 command without a name, later", reason: "command", down: true, asked: 1, bodies: 1}, func(p *rawPeer) {
		p.say(greeting("PLAIN"), commandOf("HELLO", plainHello(goodUser, goodPassword)), commandOf("INITIATE", asPush), frameOf(0, boxed), "\x04\x01\x00")
	})
	for _, c := range breaches { // last, because who comes from the same address after a wrong password waits
		if isGuess(c) {
			b.suffer(c.breach, func(p *rawPeer) { p.say(c.says...) })
		}
	}
	b.relief(map[string][]byte{"the password": []byte(goodPassword), "a wrong password": []byte(wrongPassword), "what is in a message": []byte(boxed)})
	t.Logf("PLAIN %s: %d bad peers, each refused under its reason; %d messages, nothing else", scheme, len(breaches)+1, b.delivered)
}
