// SPDX-License-Identifier: MIT

//go:build lockcheck

package pattern

import (
	"testing"

	"github.com/sprymq/spry/internal/lock"
)

// What a proxy passes on to a lone peer takes a few locks for all messages that came together, and not some for each.
func TestLocksOfARawBatch(t *testing.T) {
	raw, _ := rawPush(t, 1)
	const messages = 64
	ms := numbered(messages)
	locks := lock.Count(func() {
		if n, err := raw.SendBatch(t.Context(), ms); n != messages || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Logf("%d locks for %d messages", locks, messages)
	if locks > messages/2 {
		t.Errorf("%d messages take %d locks", messages, locks)
	}
}
