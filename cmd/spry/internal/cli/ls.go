// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/table"
	"github.com/sprymq/spry/cmd/spry/internal/terminal"
	"github.com/sprymq/spry/cmd/spry/internal/units"
	"github.com/sprymq/spry/observe"
)

func newLs() *cobra.Command {
	var (
		asJSON  bool
		timeout = units.Duration(2 * time.Second)
	)
	cmd := &cobra.Command{
		Use: "ls [NODE...]", Short: "List processes and their sockets", GroupID: "look",
		Long: "List the sockets of processes, and how many messages each has sent, delivered, queued and dropped. A NODE is the URL\n" +
			"where a program serves observe.Handler: http://host:port/prefix, https://host:port/prefix or unix:///path. Without any,\n" +
			"it lists all processes of this user on this machine that call observe.ServeLocal.\n" +
			"The exit code is 3 if no process answers, and 4 if some of the nodes do not.",
		Example: "  spry ls\n  spry ls http://127.0.0.1:8080/spry --json\n  spry ls unix:///run/user/1000/spry/4711-abcdefgh.sock",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, failed := askNodes(cmd.Context(), nodesOf(cmd, args), time.Duration(timeout))
			var listed []listedSocket
			for _, r := range found {
				listed = append(listed, socketsOf(r)...)
			}
			out := cmd.OutOrStdout()
			var err error
			if asJSON {
				to := json.NewEncoder(out)
				to.SetEscapeHTML(false)
				for i := range listed {
					if err = to.Encode(&listed[i]); err != nil {
						return err
					}
				}
			} else if len(found) > 0 {
				err = printSockets(out, listed)
			}
			if err != nil {
				return err
			}
			return answered(cmd, len(found), failed)
		},
	}
	f := cmd.Flags()
	f.Var(&timeout, "timeout", "wait this `time` for the answers")
	f.BoolVar(&asJSON, "json", false, "print a JSON object for each socket, a line each")
	return cmd
}

// A listedSocket is a line of the list.
type listedSocket struct {
	Node      string `json:"node"`    // URL without secrets
	Process   string `json:"process"` // base name of the program
	PID       int    `json:"pid"`
	Instance  string `json:"instance"`
	Socket    uint64 `json:"socket"`
	Protocol  string `json:"protocol"`
	Name      string `json:"name"` // of the socket
	Pipes     int    `json:"pipes"`
	Sent      uint64 `json:"sent"`
	Delivered uint64 `json:"delivered"`
	Queued    uint64 `json:"queued"`  // in both directions
	Dropped   uint64 `json:"dropped"` // in both directions
}

func socketsOf(r nodeReport) []listedSocket {
	var all []listedSocket
	for i := range r.Sockets {
		s := &r.Sockets[i]
		l := listedSocket{
			Node: r.url, Process: r.Process.Name, PID: r.Process.PID, Instance: r.Instance,
			Socket: s.ID, Protocol: s.Protocol, Name: s.Name,
			Sent: s.Send.Sent, Delivered: s.Recv.Delivered, Queued: s.Send.Queued + s.Recv.Queued, Dropped: droppedBy(s),
		}
		for j := range s.Pipes {
			if s.Pipes[j].Live {
				l.Pipes++
			}
		}
		all = append(all, l)
	}
	return all
}

// droppedBy is how many messages a socket has dropped, in both directions.
func droppedBy(s *observe.SocketReport) (sum uint64) {
	for n := range maps.Values(s.Send.Dropped) {
		sum += n
	}
	for n := range maps.Values(s.Recv.Dropped) {
		sum += n
	}
	return sum
}

func printSockets(out io.Writer, all []listedSocket) error {
	t := table.Table{
		Headings: []string{"process", "pid", "socket", "protocol", "name", "pipes", "sent", "delivered", "queued", "dropped"},
		Left:     map[int]bool{0: true, 3: true, 4: true},
		Width:    terminal.Width(out), Bold: terminal.Colour(out),
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	text := func(s string) string { return string(format.AppendText(nil, []byte(s))) } // a node may send any text
	slices.SortStableFunc(all, func(a, b listedSocket) int { return a.PID - b.PID })
	for i := range all {
		s := &all[i]
		t.Rows = append(t.Rows, []string{
			text(s.Process), strconv.Itoa(s.PID), number(s.Socket), text(s.Protocol), text(s.Name), strconv.Itoa(s.Pipes),
			number(s.Sent), number(s.Delivered), number(s.Queued), number(s.Dropped),
		})
	}
	return t.Write(out)
}
