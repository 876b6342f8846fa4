// SPDX-License-Identifier: MIT

//go:build unix

package engine

import (
	"io"
	"testing"

	"github.com/sprymq/spry/internal/wire/sp"
)

// A socket that sends to many pipes in turn gathers messages while its flusher is busy, and writes those of a pipe together;
// while the flusher is idle, a lone message is written at once.
func TestSharedWriterGathers(t *testing.T) {
	near, far := tcpPair(t)
	s, e := testSocket(Options{}, &recorder{})
	s.ShareWriter()
	p, _ := streamPipe(t, e, near, streamSession(t, sp.Push, 0))
	const frame = 8 + 1
	read := func(messages int) {
		t.Helper()
		if _, err := io.ReadFull(far, make([]byte, messages*frame)); err != nil {
			t.Fatal(err)
		}
	}
	trySend(p, []byte("0"))
	read(1)
	f := s.flusher.Load()
	if err := p.out.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.running = true // as if it wrote other pipes
	f.mu.Unlock()
	for range 10 {
		trySend(p, []byte("x"))
	}
	if st := p.Stats().Send; st.Sent != 1 || st.Queued != 10 || len(f.dirty) != 1 {
		t.Errorf("beside a busy flusher: %d are to be written, the figures are %+v", len(f.dirty), st)
	}
	f.run()
	read(10)
	if st := p.Stats().Send; st.Sent != 11 || f.running {
		t.Errorf("after the flusher: %+v", st)
	}
	_ = s.Close()
}
