// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testcert"
)

// T34: many processes that each send one message and exit, to one receiver. None may be lost. 200 processes for each
// transport, half as many over WebSocket, or 10,000 with SPRY_LONG=1.
func TestOneShotsAreNeverLost(t *testing.T) {
	all := addresses(t)
	all["ws"], all["zmtp+ws"], all["wss"] = "ws://127.0.0.1:0/jobs", "zmtp+ws://127.0.0.1:0/jobs", "wss://127.0.0.1:0/jobs"
	cert, key, _ := testcert.Files(t)
	for transport, listen := range all {
		n := 200
		if strings.Contains(transport, "ws") {
			n = 100
		}
		var own, authority []string
		if transport == "wss" {
			own, authority = []string{"--cert", cert, "--key", key}, []string{"--cacert", cert}
		}
		if long {
			n = 10000
		}
		t.Run(transport, func(t *testing.T) {
			pull := start(t, nil, append([]string{"pull", "--listen", listen, "--recv-timeout", "1m", "--count", strconv.Itoa(n), "--for", "1h"}, own...)...)
			url := pull.url()
			began := time.Now()
			failed := oneShots(t, n, func(i int) *exec.Cmd {
				return exec.Command(binary, slices.Concat([]string{"push", "--quiet", "--dial", url, "--data", strconv.Itoa(i)}, authority)...)
			})
			if failed > 0 {
				t.Errorf("%d of %d senders failed", failed, n)
			}
			if code := pull.wait(); code != 0 {
				t.Errorf("the receiver ended with %d: %s", code, pull.stderr())
			}
			seen := map[string]int{}
			for line := range strings.Lines(pull.stdout()) {
				seen[strings.TrimSpace(line)]++
			}
			arrived := 0
			for i := range n {
				switch seen[strconv.Itoa(i)] {
				case 1:
					arrived++
				case 0:
					t.Errorf("message %d is lost", i)
				default:
					t.Errorf("message %d arrived %d times", i, seen[strconv.Itoa(i)])
				}
			}
			fmt.Printf(`{"id":"T34","transport":%q,"n":%d,"ok":%d,"seconds":%.1f}`+"\n", transport, n, arrived, time.Since(began).Seconds())
		})
	}
}

// oneShots runs n commands, a few at a time, and returns how many failed.
func oneShots(t *testing.T, n int, command func(i int) *exec.Cmd) int {
	t.Helper()
	const atOnce = 8
	var (
		running sync.WaitGroup
		slots   = make(chan struct{}, atOnce)
		mu      sync.Mutex
		failed  int
	)
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			cmd := command(i)
			dog := time.AfterFunc(watchdog, func() { cmd.Process.Kill() })
			defer dog.Stop()
			if out, err := cmd.CombinedOutput(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if failed++; failed <= 3 {
					t.Errorf("sender %d: %v: %s", i, err, out)
				}
			}
		})
	}
	running.Wait()
	return failed
}
