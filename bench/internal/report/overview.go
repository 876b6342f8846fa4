// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"strings"
)

// An overviewColumn is a table for users: the first figure of each peer, on one processor and as the system places it.
type overviewColumn struct {
	title string
	table string // without its place
}

var overviewColumns = []overviewColumn{
	{"one way, 64 B, msg/s", "One way, tcp, 64 B"},
	{"one way, 1 KiB, msg/s", "One way, tcp, 1 KiB"},
	{"round trip, median µs", "Round trip, tcp, 64 B"},
	{"fan-out to 64, msg/s", "Fan-out, tcp, 256 B, 64 subscribers"},
	{"64 callers, one connection, msg/s", "Callers on one connection, tcp, 64 B, 64 callers"},
	{"64 callers, one each, msg/s", "Callers on a connection each, tcp, 64 B, 64 callers"},
	{"idle connection, KiB", "Idle connections, tcp, 10000 connections"},
}

// overviewPeers are the lines, by contender and the name that users know.
var overviewPeers = [][2]string{
	{"spry", "Spry"},
	{"spry/batch", "Spry, in batches"},
	{"libzmq", "libzmq"},
	{"libnng", "NNG"},
	{"nanomsg", "nanomsg"},
	{"mangos", "mangos"},
	{"pebbe", "pebbe/zmq4"},
	{"gozmq", "go-zeromq/zmq4"},
	{"nats", "NATS"},
	{"grpc", "grpc-go"},
	{"drpc", "DRPC"},
	{"goraw", "plain Go"},
	{"craw", "plain C"},
}

// overview makes one table of the tables of a text.
func overview(tables string) string {
	_, parts := split(tables)
	head, rule := []string{""}, "|---"
	for _, c := range overviewColumns {
		head = append(head, c.title)
		rule += "|---"
	}
	var all strings.Builder
	fmt.Fprintf(&all, "\n| %s |\n%s|\n", strings.Join(head, " | "), rule)
	for _, peer := range overviewPeers {
		line, has := []string{peer[1]}, false
		for _, c := range overviewColumns {
			one, free := firstFigure(parts[c.table+", 1cpu"], peer[0]), firstFigure(parts[c.table+", free"], peer[0])
			has = has || one != "-" || free != "-"
			line = append(line, strings.TrimSuffix(one+" / "+free, " / -"))
		}
		if has {
			fmt.Fprintf(&all, "| %s |\n", strings.Join(line, " | "))
		}
	}
	return all.String() + "\n"
}

// firstFigure is the first figure in the first line of a peer, of its modes if it is named without one.
func firstFigure(table, peer string) string {
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) > 2 && (strings.HasPrefix(line, "| "+peer+" |") || strings.HasPrefix(line, "| "+peer+"/")) {
			return strings.TrimSpace(cells[2])
		}
	}
	return "-"
}
