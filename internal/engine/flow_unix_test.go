// SPDX-License-Identifier: MIT

//go:build unix

package engine

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry/internal/wire/sp"
)

// A countingCarrier counts writes.
type countingCarrier struct {
	carrier
	writes atomic.Int64
}

func (c *countingCarrier) write(wait bool) (messages int, cost int64, err error) {
	c.writes.Add(1)
	return c.carrier.write(wait)
}

// In a flow, messages gather while the writer writes, so that it is started once for many of them. One write takes many as well,
// unless the sender is so slow that it writes each message inline.
func TestFlowStartsFewWriters(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, processors := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(processors)
		for name, send := range map[string]func(p *Pipe, bodies [][]byte) (int, PendingWrite, bool){
			"one at a time": func(p *Pipe, bodies [][]byte) (int, PendingWrite, bool) {
				if queued, w := p.TryQueue(true, nil, bodies[0], nil); queued {
					return 1, w, false
				}
				return 0, PendingWrite{}, true
			},
			"many at a time": func(p *Pipe, bodies [][]byte) (int, PendingWrite, bool) { return p.TryQueueBatch(nil, bodies, nil) },
		} {
			_, e := testSocket(Options{SendQueue: 1 << 14, SendQueueBytes: 4 << 20}, &recorder{})
			near, far := tcpPair(t)
			p, c := streamPipe(t, e, near, streamSession(t, sp.Push, 0))
			counting := &countingCarrier{carrier: c}
			p.out.carrier = counting
			var starts atomic.Int64
			p.writer = p.scope.NewTask(func() {
				starts.Add(1)
				p.writeAll()
			})
			p.SetDirect(true)
			go func() { _, _ = io.Copy(io.Discard, far) }()
			bodies := make([][]byte, 64)
			for i := range bodies {
				bodies[i] = make([]byte, 64)
			}
			const messages = 40_000
			for sent := 0; sent < messages; {
				n, w, pause := send(p, bodies)
				w.Write()
				if sent += n; pause || n == 0 {
					runtime.Gosched()
				}
			}
			if err := p.out.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			started, writes := starts.Load(), counting.writes.Load()
			const million = 1_000_000 / messages
			t.Logf("%d processors, %s: %d starts and %d writes per million messages", processors, name, started*million, writes*million)
			if started > messages/16 || writes > messages/16 && name == "many at a time" {
				t.Errorf("%d processors, %s: %d starts and %d writes of %d messages", processors, name, started, writes, messages)
			}
			p.end(nil)
		}
	}
}
