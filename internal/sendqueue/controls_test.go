// SPDX-License-Identifier: MIT

package sendqueue

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/wire"
)

// However often a peer asks, one answer waits for it: the newest, before what waits already, of which nothing is looked at.
func TestOnePongWaits(t *testing.T) {
	var q Controls
	const topics = 100_000
	for i := range topics {
		q.Add(wire.Control{Kind: wire.ControlSubscribe, Data: fmt.Append(nil, i)})
	}
	cost := q.bytes
	pings := testing.AllocsPerRun(20_000, func() { q.Add(wire.Control{Kind: wire.ControlPong, Data: []byte("old")}) })
	q.Add(wire.Control{Kind: wire.ControlPong, Data: []byte("new")})
	for range 1000 {
		q.Add(wire.Control{Kind: wire.ControlPing})
	}
	if pings > 2 || len(q.events) != topics || q.bytes != cost {
		t.Errorf("a pong costs %v allocations; %d events of %d bytes wait, want %d of %d", pings, len(q.events), q.bytes, topics, cost)
	}
	first := q.take()
	if first[0].Kind != wire.ControlPong || string(first[0].Data) != "new" || first[1].Kind != wire.ControlPing || first[2].Kind != wire.ControlSubscribe {
		t.Errorf("the first events are %v", first[:3])
	}
	for _, c := range append(first[3:], q.take()...) {
		if c.Kind != wire.ControlSubscribe {
			t.Fatalf("another %v", c)
		}
	}
}

// What waits is bounded by its bytes, taken out in steps and in order, and then makes room.
func TestControlsAreBounded(t *testing.T) {
	var q Controls
	data := bytes.Repeat([]byte("x"), 1<<20)
	n := 0
	for q.Add(wire.Control{Kind: wire.ControlSubscribe, Data: data}) {
		n++
	}
	if q.bytes > maxControlBytes || q.bytes+int64(len(data))+controlCost <= maxControlBytes {
		t.Errorf("%d bytes wait, want at most %d, and no room for one more", q.bytes, maxControlBytes)
	}
	for left := n; left > 0; left-- {
		if got := q.take(); len(got) != 1 {
			t.Fatalf("%d events of %d bytes at once", len(got), len(data))
		}
	}
	if !q.Empty() || q.bytes != 0 {
		t.Errorf("an empty queue has %d bytes", q.bytes)
	}
	for n = 0; q.Add(wire.Control{Kind: wire.ControlCancel}); n++ { // which have no bytes of their own
	}
	if n > maxControlBytes/controlCost {
		t.Errorf("%d empty events", n)
	}
}

// The events of a source come before those that are queued later, a few at a time.
func TestControlSource(t *testing.T) {
	const topics = 5000
	next, largest := 0, 0
	q := Controls{source: func(limit int) (events []wire.Control) {
		for size := 0; next < topics && size < limit; next++ {
			data := fmt.Appendf(nil, "%0100d", next)
			events, size = append(events, wire.Control{Kind: wire.ControlSubscribe, Data: data}), size+len(data)
		}
		return events
	}}
	q.Add(wire.Control{Kind: wire.ControlCancel, Data: []byte("later")})
	var all []wire.Control
	for !q.Empty() {
		events := q.take()
		all, largest = append(all, events...), max(largest, len(events))
	}
	if largest > controlsAtOnce/100+1 {
		t.Errorf("%d events of 100 bytes at once", largest)
	}
	if len(all) != topics+1 || all[topics].Kind != wire.ControlCancel {
		t.Fatalf("%d events, want %d, the last one the one that was queued", len(all), topics+1)
	}
	for i, c := range all[:topics] {
		if string(c.Data) != fmt.Sprintf("%0100d", i) {
			t.Fatalf("event %d is %q", i, c.Data)
		}
	}
}
