// SPDX-License-Identifier: MIT

package run

import (
	"strings"
	"testing"

	"github.com/sprymq/spry/bench/internal/report"
)

func TestWhatAWorkCannotDoIsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-work lat -transports inproc":      "lat cannot be measured over inproc, only over tcp,ipc",
		"-work fan -transports ipc":         "fan cannot be measured over ipc",
		"-work inproc-lat -transports tcp":  "inproc-lat cannot be measured over tcp",
		"-work lat -transports tcp,inproc":  "none of these works can be measured over inproc: lat",
		"-transports udp":                   "over udp",
		"-work lat -params 3":               "none of these works has -params: lat",
		"-work sleep":                       "no work sleep",
		"-place 2cpu":                       "no place 2cpu",
		"-work thr -rounds -1":              "must be positive",
		"-set all":                          "no set all",
		"-work thr -sizes 1":                "not a number of at least 2",
		"-work thr,lat -transports tcp,udp": "over udp",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func TestCasesHaveTheTransportsThatTheirWorksCanDo(t *testing.T) {
	c, err := parse(strings.Fields("-work lat,inproc-lat -transports tcp,inproc -sizes 64 -place free"))
	if err != nil {
		t.Fatal(err)
	}
	want := []report.Case{
		{Work: "lat", Transport: "tcp", Size: 64, Place: "free"},
		{Work: "inproc-lat", Transport: "inproc", Size: 64, Place: "free"},
	}
	if got := c.cases(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("cases %+v, want %+v", got, want)
	}
}

func TestAModeMayNameProcessors(t *testing.T) {
	for mode, want := range map[string]struct {
		mode       string
		processors int
	}{"plain": {"plain", 0}, "1p": {"plain", 1}, "batch-8p": {"batch", 8}, "zmtp-batch": {"zmtp-batch", 0}} {
		mode, processors := contender{"spry", mode}.modeAndProcessors()
		if mode != want.mode || processors != want.processors {
			t.Errorf("%s with %d processors, want %+v", mode, processors, want)
		}
	}
}
