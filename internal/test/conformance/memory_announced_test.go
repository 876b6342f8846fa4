// SPDX-License-Identifier: MIT

package conformance_test

import (
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// T33: peers announce the largest message there may be and send little of it. What they cost depends on what they sent.
func TestAnnouncedSizeCostsNothing(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	const limit = 16 << 20
	for _, sent := range []int{1, 1000, 60_000, 200_000, 500_000} {
		peers := min(400, 100_000_000/sent)
		pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{MaxMessageSize: limit}})
		hostile := make([]*testkit.Bare, peers) // at the other end of a net.Pipe: what they have written was read
		before := testkit.Heap()
		for i := range hostile {
			_, hostile[i] = attachMute(t, pull, spry.ProtocolPush, true)
		}
		testkit.Check(t, pull.WaitPipes(ctx, peers))
		idle := testkit.Heap()
		for _, h := range hostile {
			h.Say(t, testkit.FrameHead(false, limit))
		}
		piece := make([]byte, 1+sent/50)
		received := 0
		for ; received < sent; received += len(piece) {
			for _, h := range hostile {
				h.Say(t, piece)
			}
		}
		grown := int64(testkit.Heap()) - int64(idle)
		each, bound := grown/int64(peers), int64(2*(received+8)+64<<10)
		if each > bound {
			t.Errorf("%d peers that sent %d of %d bytes cost %d bytes of heap each, want at most %d", peers, received, limit, each, bound)
		}
		t.Logf("T33: %d peers announced %d bytes and sent %d: %d bytes of heap each beside %d when idle, bound %d", peers, limit, received, each, (int64(idle)-int64(before))/int64(peers), bound)
		for _, h := range hostile {
			_ = h.Close()
		}
		testkit.Check(t, pull.Close())
	}
}
