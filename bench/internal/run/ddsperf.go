// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/sprymq/spry/bench/internal/report"
)

// ddsperf is CycloneDDS's own program for round trips, which reports once a second. It speaks UDP, which stands in the table of tcp.
const (
	ddsperf        = "ddsperf"
	ddsperfSecs    = 3  // discovery and a report; another report, which counts
	ddsperfDomains = 90 // those whose ports are below the system's own
)

// ddsperfNetwork keeps its participants on this machine, without multicast.
const ddsperfNetwork = "CYCLONEDDS_URI=<General><AllowMulticast>false</AllowMulticast><Interfaces>" +
	`<NetworkInterface name="lo"/></Interfaces></General><Discovery><ParticipantIndex>auto</ParticipantIndex>` +
	`<Peers><Peer address="127.0.0.1"/></Peers></Discovery>`

// ddsperfReports are the lines about round trips: the median and the 99th percentile in microseconds.
var ddsperfReports = regexp.MustCompile(`(?m) size \d+ mean .* 50% ([0-9.]+)us .* 99% ([0-9.]+)us `)

// measureDDS times round trips between two processes in a domain of their own.
func (b *bench) measureDDS(ctx context.Context, c report.Case) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b.urls++
	run := func(args ...string) *exec.Cmd {
		line := append(placed(c.Place), ddsperf, "-i", strconv.Itoa(1+b.urls%ddsperfDomains))
		line = append(line, args...)
		cmd := exec.CommandContext(ctx, line[0], line[1:]...)
		cmd.Env = append(os.Environ(), ddsperfNetwork)
		return cmd
	}
	server := run("pong")
	if err := server.Start(); err != nil {
		return nil, err
	}
	text, err := run("-D", strconv.Itoa(ddsperfSecs), "ping", "size", strconv.Itoa(c.Size)).CombinedOutput()
	cancel()
	_ = server.Wait() // killed
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(text)))
	}
	return parseDDS(string(text))
}

// parseDDS returns the last report. Earlier ones have the warm-up.
func parseDDS(text string) (sample, error) {
	reports := ddsperfReports.FindAllStringSubmatch(text, -1)
	if len(reports) == 0 {
		return nil, errors.New("ddsperf has reported no round trips")
	}
	last := reports[len(reports)-1]
	p50, err := strconv.ParseFloat(last[1], 64)
	p99, err99 := strconv.ParseFloat(last[2], 64)
	return sample{"p50": p50, "p99": p99}, errors.Join(err, err99)
}
