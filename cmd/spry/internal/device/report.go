// SPDX-License-Identifier: MIT

package device

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// report prints the counters, at intervals and on request, until ctx ends.
func (o *Options) report(ctx context.Context, j *joint) {
	var due <-chan time.Time
	if o.Every > 0 {
		ticker := time.NewTicker(o.Every)
		defer ticker.Stop()
		due = ticker.C
	}
	for {
		select {
		case <-due:
		case <-o.Ask:
		case <-ctx.Done():
			return
		}
		o.figures(j, o.Print)
	}
}

// figures prints the received, sent and lost messages of both sides.
func (o *Options) figures(j *joint, say func(form string, args ...any)) {
	atFront, atBack := j.lost()
	say("%s", figuresOf(o.Front.Name, j.front, atFront))
	say("%s", figuresOf(o.Back.Name, j.back, atBack))
}

// figuresOf are the counters of one side, on a line. lost are messages for it that the device could not forward.
func figuresOf(name string, socket endpoint.Socket, lost uint64) string {
	stats := socket.Stats()
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d in, %d out", name, stats.Recv.Arrived, stats.Send.Sent)
	if waiting := stats.Send.Queued + stats.Recv.Queued; waiting > 0 {
		fmt.Fprintf(&text, ", %d waiting", waiting)
	}
	for _, drop := range endpoint.Drops(socket) {
		fmt.Fprintf(&text, ", %d dropped (%s)", drop.Count, drop.Reason)
	}
	if lost > 0 {
		fmt.Fprintf(&text, ", %d that could not be sent on to it", lost)
	}
	peers := 0
	for _, e := range stats.Endpoints {
		peers += e.Pipes
	}
	if len(stats.Endpoints) > 0 { // else it is closed
		fmt.Fprintf(&text, ", %d peers", peers)
	}
	return text.String()
}
