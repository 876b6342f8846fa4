// SPDX-License-Identifier: MIT

package stats_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/stats"
)

type counts = map[reasons.Reason]uint64

func at(seconds int, sent uint64, pipes ...stats.PipeStats) stats.Stats {
	return stats.Stats{
		At:    time.Unix(int64(seconds), 0),
		Send:  stats.SendStats{Offered: sent + 2, Sent: sent, Queued: 2, QueuedBytes: 8, Bytes: 10 * sent, Dropped: counts{reasons.Overflow: sent / 2}},
		Recv:  stats.RecvStats{Arrived: 3 * sent, Delivered: 2 * sent, Bytes: 20 * sent, Dropped: counts{reasons.Stale: 1}},
		Pipes: pipes,
	}
}

func pipe(id uint32, sent uint64) stats.PipeStats {
	return stats.PipeStats{ID: id, Send: stats.SendStats{Sent: sent}}
}

func TestSince(t *testing.T) {
	earlier, later := at(10, 100, pipe(1, 40), pipe(2, 60)), at(14, 300, pipe(2, 160), pipe(3, 100))
	earlier.Endpoints = []stats.EndpointStats{
		{ID: 1, URL: "tcp://a:1", Attempts: 2, Redials: 1}, // closed between the snapshots, and dialed again
		{ID: 2, URL: "tcp://a:1", Attempts: 3, Redials: 2, Failed: counts{reasons.IO: 2}},
	}
	later.Endpoints = []stats.EndpointStats{
		{ID: 2, URL: "tcp://a:1", Attempts: 7, Redials: 6, Failed: counts{reasons.IO: 2, reasons.Timeout: 4}},
		{ID: 4, URL: "tcp://a:1", Attempts: 5, Redials: 4},
		{ID: 3, URL: "tcp://b:1", Attempts: 1},
	}
	later.Panics = 1
	d := later.Since(earlier)
	want := at(14, 200, pipe(2, 100), pipe(3, 100))
	want.Send.Offered = 200
	want.Recv.Dropped = counts{}
	want.Panics = 1
	want.Endpoints = []stats.EndpointStats{
		{ID: 2, URL: "tcp://a:1", Attempts: 4, Redials: 4, Failed: counts{reasons.Timeout: 4}},
		{ID: 4, URL: "tcp://a:1", Attempts: 5, Redials: 4},
		{ID: 3, URL: "tcp://b:1", Attempts: 1},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %+v\nwant %+v", d, want)
	}
	if later.Pipes[0].Send.Sent != 160 || len(later.Endpoints[0].Failed) != 2 {
		t.Error("the later snapshot was changed")
	}
	if d := earlier.Since(later); d.Send.Sent != 0 {
		t.Errorf("a counter that became smaller is %d", d.Send.Sent)
	}
}

func TestRates(t *testing.T) {
	rates, pipes := at(14, 300, pipe(2, 160), pipe(3, 100)).Rates(at(10, 100, pipe(1, 40), pipe(2, 60)))
	if want := (stats.Rates{Sent: 50, SentBytes: 500, Delivered: 100, ReceivedBytes: 1000, Dropped: 25}); rates != want {
		t.Errorf("got %+v, want %+v", rates, want)
	}
	if want := map[uint32]stats.Rates{2: {Sent: 25}}; !reflect.DeepEqual(pipes, want) {
		t.Errorf("got %+v, want %+v", pipes, want)
	}
	if rates, _ := at(10, 300).Rates(at(10, 100)); rates != (stats.Rates{}) {
		t.Errorf("without time %+v", rates)
	}
}
