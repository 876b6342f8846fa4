// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire/sp"
)

// Shutdown says how many messages died with their pipes.
func TestShutdownCountsWhatItLeaves(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s, e := testSocket(Options{}, &recorder{})
		near, far := net.Pipe() // nobody reads
		defer far.Close()
		p, _ := streamPipe(t, e, near, streamSession(t, sp.Push, 0))
		const messages = 3
		for range messages {
			trySend(p, []byte("left"))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var op *OpError
		if err := s.Shutdown(ctx); !errors.As(err, &op) || op.Unsent != messages || !errors.Is(err, ErrUnsent) {
			t.Errorf("Shutdown with %d messages that nobody takes: %v", messages, err)
		}
	})
}
