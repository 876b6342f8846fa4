// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

func replyTo(id uint32, body string) *msg.Message {
	m := msg.Received(append(binary.BigEndian.AppendUint32(nil, id), body...), 4, nil)
	return &m
}

// Ids wrap while many calls are open. Every reply goes to its own call, whatever else comes: replies to calls that
// are over, second replies, replies over pipes that the request did not go to.
func TestT19RequestIDsWrap(t *testing.T) {
	n := 100_000
	if os.Getenv("SPRY_LONG") != "" {
		n = 1_000_000
	}
	table := newRequests(time.Minute)
	table.nextID = 1<<31 - 5
	pipes := []*engine.Pipe{{}, {}, {}}
	stranger := new(engine.Pipe)
	now := time.Now()

	// A few calls hold ids on both sides of the wrap; the counter meets them again.
	calls := make([]*Call, n)
	for i := range calls {
		calls[i] = table.open(nil, nil)
		table.sentOver(calls[i], pipes[i%len(pipes)], now)
	}
	if first, second := calls[3].id, calls[5].id; first != 0xffffffff || second != 0x80000001 {
		t.Fatalf("ids around the wrap are %08x and %08x; want ffffffff and 80000001", first, second)
	}
	table.nextID = 1<<31 - 5
	more := table.open(nil, nil)
	table.sentOver(more, pipes[0], now)
	calls = slices.Concat(calls, []*Call{more})

	ids := make(map[uint32]bool, len(calls))
	for _, c := range calls {
		if c.id&requestBit == 0 || ids[c.id] {
			t.Fatalf("id %08x has no request bit, or two calls have it", c.id)
		}
		ids[c.id] = true
	}

	var wrong, stale, foreign int
	rand.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	for i, c := range calls {
		id, from := c.id, c.sent[0]
		if i%3 == 0 {
			for _, p := range []*engine.Pipe{stranger, otherThan(from, pipes)} {
				if _, a := table.answered(p, replyTo(id, "forged")); a != answerForeign {
					t.Fatalf("a reply over a pipe that the request did not go to is %v", a)
				}
				foreign++
			}
		}
		body := string(binary.BigEndian.AppendUint32(nil, id))
		got, a := table.answered(from, replyTo(id, body))
		if a != answerGood || got != c || string(c.reply.Body()) != body {
			wrong++
		}
		select {
		case <-c.done:
		default:
			t.Fatalf("the caller of %08x was not told", id)
		}
		if i%2 == 0 {
			if _, a := table.answered(from, replyTo(id, "again")); a != answerStale || string(c.reply.Body()) != body {
				t.Fatalf("a second reply is %v", a)
			}
			stale++
		}
	}
	for _, h := range [][]byte{nil, {0x80, 0, 0}, {0, 0, 0, 1, 0x80, 0, 0, 1}} {
		m := msg.Received(h, len(h), nil)
		if _, a := table.answered(pipes[0], &m); a != answerStale {
			t.Errorf("a reply with the routing header % x is %v", h, a)
		}
	}
	if wrong > 0 || len(table.calls) > 0 || table.waiting.first != nil || table.unsent.first != nil {
		t.Errorf("%d wrong deliveries; %d calls are left in the table", wrong, len(table.calls))
	}
	t.Logf("T19: %d calls open across the wrap, %d stale and %d foreign replies: %d wrong deliveries", len(calls), stale, foreign, wrong)
}

func otherThan(p *engine.Pipe, pipes []*engine.Pipe) *engine.Pipe {
	for _, q := range pipes {
		if q != p {
			return q
		}
	}
	return nil
}

// A call that waits to be sent again is still known to the pipe that it went to first. When that pipe ends, its
// replies must not count any more.
func TestT19DeadPipeLeavesCallsThatWaitToBeSent(t *testing.T) {
	table := newRequests(time.Minute)
	first := new(engine.Pipe)
	c := table.open(nil, nil)
	table.sentOver(c, first, time.Now())
	table.resend(c) // the retry is due, and no pipe has room
	if orphans := table.lost(first); len(orphans) != 0 {
		t.Errorf("a call that waits to be sent anyway is an orphan")
	}
	if _, a := table.answered(first, replyTo(c.id, "late")); a != answerForeign {
		t.Errorf("a reply over a dead pipe is %v, want foreign", a)
	}
}
