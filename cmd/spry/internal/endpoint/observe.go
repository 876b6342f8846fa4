// SPDX-License-Identifier: MIT

package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sprymq/spry"
)

// A Drop is how many messages a socket dropped for one reason.
type Drop struct {
	Reason spry.Reason
	Count  uint64
}

// Drops returns a socket's dropped messages, in both directions together, by reason.
func Drops(socket Socket) []Drop {
	stats := socket.Stats()
	sum := map[spry.Reason]uint64{}
	for _, counts := range []map[spry.Reason]uint64{stats.Send.Dropped, stats.Recv.Dropped} {
		for reason, n := range counts {
			if n > 0 {
				sum[reason] += n
			}
		}
	}
	var drops []Drop
	for _, reason := range slices.Sorted(maps.Keys(sum)) {
		drops = append(drops, Drop{reason, sum[reason]})
	}
	return drops
}

// An EventRecord is an event as spry monitor --json prints it.
type EventRecord struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	Endpoint string    `json:"endpoint,omitempty"`
	Pipe     uint64    `json:"pipe,omitempty"`
	Peer     string    `json:"peer,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Count    uint64    `json:"count,omitempty"`
	WaitMS   float64   `json:"wait_ms,omitempty"`
	Error    string    `json:"error,omitempty"`
	Missed   uint64    `json:"missed,omitempty"` // events before this one that were not seen
}

// Record makes an event printable.
func Record(e spry.Event) EventRecord {
	r := EventRecord{
		Time: e.Time, Event: e.Kind.String(), Reason: string(e.Reason), Count: e.Count, Missed: e.Missed,
		WaitMS: float64(e.Wait) / float64(time.Millisecond),
	}
	if e.Endpoint != nil {
		r.Endpoint = e.Endpoint.URL()
	}
	if e.Pipe != nil {
		r.Peer, r.Pipe = Peer(e.Pipe)
	} else if e.RemoteAddr != nil {
		r.Peer = e.RemoteAddr.String()
	}
	if e.Err != nil {
		r.Error = e.Err.Error()
	}
	return r
}

// EventText is an event on one line, without its time.
func EventText(e spry.Event) string {
	r := Record(e)
	text := fmt.Sprintf("%-13s", r.Event)
	if r.Endpoint != "" {
		text += " " + r.Endpoint
	}
	if r.Peer != "" {
		text += " peer " + r.Peer
	}
	if r.Reason != "" {
		text += " (" + r.Reason + ")"
	}
	if r.Count > 0 {
		text += fmt.Sprintf(" %d messages", r.Count)
	}
	if e.Wait > 0 {
		text += fmt.Sprintf(" for %s", e.Wait.Round(time.Millisecond))
	}
	if r.Error != "" {
		text += ": " + r.Error
	}
	if r.Missed > 0 {
		text += fmt.Sprintf(" [%d events before this one were missed]", r.Missed)
	}
	return text
}
