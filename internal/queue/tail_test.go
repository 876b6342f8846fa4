// SPDX-License-Identifier: MIT

package queue

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
)

const (
	tailChunk = 32 << 10
	tailSlab  = 255
	frameHead = 8
	sizeOfMsg = int(unsafe.Sizeof(msg.Message{}))
	sizeOfRun = int(unsafe.Sizeof(sizedRun{}))
)

// A tailReader fills chunks and slabs with messages, as the reader of a stream does, and puts those that are wanted.
type tailReader struct {
	source *Source
	chunk  *buf.Chunk
	at     int
	slab   []msg.Message
	slabs  map[*msg.Message]int // how long a slab is, by its last message
	number uint64               // of the next wanted message
}

// next makes a message of n bytes and puts it if it is wanted. It reports whether there was room.
func (r *tailReader) next(n int, wanted bool) bool {
	if r.chunk == nil || frameHead+n > len(r.chunk.Data)-r.at {
		old := r.chunk
		r.chunk, r.at = buf.NewChunk(max(tailChunk, frameHead+n)), 0
		if old != nil {
			old.Release(1)
			r.source.Settle()
		}
	}
	if len(r.slab) == 0 {
		r.slab = make([]msg.Message, tailSlab)
		r.slabs[&r.slab[tailSlab-1]] = tailSlab
	}
	run := r.slab[:1]
	body := r.chunk.Data[r.at+frameHead:][:n]
	if wanted && n >= 8 {
		binary.BigEndian.PutUint64(body, r.number)
	}
	r.chunk.Retain(1)
	run[0].Share(r.chunk, r.at+frameHead, r.at+frameHead+n, 0)
	if !wanted {
		msg.ReleaseAll(run)
	} else {
		if r.source.Put(run) == 0 {
			run[0].Release()
			return false
		}
		r.number++
	}
	r.slab = r.slab[1:]
	r.at += frameHead + n
	return true
}

// retained is how much memory the source keeps alive, its turn included.
func (r *tailReader) retained(t *testing.T) (bytes int) {
	chunks := map[*buf.Chunk]bool{}
	slabs := map[*msg.Message]bool{}
	count := func(run []msg.Message) {
		if len(run) == 0 {
			return
		}
		whole := run[:cap(run)]
		last := &whole[len(whole)-1]
		size, known := r.slabs[last]
		if !known {
			size = len(whole)
		}
		if !slabs[last] {
			slabs[last] = true
			bytes += size * sizeOfMsg
		}
		for i := range run {
			if c := run[i].Owner(); c != nil && !chunks[c] {
				chunks[c] = true
				bytes += len(c.Data)
			}
		}
	}
	for _, run := range r.source.runs.live() {
		count(run.msgs)
	}
	if turn := r.source.inbox.turn.Load(); turn.source != nil {
		if turn.parts != nil {
			for _, m := range turn.parts[turn.taken():] {
				if c := m.Owner(); c != nil && !chunks[c] {
					chunks[c] = true
					bytes += len(c.Data)
				}
			}
		} else {
			count(turn.run[turn.taken():])
		}
	}
	return bytes + cap(r.source.runs.items)*sizeOfRun
}

// Whatever becomes of the messages that were read together with it, what a queue keeps alive is at most twice its limit, and
// one chunk.
func TestQueueKeepsItsLimitAlive(t *testing.T) {
	for _, policy := range []Policy{Wait, DropOldest, DropNewest} {
		for _, limit := range []int64{16 << 10, 64 << 10, 256 << 10} {
			for _, rare := range []int{1, 2, 3, 100} {
				for _, size := range []int{0, 16, 500, 5000, 17_000} {
					name := fmt.Sprintf("%d/%d/1of%d/%d", policy, limit, rare, size)
					t.Run(name, func(t *testing.T) { keepsItsLimit(t, policy, limit, rare, size) })
				}
			}
		}
	}
}

func keepsItsLimit(t *testing.T, policy Policy, limit int64, rare, size int) {
	dice := rand.New(rand.NewPCG(uint64(limit), uint64(rare*size)))
	q := NewInbox(Limits{Messages: 1 << 20, Bytes: limit}, policy)
	r := &tailReader{source: q.NewSource(func() {}), slabs: map[*msg.Message]int{}}
	most, want := 0, uint64(0)
	check := func() {
		if kept := r.retained(t); kept > most {
			most = kept
		}
	}
	for round := range 3 {
		for i := range min(2000, 50*int(limit)/(size+64)) {
			wanted := dice.IntN(rare) == 0
			n := size
			if !wanted {
				n = dice.IntN(min(2*size+100, 4000))
			}
			if !r.next(n, wanted) && round > 0 {
				break
			}
			if i%197 == 0 {
				check()
			}
		}
		check()
		for range dice.IntN(1 + 2*r.source.messages) { // and some of it is received
			m, _ := q.TryRecv()
			if m == nil {
				break
			}
			if got := m.Body(); size >= 8 {
				n := binary.BigEndian.Uint64(got)
				if len(got) != size || n < want || policy == Wait && n != want {
					t.Fatalf("message %d of %d bytes came, want %d of %d", n, len(got), want, size)
				}
				want = n + 1
			}
			m.Release()
		}
		check()
	}
	bound := 2*int(limit) + tailChunk
	if limit < tailChunk {
		bound += 2 * tailChunk
	}
	if most > bound {
		t.Errorf("a queue with a limit of %d bytes kept %d, more than %d", limit, most, bound)
	}
	q.Close(errEnd)
}

// readInto is a run of messages of size bytes that lie one behind another in a chunk.
func readInto(chunk *buf.Chunk, n, size int) []msg.Message {
	run := make([]msg.Message, n)
	chunk.Retain(n)
	for i := range run {
		run[i].Share(chunk, i*size, (i+1)*size, 0)
	}
	return run
}

// The last message of a chunk does not keep it where the whole queue may not have many chunks, though nearly all of the chunk
// was used.
func TestLastMessageOfAChunkIsMoved(t *testing.T) {
	const size = 1000
	for limit, moves := range map[int64]bool{smallQueue*tailChunk - 1: true, smallQueue * tailChunk: false} {
		q := NewInbox(Limits{Messages: 100, Bytes: limit}, Wait)
		q.taken = func() {} // messages leave one by one
		s := q.NewSource(nil)
		chunk := buf.NewChunk(tailChunk)
		n := len(chunk.Data) / size
		s.Put(readInto(chunk, n, size))
		for range n - 1 {
			if m, err := q.TryRecv(); m == nil {
				t.Fatal("not all came", err)
			}
		}
		s.Settle()
		m, err := q.TryRecv()
		if m == nil {
			t.Fatal("the last one did not come", err)
		}
		if moved := m.Owner() != chunk; moved != moves {
			t.Errorf("with a limit of %d bytes, the last message was moved: %v, want %v", limit, moved, moves)
		}
		chunk.Release(1)
	}
}

// Beside a message that waits, those that were dropped keep nothing.
func TestDroppedMessagesAreForgotten(t *testing.T) {
	q := NewInbox(Limits{Messages: 1, Bytes: 1 << 20}, DropOldest)
	s := q.NewSource(nil)
	chunk := buf.NewChunk(tailChunk)
	run := readInto(chunk, 3, 16)
	s.Put(run)
	for i := range run[:2] {
		if run[i] != (msg.Message{}) {
			t.Errorf("message %d was dropped, and is not empty", i)
		}
	}
	if m, err := q.TryRecv(); m == nil {
		t.Error("the last one did not come", err)
	}
	chunk.Release(1)
}
