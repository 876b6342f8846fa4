// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// T03 for ZeroMQ: peers that break ZMTP, in their handshakes and after, are each refused for their reason by a listener
// that serves both families, while good clients of both lose nothing.
func TestMalformedZeroMQPeersAreRefused(t *testing.T) {
	leak.Check(t)
	for _, scheme := range []string{"tcp", "ipc", "tls+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel() // it waits for timeouts
			ctx, stop := context.WithCancel(testkit.Watchdog(t))
			defer stop()
			pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{HandshakeTimeout: malformedTimeout, MaxMessageSize: malformedLimit}})
			older, newer := spry.NewPush(nil), spry.NewPush(nil)
			testkit.CloseAll(t, older, newer, pull)
			seen := watch(ctx, pull)
			e := testkit.ListenOn(t, pull, scheme)
			testkit.DialTo(t, older, e)
			d := testkit.DialerTo(e)
			d.URL = "zmtp+" + d.URL
			_, err := newer.DialWith(ctx, d)
			testkit.Check(t, err)
			classes := append(zmtpClasses(), zmtpVectors(t)...)
			breaking(ctx, t, pull, e, seen, classes, goodClients(ctx, t, pull, older, newer))
			if len(classes) < 150 {
				t.Errorf("there were only %d classes", len(classes))
			}
		})
	}
}
