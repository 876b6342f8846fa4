// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// plainHello is a client's greeting and its first command.
func plainHello() []byte {
	greeting := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01PLAIN"), make([]byte, 47)...)
	return append(greeting, "\x04\x0a\x05HELLO\x01a\x01b"...)
}

// A refused peer is told its status, unless it may try again later, and the local end is told why.
func TestRefusals(t *testing.T) {
	why := errors.New("the list of users is empty")
	for _, test := range []struct {
		verdict wire.Verdict
		said    string
		says    string
	}{
		{wire.Verdict{}, "\x04\x09^RROR\x03400", "400"},
		{wire.Verdict{Status: "500", Err: why}, "\x04\x09^RROR\x03500", why.Error()},
		{wire.Verdict{Status: "300", Err: why}, "", "300"},
	} {
		h := zmtp.Dialect.Handshake(wire.Config{Hello: zmtp.Pull.Hello(), Listening: true, Security: zmtp.PlainServer{}})
		n, greeting, _, err := h.Step(plainHello())
		if err != nil || h.(wire.Asker).Question() == nil {
			t.Fatalf("no question: %v", err)
		}
		if bytes.Contains(greeting, []byte("RROR")) {
			t.Errorf("refused before the answer: %q", greeting)
		}
		h.(wire.Asker).Answer(test.verdict)
		_, said, s, err := h.Step(plainHello()[n:])
		var pe *wire.ProtocolError
		if s != nil || !errors.As(err, &pe) || pe.Reason != reasons.Authentication || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: %v, which does not say %q", test.verdict, err, test.says)
		}
		if string(said) != test.said {
			t.Errorf("%v: the peer is told %q, want %q", test.verdict, said, test.said)
		}
	}
}
