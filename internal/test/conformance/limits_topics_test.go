// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// T06: a peer that subscribes to more than a Pub is willing to remember loses its pipe, by a reason of its own, and what it
// asked for is forgotten. Other subscribers notice nothing.
func TestSubscriptionFloodEndsItsPipe(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	defer cancel()
	pub, sub := spry.NewPub(nil), spry.NewSub(nil)
	e := testkit.ListenOn(t, pub, "tcp")
	_, err := sub.Dial(ctx, "zmtp+"+e.URL())
	testkit.Check(t, err)
	testkit.Check(t, sub.Subscribe("good"))
	testkit.Check(t, pub.WaitSubscribers(ctx, "good", 1))

	flood := testkit.BareTo(t, e)
	flood.Say(t, []byte(testkit.Greet+testkit.ReadyAs("SUB")))
	_, err = io.ReadFull(flood, make([]byte, 64))
	testkit.Check(t, err)
	const size = 65_000
	const most = 64 << 20 / size
	topic := make([]byte, size)
	subscribe := func() []byte { return []byte(testkit.LongFrame(4, 10+size, "\x09SUBSCRIBE"+string(topic))) }
	for i := range most {
		binary.BigEndian.PutUint32(topic, uint32(i))
		flood.Say(t, subscribe())
	}
	testkit.Check(t, pub.WaitSubscribers(ctx, string(topic), 1))
	if got := pub.Stats().Rejected; len(got) > 0 {
		t.Errorf("within the limit: %v", got)
	}
	copy(topic, "more")
	flood.Say(t, subscribe())
	flood.UntilClosed(t)
	testkit.Eventually(t, "the flood is counted", func() bool { return pub.Stats().Rejected["topics"] == 1 })
	testkit.Check(t, pub.Send(ctx, []byte("good")))
	body, err := sub.Recv(ctx)
	testkit.Check(t, err)
	if string(body) != "good" {
		t.Errorf("received %q", body)
	}
	if why := testkit.Unbalanced(pub.Stats()); why != "" {
		t.Error(why)
	}
	testkit.Shut(t, sub, pub)
}
