// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
)

// System calls are counted by perf in a run of their own, before the first round: where they are counted they take longer. That
// run has no warm-up, and they are divided by all of its messages; those of the start are among them.
const (
	callsEvent = "raw_syscalls:sys_enter"
	callsKey   = report.CallsKey
)

// countedWorks are those with enough messages for that. Calls are counted at the place 1cpu, where they repeat.
var countedWorks = []string{"thr", "down", layers, "curve", "lat", "fan", "callers-mux", "callers-conns", gatewayWork, "idle"}

func isCounted(c report.Case) bool {
	return c.Place == placeOne && slices.Contains(countedWorks, c.Work)
}

// perf returns the command line that runs another one and writes its count to a file.
func perf(file string) []string {
	return []string{"perf", "stat", "-x", ",", "-o", file, "-e", callsEvent, "--"}
}

// canCount says why system calls cannot be counted.
func canCount(ctx context.Context, dir string) error {
	file := filepath.Join(dir, "calls")
	line := append(perf(file), "true")
	if err := output(exec.CommandContext(ctx, line[0], line[1:]...)); err != nil {
		return err
	}
	_, err := readCalls(file)
	return err
}

// readCalls reads what perf has written: a line of "COUNT,UNIT,EVENT,..." among comments. It also removes the file.
func readCalls(file string) (int64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ","); len(fields) > 2 && fields[2] == callsEvent {
			n, err := strconv.ParseInt(fields[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("perf has not counted: %s", strings.TrimSpace(line))
			}
			return n, os.Remove(file)
		}
	}
	return 0, fmt.Errorf("perf has written no count of %s", callsEvent)
}

// interruptible has the end of a context end perf, which then ends the process that it counts.
func interruptible(cmd *exec.Cmd) {
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
}

// countCalls adds to each row how many system calls a message takes. What cannot be counted has none.
func (b *bench) countCalls(ctx context.Context, p planned, rows []report.Row) {
	if b.workers.missing[callsMissing] != "" || !isCounted(p.Case) {
		return
	}
	b.counting = true
	defer func() { b.counting = false }()
	for i, who := range p.contenders {
		s, err := b.measure(ctx, p.Case, who)
		if calls, counted := s[callsKey]; err == nil && counted {
			rows[i].Metrics[callsKey] = report.Samples{calls}
		}
	}
}

// callsMissing is the name of what is missing where system calls cannot be counted.
const callsMissing = "count of system calls"
