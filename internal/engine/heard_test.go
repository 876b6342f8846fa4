// SPDX-License-Identifier: MIT

package engine

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/rawconn"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A sender of many messages at a time writes them by itself only if the socket has been quiet for longer than making them takes.
func TestBatchesAreNotWrittenInline(t *testing.T) {
	_, e := testSocket(Options{SendQueue: 1000}, &recorder{})
	p, c := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Push, 0))
	c.unblocked = &rawconn.Writer{}
	c.pipe.socket.lastWrite.Store(int64(time.Since(epoch) - time.Minute))
	for n, want := range map[int]bool{1: true, 64: true, int(time.Hour / inlineEach / 4): false} {
		if c.eager(n) != want {
			t.Errorf("after a minute without a write, %d messages are written inline: %v", n, !want)
		}
	}
	n, w, _ := p.TryQueueBatch(nil, make([][]byte, 100), nil)
	if n != 100 || w.queued != n {
		t.Errorf("%d messages were queued, and %d count", n, w.queued)
	}
	w.WriteSoon()
	p.end(nil)
	_ = e.Close() // the writer has ended before the next test begins
}

// Who answers a message writes by itself; who answers many that came together leaves it to the writer, however long the
// connection has been quiet.
func TestAnswersToManyAreNotWrittenOneByOne(t *testing.T) {
	frame := append(binary.BigEndian.AppendUint64(nil, 4), "body"...)
	for _, test := range []struct {
		messages int
		eager    bool
	}{{1, true}, {manyAtOnce - 1, true}, {manyAtOnce, false}, {64, false}} {
		r := &recorder{}
		_, e := testSocket(Options{}, r)
		p, c := streamPipe(t, e, pieces(t, bytes.Repeat(frame, test.messages), []byte{255}), streamSession(t, sp.Pull, 0))
		c.unblocked = &rawconn.Writer{}
		p.socket.lastWrite.Store(int64(time.Since(epoch) - time.Hour))
		eager := true
		r.refuse = func([]msg.Message) int { eager = c.eager(1); return 0 }
		_ = c.read()
		if eager != test.eager || len(r.bodies) != test.messages {
			t.Errorf("of %d messages with one read %d have come, and an answer is written at once: %v", test.messages, len(r.bodies), eager)
		}
		p.end(nil)
	}
}
