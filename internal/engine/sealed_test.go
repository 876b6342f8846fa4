// SPDX-License-Identifier: MIT

package engine

import (
	"testing"

	"github.com/sprymq/spry/internal/leak"
)

// Of a long queue only as much is sealed as is soon written: the rest could not be given back.
func TestSealedAtOnce(t *testing.T) {
	leak.Check(t)
	const messages, size = 16, sealAtOnce / 4
	under := streamUnderTest(t, true)
	c := under.carrier.(*sealedCarrier)
	for range messages {
		c.put(nil, make([]byte, size), nil)
	}
	for written := 0; written < messages; {
		if !c.take() {
			t.Fatalf("nothing is left to be written after %d messages", written)
		}
		under.allow(0)
		if _, _, err := c.write(true); err != errFull {
			t.Fatalf("a write to a full link: %v", err)
		}
		if sealed := c.flight.len(); sealed > 4 || sealed == 0 {
			t.Fatalf("%d messages are sealed, of %d bytes each", sealed, size)
		}
		under.allow(messages * size * 2)
		n, _, err := c.write(true)
		if err != nil || n == 0 {
			t.Fatalf("%d messages were written: %v", n, err)
		}
		written += n
	}
}
