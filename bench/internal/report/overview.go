// SPDX-License-Identifier: MIT

package report

import (
	"fmt"
	"slices"
	"strings"
)

// An overviewColumn is a table for users: the first figure of each peer, on one processor and as the system places it.
type overviewColumn struct {
	title string
	of    Case // without its place
}

// at is the column's case at a place.
func (o overviewColumn) at(place string) Case {
	c := o.of
	c.Place = place
	return c
}

var overviewColumns = []overviewColumn{
	{"one way, 64 B, msg/s", Case{Work: "thr", Transport: "tcp", Size: 64}},
	{"one way, 1 KiB, msg/s", Case{Work: "thr", Transport: "tcp", Size: kib}},
	{"round trip, median µs", Case{Work: "lat", Transport: "tcp", Size: 64}},
	{"fan-out to 64, msg/s", Case{Work: "fan", Transport: "tcp", Size: 256, Param: 64}},
	{"64 callers, one connection, msg/s", Case{Work: "callers-mux", Transport: "tcp", Size: 64, Param: 64}},
	{"64 callers, one each, msg/s", Case{Work: "callers-conns", Transport: "tcp", Size: 64, Param: 64}},
	{"idle connection, KiB", Case{Work: "idle", Transport: "tcp", Param: 5000}},
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
	{"ddsperf", "CycloneDDS"},
	{"goraw", "plain Go"},
	{"craw", "plain C"},
}

// overview makes one table of the tables of a text, and says when those were measured.
func overview(tables string) string {
	_, parts := split(tables)
	head, rule := []string{""}, "|---"
	for _, c := range overviewColumns {
		head = append(head, c.title)
		rule += "|---"
	}
	var all strings.Builder
	for _, origin := range origins(parts) {
		fmt.Fprintf(&all, "\nMeasured %s\n", origin)
	}
	fmt.Fprintf(&all, "\n| %s |\n%s|\n", strings.Join(head, " | "), rule)
	for _, peer := range overviewPeers {
		line, has := []string{peer[1]}, false
		for _, c := range overviewColumns {
			one, free := firstFigure(parts[c.at("1cpu").Title()], peer[0]), firstFigure(parts[c.at("free").Title()], peer[0])
			has = has || one != "-" || free != "-"
			line = append(line, strings.TrimSuffix(one+" / "+free, " / -"))
		}
		if has {
			fmt.Fprintf(&all, "| %s |\n", strings.Join(line, " | "))
		}
	}
	return all.String() + "\n"
}

// origins are the different lines that say when and how the tables of the overview were measured.
func origins(parts map[string]string) (all []string) {
	for _, c := range overviewColumns {
		for _, place := range []string{"1cpu", "free"} {
			line := originOf(parts[c.at(place).Title()])
			if line != "" && !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
	}
	return all
}

// originOf is the line before a table: the date, the machine and the rounds.
func originOf(table string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(table), "\n")
	if strings.HasPrefix(line, "|") {
		return ""
	}
	return line
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
