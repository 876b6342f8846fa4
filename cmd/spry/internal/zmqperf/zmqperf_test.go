// SPDX-License-Identifier: MIT

package zmqperf_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/zmqperf"
)

func TestArguments(t *testing.T) {
	for _, test := range []struct{ command, complaint string }{
		{"local_lat", ""},
		{"remote_lat tcp://127.0.0.1:1 1", ""},
		{"local_lat tcp://127.0.0.1:1 1 1 0", ""},
		{"inproc_thr 1 1 1", ""},
		{"inproc_thr x 1", `message size "x"`},
		{"inproc_thr -1 1", `message size "-1"`},
		{"inproc_lat 1 0", `count "0"`},
		{"inproc_lat 1 99999999999", `count "99999999999"`},
		{"local_thr tcp://127.0.0.1:1 1 1 1", "CURVE"},
		{"remote_thr tcp://127.0.0.1:1 1 1 1", "CURVE"},
	} {
		args := strings.Fields(test.command)
		var out, talk bytes.Buffer
		if code := zmqperf.Run(t.Context(), args[0], args[1:], &out, &talk); code != 1 || out.Len() > 0 {
			t.Errorf("%s: exit %d, %q", test.command, code, out.String())
		}
		if usage := "usage: " + zmqperf.Usage(args[0]) + "\n"; !strings.HasSuffix(talk.String(), usage) {
			t.Errorf("%s: %q does not end with %q", test.command, talk.String(), usage)
		}
		if !strings.Contains(talk.String(), test.complaint) || test.complaint == "" && !strings.HasPrefix(talk.String(), "usage: ") {
			t.Errorf("%s: %q does not say %q", test.command, talk.String(), test.complaint)
		}
	}
}

func TestWithinTheProcess(t *testing.T) {
	for command, pattern := range map[string]string{
		"inproc_thr 30 1000": `^message size: 30 \[B\]\nmessage count: 1000\nmean throughput: \d+ \[msg/s\]\nmean throughput: \d+\.\d{3} \[Mb/s\]\n$`,
		"inproc_thr 0 1":     `^message size: 0 \[B\]\nmessage count: 1\nmean throughput: \d+ \[msg/s\]\nmean throughput: 0\.000 \[Mb/s\]\n$`,
		"inproc_lat 30 100":  `^message size: 30 \[B\]\nroundtrip count: 100\naverage latency: \d+\.\d{3} \[us\]\n$`,
		"inproc_lat 0 1":     `^message size: 0 \[B\]\nroundtrip count: 1\naverage latency: \d+\.\d{3} \[us\]\n$`,
	} {
		args := strings.Fields(command)
		var out, talk bytes.Buffer
		if code := zmqperf.Run(t.Context(), args[0], args[1:], &out, &talk); code != 0 || talk.Len() > 0 {
			t.Errorf("%s: exit %d, %q", command, code, talk.String())
		}
		if !regexp.MustCompile(pattern).MatchString(out.String()) {
			t.Errorf("%s printed %q", command, out.String())
		}
	}
}
