// SPDX-License-Identifier: MIT

package conformance_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A Push that sends to very many peers in turn, faster than it can write, writes several messages with one system call.
func TestManyPipesShareWrites(t *testing.T) {
	const peers, rounds = 300, 20
	if _, ok := writes(); !ok {
		t.Skip("this system does not count system calls")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // with two, the count depends on how fast the other one is
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(nil)
	e := testkit.ListenOn(t, push, "tcp")
	pulls := make([]*spry.Pull, peers)
	for i := range pulls {
		pulls[i] = spry.NewPull(nil)
		testkit.DialTo(t, pulls[i], e)
	}
	testkit.Check(t, push.WaitPipes(ctx, peers))
	before, _ := writes()
	start := time.Now()
	for i := range peers * rounds {
		testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "%d", i)))
	}
	took := time.Since(start)
	testkit.Check(t, push.Flush(ctx))
	after, _ := writes()
	n := after - before
	if slow := took/(peers*rounds) > 3*time.Microsecond; n > peers*rounds/5 && !slow { // a slow sender is never ahead of the writer
		t.Errorf("%d messages took %d writes", peers*rounds, n)
	}
	for _, p := range pulls {
		for range rounds {
			_, err := p.Recv(ctx)
			testkit.Check(t, err)
		}
		testkit.Check(t, p.Close())
	}
	testkit.Shut(t, push)
}

// writes is how many system calls of this process have written, where that is known.
func writes() (n int, known bool) {
	counts, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(counts)) {
		if _, err := fmt.Sscanf(line, "syscw: %d", &n); err == nil {
			return n, true
		}
	}
	return 0, false
}
