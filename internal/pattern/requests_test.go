// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
)

func (l *callList) all(t *testing.T) (calls []*Call) {
	t.Helper()
	var before *Call
	for c := l.first; c != nil; before, c = c, c.next {
		if c.prev != before || c.queue != l {
			t.Fatal("a list of calls is broken")
		}
		calls = append(calls, c)
	}
	if l.last != before {
		t.Fatal("the last call of a list is not its last")
	}
	return calls
}

func TestCallList(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	var l callList
	var model []*Call
	for range 5000 {
		switch {
		case dice.IntN(5) < 2:
			model = append(model, &Call{})
			l.push(model[len(model)-1])
		case dice.IntN(4) == 0:
			model = slices.Insert(model, 0, &Call{})
			l.pushFront(model[0])
		case len(model) > 0:
			i := dice.IntN(len(model))
			c := model[i]
			l.remove(c)
			model = slices.Delete(model, i, i+1)
			if c.prev != nil || c.next != nil || c.queue != nil {
				t.Fatal("a call that left a list still points into it")
			}
		}
		if !slices.Equal(l.all(t), model) {
			t.Fatal("the list is not what the model is")
		}
	}
}

// Calls that are due at the same time are sent again in their order, and before those that were never sent.
func TestDueCallsKeepTheirOrder(t *testing.T) {
	table := newRequests(time.Minute)
	pipe, now := new(engine.Pipe), time.Now()
	var old []*Call
	for i := range 5 {
		old = append(old, table.open(nil, nil))
		table.sentOver(old[i], pipe, now.Add(time.Duration(i/4)*time.Second)) // the fifth a second later
	}
	fresh := table.open(nil, nil)
	if n := table.resendDue(now.Add(time.Minute - 1)); n != 0 {
		t.Errorf("%d calls are due before their time", n)
	}
	if n := table.resendDue(now.Add(time.Minute)); n != 4 {
		t.Errorf("%d calls are due, want 4", n)
	}
	if got, want := table.unsent.all(t), append(slices.Clone(old[:4]), fresh); !slices.Equal(got, want) {
		t.Error("calls are sent again in another order than before, or behind a younger one")
	}
	if !slices.Equal(table.waiting.all(t), old[4:]) {
		t.Error("a call that is not due does not wait on")
	}
	never := newRequests(-1)
	never.sentOver(never.open(nil, nil), pipe, now)
	if n := never.resendDue(now.Add(1000 * time.Hour)); n != 0 {
		t.Errorf("%d calls are due without retries", n)
	}
}

// A modelCall is what a call should be, in the simplest words.
type modelCall struct {
	sent  map[*engine.Pipe]bool
	due   time.Time // zero: it is not sent
	order int       // when it was sent
}

// The table and a model of it go through the same random history of sends, replies of every kind, retries, lost
// pipes and cancellations.
func TestRequestsModel(t *testing.T) {
	steps := 0
	for seed := range uint64(40) {
		steps += requestsHistory(t, rand.New(rand.NewPCG(seed, 7)))
	}
	t.Logf("%d steps agree with the model", steps)
}

