// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// A worker that is interrupted under load receives to the end: the one beside it has the rest, and nothing is lost.
func TestInterruptedPullLosesNothing(t *testing.T) {
	t.Parallel()
	const jobs = 20_000
	for transport, listen := range addresses(t) {
		t.Run(transport, func(t *testing.T) {
			in, feed := io.Pipe()
			push := start(t, in, "push", "--listen", listen, "--lines", "--peers", "2")
			url := push.url()
			leaver, stayer := start(t, nil, "pull", "--dial", url, "--linger", "1m"), start(t, nil, "pull", "--dial", url)
			for i := range jobs {
				if i == jobs/2 {
					leaver.await(leaver.stdout, `\d+\n`)
					leaver.interrupt()
				}
				if _, err := fmt.Fprintln(feed, i); err != nil {
					t.Fatal(err)
				}
			}
			feed.Close()
			push.expect(0, "")
			if code := leaver.wait(); code != 0 {
				t.Errorf("exit %d: %s", code, leaver.stderr())
			}
			stayer.interrupt()
			if code := stayer.wait(); code != 0 {
				t.Errorf("exit %d: %s", code, stayer.stderr())
			}
			seen := make([]int, jobs)
			for line := range strings.Lines(leaver.stdout() + stayer.stdout()) {
				n, err := strconv.Atoi(strings.TrimSpace(line))
				if err != nil {
					t.Fatal(err)
				}
				seen[n]++
			}
			lost, twice := 0, 0
			for _, n := range seen {
				switch {
				case n == 0:
					lost++
				case n > 1:
					twice++
				}
			}
			if lost+twice > 0 {
				t.Errorf("of %d jobs %d were lost and %d done twice; %s", jobs, lost, twice, leaver.stderr())
			}
		})
	}
}

// A service that is interrupted listens no more, and answers what it has begun.
func TestInterruptedServiceAnswers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the command of this test is that of a Unix shell")
	}
	for _, verbs := range [][]string{{"rep", "req"}, {"respond", "survey"}} {
		t.Run(verbs[0], func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "go")
			service := start(t, nil, verbs[0], "--listen", here, "--linger", "1m",
				"--exec", "cat; while [ ! -e "+file+" ]; do sleep 0.01; done; echo done")
			url := service.url()
			args := []string{verbs[1], "--dial", url, "-D", "job "}
			if verbs[1] == "req" {
				args = append(args, "--no-retry")
			} else {
				args = append(args, "--answers", "1", "--deadline", "1m")
			}
			client := start(t, nil, args...)
			service.await(service.stdout, "job")
			service.interrupt()
			for c, err := net.Dial("tcp", strings.TrimPrefix(url, "tcp://")); err == nil; c, err = net.Dial("tcp", c.RemoteAddr().String()) {
				c.Close()
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			client.expect(0, "job done\n\n")
			if code := service.wait(); code != 0 || !strings.Contains(service.stderr(), "1 answered") {
				t.Errorf("exit %d: %s", code, service.stderr())
			}
		})
	}
}
