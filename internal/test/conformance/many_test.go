// SPDX-License-Identifier: MIT

package conformance_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A Push with so many peers that they share a writer sends every message, in turn and in order, and a lone one too.
func TestManyPipesShareWrites(t *testing.T) {
	const peers, rounds = 300, 20
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(nil)
	e := testkit.ListenOn(t, push, "tcp")
	pulls := make([]*spry.Pull, peers)
	for i := range pulls {
		pulls[i] = spry.NewPull(nil)
		testkit.DialTo(t, pulls[i], e)
	}
	testkit.Check(t, push.WaitPipes(ctx, peers))
	for i := range peers * rounds {
		testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "%05d", i)))
	}
	for _, p := range pulls {
		last := ""
		for range rounds {
			body, err := p.Recv(ctx)
			testkit.Check(t, err)
			if string(body) <= last {
				t.Fatalf("%s came after %s", body, last)
			}
			last = string(body)
		}
	}
	for i := range peers {
		testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "lone %d", i)))
		testkit.Eventually(t, "the message is written", func() bool { return push.Stats().Send.Queued == 0 })
	}
	for _, p := range pulls {
		_, err := p.Recv(ctx)
		testkit.Check(t, err)
		testkit.Check(t, p.Close())
	}
	testkit.Shut(t, push)
}
