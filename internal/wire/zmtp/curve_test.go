// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// refuses checks that a sealed stream is refused and that nothing comes out of it but what came before.
func refuses(t *testing.T, what string, d wire.Decoder, stream []byte, before int) {
	t.Helper()
	got := decode(t, d, 8, bytes.Clone(stream))
	if got.reason == "" || len(got.messages) != before || len(got.events) > 0 {
		t.Errorf("%s: %v", what, got)
	}
}

func TestCurveRefusesEveryFlippedBitAndEveryCut(t *testing.T) {
	client, server := curvePair(t, zmtp.Push, zmtp.Pull)
	frame := client.Framing.AppendFrame(nil, nil, []byte("body"))
	for bit := 16; bit < 8*len(frame); bit++ { // what is before says where the frame ends, and is not sealed
		flipped := bytes.Clone(frame)
		flipped[bit/8] ^= 1 << (bit % 8)
		refuses(t, fmt.Sprintf("bit %d", bit), server.Decoder, flipped, 0)
	}
	for end := 2; end < len(frame); end++ {
		cut := append([]byte{0, byte(end - 2)}, frame[2:end]...)
		refuses(t, fmt.Sprintf("cut to %d bytes", end), server.Decoder, cut, 0)
	}
	if got := decode(t, server.Decoder, 8, frame); len(got.messages) != 1 {
		t.Errorf("the frame itself gave %v", got)
	}
}

func TestCurveRefusesReplayAndReordering(t *testing.T) {
	for i, order := range [][]int{{0, 0}, {1, 0}, {0, 1, 0}, {0, 2, 1}, {2, 2}} {
		client, server := curvePair(t, zmtp.Push, zmtp.Pull)
		var frames [][]byte
		for n := range 3 {
			frames = append(frames, client.Framing.AppendFrame(nil, nil, []byte{byte(n)}))
		}
		var stream []byte
		for _, n := range order {
			stream = append(stream, frames[n]...)
		}
		refuses(t, fmt.Sprintf("order %d", i), server.Decoder, stream, len(order)-1)
	}
}

// Frames of one connection are of no use on another, of the same two ends.
func TestCurveRefusesFramesOfAnotherConnection(t *testing.T) {
	client, _ := curvePair(t, zmtp.Push, zmtp.Pull)
	_, server := curvePair(t, zmtp.Push, zmtp.Pull)
	refuses(t, "another connection", server.Decoder, client.Framing.AppendFrame(nil, nil, []byte("body")), 0)
}

// helloPadding is where HELLO has bytes that nobody looks at: they keep the answer from being longer than it.
var helloPadding = [2]int{64 + 2 + 6 + 2, 64 + 2 + 6 + 2 + 72}

// No handshake with CURVE succeeds after a bit of it was flipped on the way, and nobody is asked whether a peer may
// come in before it has proved to own its key.
func TestCurveHandshakesRefuseEveryFlippedBit(t *testing.T) {
	v := readVectors(t)
	for _, h := range v.Handshakes {
		if !h.Sealed || h.Left != nil {
			continue
		}
		for bit := 64 * 8; bit < 8*len(h.Receive); bit += cutEvery {
			if at := bit / 8; h.Listening && at >= helloPadding[0] && at < helloPadding[1] {
				continue
			}
			flipped := bytes.Clone(h.Receive)
			flipped[bit/8] ^= 1 << (bit % 8)
			e := shake(t, h.config(t, v.Keys), "accept", flipped)
			if harmless := reservedFlag(h.Receive, bit); (e.session != nil || e.asked != "") && !harmless {
				t.Errorf("%s: bit %d of byte %d is not missed: asked %q, session %v", h.Name, bit%8, bit/8, e.asked, e.session != nil)
			}
		}
	}
}

// reservedFlag reports whether a bit is one of those that mean nothing at the head of a frame.
func reservedFlag(receive []byte, bit int) bool {
	for at := 64; at < len(receive); {
		if bit/8 == at {
			return bit%8 > 2
		}
		if receive[at]&2 != 0 {
			at += 9 + int(receive[at+7])<<8 + int(receive[at+8])
			continue
		}
		at += 2 + int(receive[at+1])
	}
	return false
}

