// SPDX-License-Identifier: MIT

package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
)

// A charged message is one of the model: which it is, and what a queue charges for it, wherever its bytes are.
type charged struct {
	number, size int
	cost         int64
}

func sumOf(cs []charged) (n int64) {
	for _, c := range cs {
		n += c.cost
	}
	return n
}

// A chargeModel is what a source has, and a reader that fills chunks with its messages, several of which share one.
type chargeModel struct {
	source  *Source
	index   int
	dice    *rand.Rand
	account *budget.Account

	queue []charged // not in a turn
	turn  []charged // in the turn under way, those that were taken left out
	begun int64     // what all of that turn costs
	next  int

	chunk  *buf.Chunk
	at     int
	chunks []*buf.Chunk // all that there were, with a reference of the test's
}

// space is room for n bytes of the reader's chunk, behind bytes of other messages that the queue never sees.
func (m *chargeModel) space(n int) []byte {
	hole := 0
	if m.dice.IntN(3) == 0 {
		hole = m.dice.IntN(3000)
	}
	if m.chunk == nil || len(m.chunk.Data)-m.at < hole+n {
		m.chunk, m.at, hole = buf.NewChunk(max(n, []int{4 << 10, 32 << 10, 256 << 10}[m.dice.IntN(3)])), 0, 0
		m.chunks = append(m.chunks, m.chunk)
	}
	m.at += hole + n
	return m.chunk.Data[m.at-n : m.at : m.at]
}

// run makes messages as one read brings them: parts of one chunk, of one frame or of several, or messages with memory of
// their own. The model has what they cost.
func (m *chargeModel) run(n int) (run []msg.Message, model []charged) {
	b := msg.Batch{Msgs: make([]msg.Message, 0, n)}
	for i := range n {
		size := 8 + m.dice.IntN([]int{20, 400, 9000}[m.dice.IntN(3)])
		c := charged{m.next + i, size, int64(msg.BaseCost + size)}
		switch m.dice.IntN(8) {
		case 0: // memory of its own
			body := make([]byte, size)
			m.sign(body, c.number)
			b.Msgs = append(b.Msgs, msg.Of(body))
			c.cost += extensionCost
		case 1: // several frames
			frames := make([][]byte, 1+m.dice.IntN(6))
			whole := m.space(size + 10*(len(frames)-1))
			for k := range frames {
				frames[k] = whole[:size:size]
				if k > 0 {
					frames[k] = whole[size+10*(k-1):][:10:10]
					c.cost += msg.FrameCost + 10
				}
			}
			m.sign(whole, c.number)
			m.chunk.Retain(1)
			b.Chunk = m.chunk
			b.AddFrames(nil, frames)
			if len(frames) > 1 {
				c.cost += extensionCost + partsCost
			}
		default:
			whole := m.space(size)
			m.sign(whole, c.number)
			m.chunk.Retain(1)
			b.Chunk = m.chunk
			b.Add(whole, 0)
		}
		model = append(model, c)
	}
	m.next += n
	return b.Next(), model
}

// sign says which source a message is of, and which number it has.
func (m *chargeModel) sign(body []byte, number int) {
	binary.BigEndian.PutUint32(body, uint32(m.index))
	binary.BigEndian.PutUint32(body[4:], uint32(number))
}

// What msg charges for structures, on a 64-bit machine.
const extensionCost, partsCost = 48, 48

// put puts a run, and does to the model what the policy says.
func (m *chargeModel) put(t *testing.T, l Limits, p Policy) {
	run, model := m.run(1 + m.dice.IntN(90))
	fit, bytes := 0, sumOf(m.queue)
	for n := len(m.queue); fit < len(model) && n < l.Messages && (n == 0 || bytes+model[fit].cost <= l.Bytes); n++ {
		bytes += model[fit].cost
		fit++
	}
	taken := m.source.Put(run)
	want := len(model)
	if p == Wait {
		want = fit
		msg.ReleaseAll(run[taken:])
	}
	if taken != want {
		t.Fatalf("%d of %d messages were taken, want %d", taken, len(model), want)
	}
	if p == DropOldest {
		m.queue = append(m.queue, model...)
		for len(m.queue) > l.Messages || len(m.queue) > 1 && sumOf(m.queue) > l.Bytes {
			m.queue = m.queue[1:]
		}
		return
	}
	m.queue = append(m.queue, model[:fit]...)
}

