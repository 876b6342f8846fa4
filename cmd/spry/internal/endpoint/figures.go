// SPDX-License-Identifier: MIT

package endpoint

import (
	"fmt"
	"strings"
)

// Figures are the counters of a socket, on a line. lost are messages for it that a device could not forward.
func Figures(socket Socket, lost uint64) string {
	stats := socket.Stats()
	var text strings.Builder
	fmt.Fprintf(&text, "%d in, %d out", stats.Recv.Arrived, stats.Send.Sent)
	if waiting := stats.Send.Queued + stats.Recv.Queued; waiting > 0 {
		fmt.Fprintf(&text, ", %d waiting", waiting)
	}
	for _, drop := range Drops(socket) {
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
