// SPDX-License-Identifier: MIT

package figures

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

// maxText is the most characters of a text from a node in a tree.
const maxText = 120

// WriteProcess writes a line about the process of a report, and below it the tree of its sockets.
func WriteProcess(w io.Writer, node string, r *observe.Report) error {
	p := &r.Process
	lines := []string{fmt.Sprintf("%s, process %d on %s, %s, up %s, at %s",
		Text(p.Name, maxText), p.PID, Text(p.Host, maxText), Text(p.Go, maxText), r.At.Sub(p.Started).Round(time.Second), Text(node, maxText))}
	for i := range r.Sockets {
		lines = append(lines, indented(SocketTree(&r.Sockets[i]))...)
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// SocketTree is the tree of a socket, its endpoints and its pipes, in lines.
func SocketTree(s *observe.SocketReport) []string {
	lines := []string{fmt.Sprintf("%s %s, socket %d: %s", Text(s.Protocol, maxText), Text(s.Name, maxText), s.ID, halves(&s.Send, &s.Recv, 0, 0))}
	add := func(format string, args ...any) { lines = append(lines, "  "+fmt.Sprintf(format, args...)) }
	if s.Pending > 0 {
		add("%d accepted messages wait for a peer", s.Pending)
	}
	if s.SendBlocks > 0 {
		add("%d sends were blocked, for %s in all", s.SendBlocks, Span(s.SendBlocked))
	}
	if text := Counts(s.Rejected); text != "" {
		add("peers refused: %s", text)
	}
	if s.RTT.Count() > 0 {
		add("round trips: %s", quantiles(&s.RTT))
	}
	if s.QueueTime.Count() > 0 {
		add("time in the receive queue: %s", quantiles(&s.QueueTime))
	}
	shown := make([]bool, len(s.Pipes))
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		lines = append(lines, "  "+endpoint(e))
		for j := range s.Pipes {
			if p := &s.Pipes[j]; !shown[j] && p.URL == e.URL && p.Listening == e.Listening {
				shown[j] = true
				lines = append(lines, "    "+pipe(p))
			}
		}
	}
	for j := range s.Pipes { // attached, or of endpoints that are gone
		if !shown[j] {
			lines = append(lines, "  "+pipe(&s.Pipes[j]))
		}
	}
	return lines
}

func endpoint(e *spry.EndpointStats) string {
	text := fmt.Sprintf("%s %s: %s, %d made", Text(e.State, maxText), Text(e.URL, maxText), Count(e.Pipes, "pipe"), e.Established)
	if !e.Listening {
		text += ", " + Count(int(e.Attempts), "attempt")
	}
	if failed := Counts(e.Failed); failed != "" {
		text += "; failed: " + failed
	}
	if e.LastError != "" {
		text += "; last error: " + Text(e.LastError, maxText)
	}
	return text
}

func pipe(p *spry.PipeStats) string {
	text := fmt.Sprintf("pipe %d", p.ID)
	if p.Remote != "" {
		text += " with " + Text(p.Remote, maxText)
	}
	if p.PeerProtocol != "" {
		text += ", " + Text(p.PeerProtocol, maxText)
	}
	if p.TLS != nil {
		text += ", " + Text(p.TLS.Version, maxText)
	}
	if !p.Live {
		text += ", ended"
	}
	text += ": " + halves(&p.Send, &p.Recv, p.SendLimit, p.RecvLimit)
	if p.RTT.Count() > 0 {
		text += "; round trips " + quantiles(&p.RTT)
	}
	return text
}

// halves are the figures of both directions, without those of a direction that has none.
func halves(send *spry.SendStats, recv *spry.RecvStats, sendLimit, recvLimit int) string {
	var parts []string
	if send.Offered > 0 {
		text := fmt.Sprintf("sent %d", send.Sent) + queued(send.Queued, sendLimit, send.OldestAge)
		if send.Unknown > 0 {
			text += fmt.Sprintf(", %d unknown", send.Unknown)
		}
		if dropped := Counts(send.Dropped); dropped != "" {
			text += ", dropped: " + dropped
		}
		parts = append(parts, text)
	}
	if recv.Arrived+recv.Filtered > 0 {
		text := fmt.Sprintf("delivered %d", recv.Delivered) + queued(recv.Queued, recvLimit, recv.OldestAge)
		if recv.Filtered > 0 {
			text += fmt.Sprintf(", filtered %d", recv.Filtered)
		}
		if dropped := Counts(recv.Dropped); dropped != "" {
			text += ", dropped: " + dropped
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "no messages"
	}
	return strings.Join(parts, "; ")
}

func queued(n uint64, limit int, oldest time.Duration) string {
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf(", queued %d", n)
	if limit > 0 {
		text += fmt.Sprintf(" of %d", limit)
	}
	if oldest > 0 {
		text += " for up to " + Span(oldest)
	}
	return text
}

func quantiles(h *spry.Histogram) string {
	return fmt.Sprintf("%s median, %s in 99%%, %s at most", Span(h.Percentile(50)), Span(h.Percentile(99)), Span(h.Max()))
}

func indented(lines []string) []string {
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}
