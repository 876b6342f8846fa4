// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"testing"

	"github.com/sprymq/spry/internal/engine"
)

// What panics under a sender's lock leaves it free, whoever recovers.
func TestSenderIsFreeAfterAPanic(t *testing.T) {
	var s sender
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		_ = s.do(context.Background(), true, nil, func() (bool, engine.PendingWrite, error) { panic("in a message") })
	}()
	if !s.mu.TryLock() {
		t.Fatal("the lock is still taken")
	}
	s.mu.Unlock()
	if err := s.do(context.Background(), true, nil, func() (bool, engine.PendingWrite, error) { return true, engine.PendingWrite{}, nil }); err != nil {
		t.Error(err)
	}
}
