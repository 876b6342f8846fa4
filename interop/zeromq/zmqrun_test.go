// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/zmq"
)

// sendRun sends all messages of a run, and the one that ends it.
func sendRun(t *testing.T, send func(ctx context.Context, frames ...[]byte) error) {
	t.Helper()
	ctx := kit.Watched(t)
	for i := range restartMessages {
		if err := send(ctx, kit.Numbered(restartSize, i)); err != nil {
			t.Errorf("send message %d: %v", i, err)
			return
		}
	}
	if err := send(ctx, binary.BigEndian.AppendUint32(nil, lastMessage)); err != nil {
		t.Errorf("send the last message: %v", err)
	}
}

// recvRun takes messages of a run until it ends, or until some came, and returns their numbers.
func recvRun(t *testing.T, pull *zmq.Pull, some bool) (ids []int) {
	t.Helper()
	for ctx := kit.Watched(t); !some || len(ids) < restartAfter; {
		frames := kit.Must[[][]byte](t)(pull.Recv(ctx))
		id := idOf(frames[0])
		if id == lastMessage {
			return ids
		}
		ids = append(ids, int(id))
	}
	return ids
}

// idOf is the number of a message.
func idOf(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// upFrom are n numbers from first on.
func upFrom(first, n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = first + i
	}
	return ids
}

// distinct fails the test if a number is there twice, and returns the set of them.
func distinct(t *testing.T, ids []int) map[int]bool {
	t.Helper()
	set := make(map[int]bool, len(ids))
	for _, id := range ids {
		if set[id] {
			t.Errorf("message %d arrived twice", id)
		}
		set[id] = true
	}
	return set
}

// pipes are those that a socket had.
type pipes map[*spry.Pipe]bool

// add takes those that it has now.
func (p *pipes) add(s spry.Socket) {
	if *p == nil {
		*p = pipes{}
	}
	for one := range s.Pipes() {
		(*p)[one] = true
	}
}

// closed is how many messages were sent on those that the peer closed. They are not Unknown, though a process that is killed
// looks the same as one that closes after it has read everything, if its kernel holds nothing for it at that moment.
func (p *pipes) closed() (sent uint64) {
	for one := range *p {
		if errors.Is(one.Err(), io.EOF) {
			sent += one.Stats().Send.Sent
		}
	}
	return sent
}
