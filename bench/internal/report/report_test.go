// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"strings"
	"testing"
)

func example() *Report {
	c := Case{Work: "thr", Transport: "tcp", Size: 64, Place: "1cpu"}
	return &Report{
		Missing: map[string]string{"libnng": "no <headers>"},
		Rows: []Row{
			{Case: c, Contender: "spry", Metrics: map[string]Samples{"rate": {600, 500, 700}}},
			{Case: c, Contender: "libzmq", Metrics: map[string]Samples{"rate": {200, 150, 300}}},
			{Case: c, Contender: "nats", Reason: "-"},
		},
	}
}

func TestEveryFormatHasRatiosAndWhatIsMissing(t *testing.T) {
	formats := example().Formats()
	formats["text"] = example().Text
	for name, show := range formats {
		var b bytes.Buffer
		if err := show(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []string{"libnng", "nats", "spry"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not name %s:\n%s", name, want, &b)
			}
		}
		if name != "bench.json" && !strings.Contains(b.String(), "3.00") {
			t.Errorf("%s does not have the ratio:\n%s", name, &b)
		}
	}
}
