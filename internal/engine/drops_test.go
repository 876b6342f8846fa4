// SPDX-License-Identifier: MIT

package engine

import (
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire/sp"
)

// Messages that die with their pipe are counted, and an event tells of them.
func TestMessagesDroppedWithTheirPipeAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := testSocket(Options{}, &recorder{})
		defer s.Close()
		events := s.Events(t.Context())
		near, far := net.Pipe() // nobody reads
		defer far.Close()
		p, _ := streamPipe(t, e, near, streamSession(t, sp.Push, 0))
		const messages = 7
		for range messages {
			if !trySend(p, []byte("lost")) {
				t.Fatal("no room")
			}
		}
		synctest.Wait()
		p.end(io.EOF)
		<-p.Done()
		_ = s.Close()
		var reported uint64
		for e := range events {
			if e.Kind == EventDrop && e.Pipe == p && e.Reason == reasons.PipeClosed {
				reported += e.Count
			}
		}
		if counted := p.Stats().Send.Dropped[reasons.PipeClosed]; reported != messages || counted != messages {
			t.Errorf("%d messages were dropped with their pipe, %d are counted, and events report %d", messages, counted, reported)
		}
	})
}