func requestsHistory(t *testing.T, dice *rand.Rand) (steps int) {
	const retry = 100
	table := newRequests(retry)
	table.nextID = 1<<31 - uint32(dice.IntN(50))
	model := make(map[*Call]*modelCall)
	pipes := []*engine.Pipe{{}, {}, {}, {}}
	now := time.Unix(0, 0)
	var over []uint32 // ids of calls that have ended
	errLost := errors.New("lost")
	ended := func(c *Call, reply *msg.Message, err error) {
		t.Helper()
		if len(c.done) != 1 || c.reply != reply || c.err != err {
			t.Fatalf("a call that has ended tells %d times, %v, %v", len(c.done), c.reply, c.err)
		}
		<-c.done
		over = append(over, c.id)
		delete(model, c)
		table.recycle(c)
	}
	anyCall := func() *Call {
		calls := slices.SortedFunc(maps.Keys(model), func(a, b *Call) int { return int(a.id) - int(b.id) })
		if len(calls) == 0 {
			return nil
		}
		return calls[dice.IntN(len(calls))]
	}
	reply := func(id uint32) *msg.Message {
		m := msg.Received(binary.BigEndian.AppendUint32(nil, id), 4, nil)
		return &m
	}
	for steps = range 600 {
		p := pipes[dice.IntN(len(pipes))]
		now = now.Add(time.Duration(dice.IntN(20)))
		switch dice.IntN(8) {
		case 0, 1:
			c := table.open([]byte("body"), nil)
			if model[c] != nil || slices.ContainsFunc(slices.Collect(maps.Keys(model)), func(o *Call) bool { return o.id == c.id }) {
				t.Fatal("a call, or its id, is used by another one")
			}
			if c.id&requestBit == 0 || binary.BigEndian.Uint32(c.header[:]) != c.id || len(c.sent) != 0 || c.ended || c.reply != nil {
				t.Fatalf("a new call is not new: %+v", c)
			}
			model[c] = &modelCall{sent: make(map[*engine.Pipe]bool)}
		case 2, 3:
			if c := table.unsent.first; c != nil {
				table.sentOver(c, p, now)
				model[c].sent[p], model[c].due, model[c].order = true, now.Add(retry), steps
			}
		case 4:
			want := 0
			for _, c := range model {
				if !c.due.IsZero() && !c.due.After(now) {
					c.due = time.Time{}
					want++
				}
			}
			if n := table.resendDue(now); n != want {
				t.Fatalf("%d calls are due, want %d", n, want)
			}
		case 5:
			if c := anyCall(); c != nil {
				m := reply(c.id)
				got, a := table.answered(p, m)
				switch {
				case !model[c].sent[p] && (a != answerForeign || got != nil):
					t.Fatal("a reply over a pipe that the request did not go to is accepted")
				case model[c].sent[p] && (a != answerGood || got != c):
					t.Fatal("a good reply is not accepted")
				case model[c].sent[p]:
					c.wake()
					ended(c, m, nil)
				}
			}
			for _, id := range append(over, 5, 0) { // those that are over, and what no request has
				if len(over) > 0 && dice.IntN(20) > 0 || table.calls[id] != nil {
					continue
				}
				if c, a := table.answered(p, reply(id)); a != answerStale || c != nil {
					t.Fatal("a reply to a request that is over is accepted")
				}
			}
		case 6:
			if c := anyCall(); c != nil {
				table.end(c, errLost)
				table.end(c, errors.New("again"))
				ended(c, nil, errLost)
			}
		case 7:
			want := make(map[*Call]bool)
			for c, m := range model {
				if m.sent[p] && len(m.sent) == 1 && !m.due.IsZero() {
					want[c] = true
				}
				delete(m.sent, p)
			}
			orphans := table.lost(p)
			for _, c := range orphans {
				if !want[c] {
					t.Fatal("a call that waits for other pipes is an orphan")
				}
				table.resend(c)
				model[c].due = time.Time{}
			}
			if len(orphans) != len(want) {
				t.Fatalf("%d orphans, want %d", len(orphans), len(want))
			}
			pipes[slices.Index(pipes, p)] = new(engine.Pipe)
		}
		unsent, waiting := table.unsent.all(t), table.waiting.all(t)
		if len(table.calls) != len(model) || len(unsent)+len(waiting) != len(model) {
			t.Fatalf("%d calls, %d unsent and %d waiting; want %d", len(table.calls), len(unsent), len(waiting), len(model))
		}
		for i, c := range waiting {
			if m := model[c]; m.due.IsZero() || !c.retry.Equal(m.due) || len(c.sent) != len(m.sent) {
				t.Fatal("a waiting call is not what the model has")
			}
			if i > 0 && c.retry.Before(waiting[i-1].retry) {
				t.Fatal("waiting calls are not in the order of their time")
			}
		}
		for _, c := range unsent {
			if !model[c].due.IsZero() {
				t.Fatal("a call that waits for its reply is among those to be sent")
			}
		}
	}
	return steps + 1
}

// A call by message holds its message until it ends, for it may be sent again, and then releases it once.
func TestCallReleasesItsMessage(t *testing.T) {
	released := 0
	table := newRequests(time.Minute)
	c := table.open(nil, msg.Wrap([]byte("body"), func() { released++ }))
	pipe := new(engine.Pipe)
	table.sentOver(c, pipe, time.Now())
	table.lost(pipe)
	table.resend(c)
	if released != 0 {
		t.Error("a call that may be sent again has released its message")
	}
	table.end(c, engine.ErrClosed)
	table.end(c, engine.ErrClosed)
	if released != 1 {
		t.Errorf("released %d times", released)
	}
}

func TestRepliesWithoutAnID(t *testing.T) {
	table := newRequests(time.Minute)
	pipe := new(engine.Pipe)
	c := table.open(nil, nil)
	table.sentOver(c, pipe, time.Now())
	for _, header := range [][]byte{nil, c.header[:3], append([]byte{0, 0, 0, 1}, c.header[:]...)} {
		m := msg.OfParts(header, []byte("reply"))
		if _, a := table.answered(pipe, &m); a != answerStale {
			t.Errorf("a reply with the header %x is %v, want stale", header, a)
		}
	}
	if c.ended {
		t.Error("the call has ended")
	}
}

func replyTo(id uint32, body string) *msg.Message {
	m := msg.Received(append(binary.BigEndian.AppendUint32(nil, id), body...), 4, nil)
	return &m
}

// Ids wrap while many calls are open. Every reply goes to its own call, whatever else comes: replies to calls that
// are over, second replies, replies over pipes that the request did not go to.
func TestRequestIDsWrap(t *testing.T) {
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
		c.wake()
		<-c.done
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
	t.Logf("%d calls open across the wrap, %d stale and %d foreign replies: %d wrong deliveries", len(calls), stale, foreign, wrong)
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
func TestDeadPipeLeavesCallsThatWaitToBeSent(t *testing.T) {
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