// Secrets are not in errors, nor in what the values that have them print.
func TestSecretsAreNotPrinted(t *testing.T) {
	const password = "correct horse battery staple"
	key := zmtp.Key([]byte("0123456789abcdef0123456789abcdef"))
	public := public(t, key)
	var printed []string
	for _, v := range []any{
		zmtp.PlainClient{Username: "alice", Password: password},
		zmtp.CurveServer{Secret: key},
		zmtp.CurveClient{Secret: key, ServerKey: public},
		key, &key,
		[]zmtp.Key{key},
		wire.Question{Mechanism: "PLAIN", Username: "alice", Password: password},
		&wire.Question{Password: password},
		wire.Config{Security: zmtp.PlainClient{Password: password}},
		wire.Config{Security: zmtp.CurveServer{Secret: key}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, string(asJSON))
	}
	for _, h := range readVectors(t).Handshakes {
		for _, s := range []wire.Security{
			zmtp.PlainClient{Username: "alice", Password: password},
			zmtp.PlainServer{},
			zmtp.CurveServer{Secret: key},
			zmtp.CurveClient{Secret: key, ServerKey: public},
		} {
			c := wire.Config{Hello: zmtp.Dealer.Hello(), Listening: h.Listening, TTL: 8, Security: s}
			receive := bytes.ReplaceAll(h.Receive, []byte("\x06secret"), append([]byte{byte(len(password))}, password...))
			for _, verdict := range []string{"accept", "refuse"} {
				if e := shake(t, c, verdict, receive); e.err != nil {
					printed = append(printed, e.err.Error(), fmt.Sprintf("%+v", e.err), fmt.Sprintf("%#v", e.err))
				}
			}
		}
	}
	long := zmtp.PlainClient{Username: "alice", Password: strings.Repeat(password, 20)}
	greeting := readVectors(t).Handshakes[0].Receive[:12:12]
	e := shake(t, wire.Config{Hello: zmtp.Dealer.Hello(), Security: long}, "", append(append(greeting, "PLAIN"...), make([]byte, 47)...))
	if e.err == nil {
		t.Error("a password that cannot be sent is no error")
	} else {
		printed = append(printed, e.err.Error())
	}
	secret := fmt.Sprint(key[:])
	for _, p := range printed {
		for _, s := range []string{password, "staple", string(key[:]), fmt.Sprintf("%x", key[:]), secret[1 : len(secret)-1], fmt.Sprintf("%x", password), "0x30, 0x31", "48,49,50"} {
			if strings.Contains(p, s) {
				t.Errorf("%q tells the secret %q", p, s)
			}
		}
	}
}

// A source of random bytes that fails ends the handshake: nothing is sealed with guessable keys.
func TestCurveWithoutRandomBytes(t *testing.T) {
	broken := errors.New("broken")
	for _, h := range readVectors(t).Handshakes {
		if !h.Sealed {
			continue
		}
		for have := range 96 / 16 {
			c := h.config(t, readVectors(t).Keys)
			random := &shortReader{left: 16 * have, err: broken}
			switch s := c.Security.(type) {
			case zmtp.CurveClient:
				if s.Random = random; have >= 3 {
					continue // that is enough
				}
				c.Security = s
			case zmtp.CurveServer:
				s.Random = random
				c.Security = s
			}
			hs := zmtp.Dialect.Handshake(c)
			_, _, s, err := hs.Step(nil)
			if err == nil {
				_, _, s, err = hs.Step(h.Receive)
			}
			if s != nil || err == nil {
				t.Errorf("%s with %d random bytes: %v, session %v", h.Name, 16*have, err, s != nil)
			}
		}
	}
}

// A shortReader has so many bytes.
type shortReader struct {
	left int
	err  error
}

func (r *shortReader) Read(p []byte) (int, error) {
	if r.left < len(p) {
		return 0, r.err
	}
	r.left -= len(p)
	return len(p), nil
}
