// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

func TestTwoEndsOfEveryMechanism(t *testing.T) {
	for _, m := range [][2]wire.Security{
		{nil, nil},
		{zmtp.PlainClient{Username: "alice", Password: "secret"}, zmtp.PlainServer{}},
		{curveClient(t, nil), zmtp.CurveServer{Secret: serverSecret}},
	} {
		for _, size := range []int{1, 7, 1 << 16} {
			s := meet(t, wire.Config{Hello: zmtp.Dealer.Hello(), Security: m[0], Identity: []byte("me"), Metadata: map[string]string{"X-Colour": "red"}},
				wire.Config{Hello: zmtp.Router.Hello(), Security: m[1]}, size)
			if got := s[1].Metadata; got["Socket-Type"] != "DEALER" || got["Identity"] != "me" || got["X-Colour"] != "red" || (got["User-Id"] == "alice") != (m[0] != nil) {
				t.Errorf("%v: the server knows %v", m[0], got)
			}
			if s[0].Peer != zmtp.Router.Number() || s[1].Peer != zmtp.Dealer.Number() || s[0].Sealed != s[1].Sealed {
				t.Errorf("%v: sessions %+v and %+v", m[0], s[0], s[1])
			}
			for i := range s {
				long := string(bytes.Repeat([]byte("x"), 300))
				stream := encode(s[i], nil, "one", "", long)
				stream = s[i].Framing.AppendFrame(stream, nil, []byte("two"))
				got := decode(t, s[1-i].Decoder, 8, stream)
				want := outcome{messages: []string{describeMessage(message("one", "", long)), describeMessage(message("two"))}}
				if !got.equal(want) {
					t.Errorf("%v: got %v", m[0], got)
				}
			}
		}
	}
}
