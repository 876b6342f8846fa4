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
		r.refuse = func([]msg.Message) int { eager = c.eager(); return 0 }
		_ = c.read()
		if eager != test.eager || len(r.bodies) != test.messages {
			t.Errorf("of %d messages with one read %d have come, and an answer is written at once: %v", test.messages, len(r.bodies), eager)
		}
		p.end(nil)
	}
}
