// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// FuzzPlain gives a server and a client of PLAIN what comes after a greeting: a server comes to a session only if it has
// asked who the peer is, and no error of a client shows its password.
func FuzzPlain(f *testing.F) {
	const secret = "correct horse"
	hello := "\x04\x16\x05HELLO\x05alice\x09swordfish"
	initiate := "\x04\x1f\x08INITIATE\x0bSocket-Type\x00\x00\x00\x06DEALER"
	f.Add([]byte(hello+initiate+"\x00\x02hi"), true, byte(3))
	f.Add([]byte(hello+hello), true, byte(1))
	f.Add([]byte(hello[:12]), true, byte(0))
	f.Add([]byte("\x04\x08\x07WELCOME\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER"), false, byte(9))
	f.Add([]byte("\x04\x0a\x05ERROR\x03400"), false, byte(2))
	greeting := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01PLAIN"), make([]byte, 47)...)
	f.Fuzz(func(t *testing.T, after []byte, server bool, size byte) {
		e := checkHandshake(t, func() wire.Config {
			if server {
				return wire.Config{Hello: zmtp.Router.Hello(), Listening: true, TTL: 8, Security: zmtp.PlainServer{}}
			}
			return wire.Config{Hello: zmtp.Dealer.Hello(), TTL: 8, Security: zmtp.PlainClient{Username: "alice", Password: secret}}
		}, append(slices.Clone(greeting), after...), int(size)+1)
		switch {
		case server && e.session != nil && !strings.HasPrefix(e.asked, "PLAIN"):
			t.Fatalf("came to a session and asked %q", e.asked)
		case !server && e.asked != "":
			t.Fatalf("a client asked %q", e.asked)
		case e.err != nil && strings.Contains(e.err.Error(), secret):
			t.Fatalf("%v", e.err)
		}
	})
}

// sealedLocals are the sockets that FuzzSealedFrames is about.
var sealedLocals = []zmtp.Socket{
	zmtp.Pull, zmtp.Pub, zmtp.XPub, zmtp.Rep, zmtp.Req, zmtp.Router, zmtp.Radio, zmtp.Dish, zmtp.Server, zmtp.Pair,
}

// FuzzSealedFrames lets a peer that was let in seal whatever frames it likes: they come to the same as in the clear.
func FuzzSealedFrames(f *testing.F) {
	f.Add([]byte("\x00\x02hi\x01\x01a\x02\x07\x04PING\x00\x01\x00\x01b"), byte(0), uint16(0), byte(0))
	f.Add([]byte("\x02\x0b\x09SUBSCRIBEa\x00\x02\x01b\x02\x08\x06CANCELa"), byte(1), uint16(9), byte(2))
	f.Add([]byte("\x01\x04\x80\x00\x00\x01\x01\x00\x00\x01x"), byte(3), uint16(5), byte(3))
	f.Add([]byte("\x03\x05\x04PONG\x02\x06\x04JOINg\x00\x00"), byte(6), uint16(0), byte(1))
	f.Fuzz(func(t *testing.T, script []byte, number byte, limit uint16, frames byte) {
		local := sealedLocals[int(number)%len(sealedLocals)]
		peer := zmtp.Socket(local.Hello().Peer)
		config := wire.Config{Hello: local.Hello(), MaxMessage: int64(limit), MaxFrames: int(frames), TTL: 8}
		plain := meet(t, wire.Config{Hello: peer.Hello()}, config, 1<<16)[1].Decoder
		seal, sealed := zmtp.SealedEnds(config, local)

		var inClear, inBoxes []byte
		for len(script) >= 2 {
			flags, body := script[0]&3, script[2:min(len(script), 2+int(script[1]))]
			script = script[2+len(body):]
			if flags&2 != 0 && len(body) == 0 {
				continue // in the clear this may be the head of a long one
			}
			inClear = append(append(inClear, flags&1|flags&2<<1, byte(len(body))), body...)
			inBoxes = seal(inBoxes, flags, body)
		}
		want, got := decode(t, plain, 64, inClear), decode(t, sealed, 64, inBoxes)
		if !got.equal(want) {
			t.Fatalf("%s with limits %d and %d, in the clear:\n%v\nin boxes:\n%v", local.Name(), limit, frames, want, got)
		}
	})
}
