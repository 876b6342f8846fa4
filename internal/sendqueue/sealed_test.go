// SPDX-License-Identifier: MIT

package sendqueue

import (
	"testing"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire"
)

// Of a long queue only as much is sealed as is soon written: the rest could not be given back.
func TestSealedAtOnce(t *testing.T) {
	leak.Check(t)
	const messages, size = 16, sealAtOnce / 4
	q := NewSealed(&wire.Session{Framing: plain})
	for range messages {
		q.Put(nil, make([]byte, size), nil)
	}
	for written := 0; written < messages; {
		if !q.Take(nil) {
			t.Fatalf("nothing is left to be written after %d messages", written)
		}
		_, bytes := q.Buffers(nil)
		if n, cost := q.Written(0); n != 0 || cost != 0 {
			t.Fatalf("a write that took nothing took %d messages, which cost %d", n, cost)
		}
		if sealed := q.sealed.flight.len(); sealed > 4 || sealed == 0 {
			t.Fatalf("%d messages are sealed, of %d bytes each", sealed, size)
		}
		n, _ := q.Written(bytes)
		if n == 0 {
			t.Fatal("a write of all that is sealed took no message")
		}
		written += n
	}
	q.Discard()
}
