// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// The limit is one of each message: those that were before do not count.
func TestLimitIsOfEachMessage(t *testing.T) {
	for name, secure := range map[string]bool{"in the clear": false, "sealed": true} {
		t.Run(name, func(t *testing.T) {
			push, pull := wire.Config{Hello: named(t, "PUSH").Hello()}, wire.Config{Hello: named(t, "PULL").Hello(), MaxMessage: 100}
			if secure {
				push.Security, pull.Security = curveClient(t, nil), zmtp.CurveServer{Secret: serverSecret}
			}
			s := meet(t, push, pull, 1<<16)
			var stream []byte
			for range 3 {
				stream = append(stream, encode(s[0], nil, strings.Repeat("a", 60), strings.Repeat("b", 40))...)
			}
			if got := decode(t, s[1].Decoder, 8, stream); len(got.messages) != 3 || got.reason != "" {
				t.Errorf("of 3 messages of 100 bytes %d came: %q", len(got.messages), got.reason)
			}
			over := encode(s[0], nil, strings.Repeat("a", 60), strings.Repeat("b", 41))
			if got := decode(t, s[1].Decoder, 8, over); len(got.messages) != 0 || got.reason != reasons.Oversize {
				t.Errorf("one of 101 bytes: %d messages, %q", len(got.messages), got.reason)
			}
		})
	}
}

// A command is not larger for being sealed.
func TestSealedCommandsAreBounded(t *testing.T) {
	const command, most = 2, 64 << 10
	for size, want := range map[int]reasons.Reason{most: "", most + 1: reasons.Oversize} {
		seal, d := zmtp.SealedEnds(wire.Config{Hello: named(t, "PULL").Hello(), TTL: 8}, named(t, "PULL"))
		body := slices.Concat([]byte("\x05EXTRA"), make([]byte, size-6))
		if got := decode(t, d, 8, seal(nil, command, body)); got.reason != want {
			t.Errorf("a command of %d bytes: %q, want %q", size, got.reason, want)
		}
	}
}

// A decoder that waits for more does not keep what it has decoded.
func TestDecoderForgetsMessages(t *testing.T) {
	push, pull := plainPair(t, named(t, "PUSH"), named(t, "PULL"))
	last := func() weak.Pointer[byte] {
		data := encode(push, nil, strings.Repeat("a", 40_000), strings.Repeat("b", 40_000))
		b := newBatch(data, 1)
		if n, _, err := pull.Decoder.Decode(data, b); n != len(data) || err != nil {
			t.Fatalf("%d of %d bytes were decoded: %v", n, len(data), err)
		}
		return weak.Make(&data[0])
	}()
	for range 3 { // what a pool has is freed by the second
		runtime.GC()
	}
	if last.Value() != nil {
		t.Error("a message that was decoded and dropped is still in memory")
	}
	runtime.KeepAlive(pull)
}