// took does to the model what receiving a message did, which may have begun a turn.
func (m *chargeModel) took(t *testing.T, got *msg.Message, before *turn) {
	var want charged
	switch now := m.source.inbox.turn.Load(); {
	case len(m.turn) > 0:
		want, m.turn = m.turn[0], m.turn[1:]
	case now != before && now.source == m.source:
		want, m.turn, m.queue = m.queue[0], m.queue[1:now.n:now.n], m.queue[now.n:]
		m.begun = want.cost + sumOf(m.turn)
	default: // it was alone
		want, m.queue = m.queue[0], m.queue[1:]
	}
	if n := int(binary.BigEndian.Uint32(got.Body()[4:])); n != want.number || len(got.Body()) != want.size {
		t.Fatalf("message %d of %d bytes came, want %d of %d", n, len(got.Body()), want.number, want.size)
	}
}

// check compares what the source charges with the model.
func (m *chargeModel) check(t *testing.T) {
	t.Helper()
	s := m.source
	if s.messages != len(m.queue) || s.bytes != sumOf(m.queue) {
		t.Fatalf("%d messages of %d bytes are queued, the model has %d of %d", s.messages, s.bytes, len(m.queue), sumOf(m.queue))
	}
	begun := int64(0)
	if s.inbox.turn.Load().source == s {
		begun = m.begun
	}
	if s.begun != begun {
		t.Fatalf("the turn under way is charged %d bytes, the model has %d", s.begun, begun)
	}
	if c := s.Counts(); c.Queued != len(m.queue)+len(m.turn) {
		t.Fatalf("%d messages are counted, the model has %d", c.Queued, len(m.queue)+len(m.turn))
	}
}

// A random history of messages that share chunks, are packed into others, dropped, received and released in any order: at each
// step what is charged is what the model has, and in the end nothing is charged, and nobody has a reference of a chunk.
func TestChargeModel(t *testing.T) {
	for _, policy := range []Policy{Wait, DropOldest, DropNewest} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			for seed := range uint64(60) {
				chargeHistory(t, policy, rand.New(rand.NewPCG(seed, uint64(policy))))
			}
		})
	}
}

func chargeHistory(t *testing.T, policy Policy, dice *rand.Rand) {
	limits := Limits{Messages: 1 + dice.IntN(400), Bytes: int64(1000 + dice.IntN(300_000))}
	q := NewInbox(limits, policy)
	shared := budget.New(budget.Config{Bytes: 1 << 40})
	models := make([]*chargeModel, 1+dice.IntN(3))
	for i := range models {
		m := &chargeModel{source: q.NewSource(func() {}), index: i, dice: dice, account: new(budget.Account)}
		m.account.Open(shared, nil)
		m.source.Charge(m.account.NewMeter())
		models[i] = m
	}
	var kept []*msg.Message
	for range 150 {
		m := models[dice.IntN(len(models))]
		switch dice.IntN(5) {
		case 0, 1:
			m.put(t, limits, policy)
		case 2:
			m.source.Settle()
			m.chunk = nil
		default:
			for range dice.IntN(120) {
				before := q.turn.Load()
				got, err := q.TryRecv()
				if got == nil {
					if !errors.Is(err, ErrWouldBlock) {
						t.Fatal(err)
					}
					break
				}
				models[binary.BigEndian.Uint32(got.Body())].took(t, got, before)
				if kept = append(kept, got); dice.IntN(3) == 0 {
					kept = append(kept, got.Clone())
				}
			}
			dice.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
			n := dice.IntN(len(kept) + 1)
			msg.ReleaseEach(kept[:n])
			kept = kept[n:]
		}
		for _, m := range models {
			m.check(t)
		}
	}
	models[0].source.Shed()
	models[0].queue = nil
	models[0].check(t)
	q.Close(errEnd)
	msg.ReleaseEach(kept)
	for _, m := range models {
		m.queue, m.turn = nil, nil
		m.check(t)
		if m.source.packer.Used() {
			t.Error("an empty source has a chunk to pack into")
		}
		for _, c := range m.chunks {
			if !c.Unshared() {
				t.Fatal("somebody has a reference of a chunk")
			}
			c.Release(1)
		}
		m.account.Close()
	}
	if s := shared.Stats(); s.Bytes != 0 {
		t.Errorf("the budget has %d bytes", s.Bytes)
	}
}
