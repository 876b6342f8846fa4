// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// What a peer may ask for is limited, by number and by size; what it takes back makes room.
func TestPeersMayAskForSoMuch(t *testing.T) {
	pub, _ := open(t, zmtpOptions(), func(s *engine.Socket, _ engine.Options) *Pub {
		return NewPub(s, zmtp.Pub.Hello(), engine.DropOldest, false)
	})
	f := pub.fanout
	ask := func(p *filter, kind wire.ControlKind, topic string) change {
		return f.subscribed(p, wire.Control{Kind: kind, Data: []byte(topic)}, nil)
	}
	var many filter
	name := make([]byte, 4)
	const asked = 1000
	for i := range uint32(asked) {
		if !ask(&many, wire.ControlSubscribe, string(binary.BigEndian.AppendUint32(name[:0], i))).added {
			t.Fatalf("no room for topic %d", i)
		}
	}
	for p := many.topics.root; p != nil; p = p.left { // as if it had asked for nearly all before, which takes seconds
		p.size += maxPeerTopics - asked
	}
	if many.hasRoom("") {
		t.Error("room for one more")
	}
	if !ask(&many, wire.ControlCancel, string(binary.BigEndian.AppendUint32(name[:0], asked-1))).removed || !many.hasRoom("") {
		t.Error("what is taken back makes no room")
	}
	if want := int64(4*(asked-1) + topicNode*(maxPeerTopics-1)); f.topicBytes != want || many.cost != want {
		t.Errorf("charged %d and %d bytes, want %d", f.topicBytes, many.cost, want)
	}
	if done := ask(&many, wire.ControlSubscribe, "last"); !done.added || done.full {
		t.Errorf("the last one: %+v", done)
	}
	if done := ask(&many, wire.ControlSubscribe, "more"); done.added || !done.full {
		t.Errorf("one more than there may be: %+v", done)
	}

	var large filter
	ask(&large, wire.ControlSubscribe, strings.Repeat("x", maxPeerTopicBytes-1))
	if !large.hasRoom("y") || large.hasRoom("yy") {
		t.Error("the bytes are not counted to the last")
	}
}

// A publisher is a socket whose peers tell it topics.
type publisher struct {
	kind, peer string
	add        string
	bind       func(s *engine.Socket) (engine.Pattern, *fanout)
}

func publishers(limit int64) []publisher {
	return []publisher{
		{"PUB", "SUB", "SUBSCRIBE", func(s *engine.Socket) (engine.Pattern, *fanout) {
			p := NewPub(s, zmtp.Pub.Hello(), engine.DropOldest, false)
			p.LimitTopics(limit)
			return p, p.fanout
		}},
		{"XPUB", "SUB", "SUBSCRIBE", func(s *engine.Socket) (engine.Pattern, *fanout) {
			p := NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, 0)
			p.LimitTopics(limit)
			return p, p.fanout
		}},
		{"RADIO", "DISH", "JOIN", func(s *engine.Socket) (engine.Pattern, *fanout) {
			p := NewPub(s, zmtp.Radio.Hello(), engine.DropOldest, true)
			p.LimitTopics(limit)
			return p, p.fanout
		}},
		{"raw PUB", "SUB", "SUBSCRIBE", func(s *engine.Socket) (engine.Pattern, *fanout) {
			p := NewRaw(s, RawProtocol{Hello: zmtp.Pub.Hello(), Route: RouteFan, Topics: true}, engine.DropOldest)
			p.fanout.LimitTopics(limit)
			return p, p.fanout
		}},
	}
}

// If the peers of a socket want too much together, the one with the most of it loses its pipe, whoever asked last.
func TestTopicsOfAllPeersAreBounded(t *testing.T) {
	const limit, size, topics = 400_000, 200, 400
	for _, kind := range publishers(limit) {
		for _, dials := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, peers dial %v", kind.kind, dials), func(t *testing.T) {
				leak.Check(t)
				var f *fanout
				o := zmtpOptions()
				o.Budget = budget.New(budget.Config{})
				_, s := open(t, o, func(s *engine.Socket, _ engine.Options) (p engine.Pattern) {
					p, f = kind.bind(s)
					return p
				})
				charged := func() int64 {
					f.mu.Lock()
					defer f.mu.Unlock()
					return f.topicBytes
				}
				ask := func(p *rawPeer, from, n int) {
					for i := range n {
						p.say(command(kind.add, fmt.Sprintf("%0*d", size, from+i)))
					}
				}
				small, hog, other := rawPeerOf(t, s, kind.peer, dials), rawPeerOf(t, s, kind.peer, dials), rawPeerOf(t, s, kind.peer, dials)
				ask(small, 0, 1)
				ask(other, 1000, topics)
				each := int64(size + topicNode)
				if kind.kind == "XPUB" {
					each += xpubTopic
				}
				until(t, "two peers are remembered", func() bool { return charged() == each*(1+topics) })
				until(t, "the budget is charged for them", func() bool { return o.Budget.Stats().Bytes >= each*topics })
				rejected := func() uint64 { return s.Stats().Rejected[reasons.Topics] }
				for i := 0; i < 4*limit/size && rejected() == 0; i++ {
					_, _ = hog.Write([]byte(command(kind.add, fmt.Sprintf("%0*d", size, 5000+i)))) // which may be over by now
				}
				until(t, "a peer is ended", func() bool { return rejected() > 0 })
				until(t, "the largest is forgotten", func() bool { return charged() == each*(1+topics) })
				ask(small, 1, 1)
				until(t, "the others can go on", func() bool { return charged() == each*(2+topics) })
				_ = other.Close()
				until(t, "who leaves is forgotten", func() bool { return charged() == 2*each })
				_ = small.Close()
				until(t, "the index forgets who leaves", func() bool {
					f.mu.Lock()
					defer f.mu.Unlock()
					return f.index.root.empty() && f.filters.len() == 0
				})
				if n := rejected(); n != 1 {
					t.Errorf("%d peers were ended, want the largest one", n)
				}
			})
		}
	}
}

// The memory of topics is at most twice what is charged for them, whatever they are and in whatever order they came.
func TestTopicMemory(t *testing.T) {
	for name, shape := range map[string]struct {
		count int
		topic func(i int) string
		keep  func(i int) bool // the others are taken back
	}{
		"short, in their order": {60_000, func(i int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(i))) }, nil},
		"short, in no order":    {60_000, func(i int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(i)*2654435761)) }, nil},
		"few of many are left": {
			60_000, func(i int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(i))) },
			func(i int) bool { return i%64 == 0 },
		},
		"64 bytes":   {20_000, func(i int) string { return fmt.Sprintf("%064d", i) }, nil},
		"300 bytes":  {5_000, func(i int) string { return fmt.Sprintf("%0300d", i) }, nil},
		"all nested": {1447, func(i int) string { return strings.Repeat("n", i+1) }, nil},
	} {
		before := heapInUse()
		set := new(topics)
		for i := range shape.count {
			set.add(shape.topic(i))
		}
		for i := range shape.count {
			if shape.keep != nil && !shape.keep(i) {
				set.remove(shape.topic(i))
			}
		}
		grown, charged := heapInUse()-before, set.bytes+int64(set.count())*topicNode
		t.Logf("%s: %d topics of %d bytes are charged %d and take %d", name, set.count(), set.bytes, charged, grown)
		if grown > 2*charged+64<<10 {
			t.Errorf("%s: %d topics of %d bytes are charged %d and take %d", name, set.count(), set.bytes, charged, grown)
		}
		runtime.KeepAlive(set)
	}
}

// heapInUse is how many bytes of the heap can be reached.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
