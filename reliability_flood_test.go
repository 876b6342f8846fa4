// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
)

// T06: a peer that subscribes to more than a Pub is willing to remember loses its pipe, by a reason of its own, and what it
// asked for is forgotten. Other subscribers notice nothing.
func TestT06SubscriptionFlood(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithCancel(watchdog(t))
	defer cancel()
	pub, sub := spry.NewPub(nil), spry.NewSub(nil)
	e := listenOn(t, pub, "tcp")
	_, err := sub.Dial(ctx, "zmtp+"+e.URL())
	check(t, err)
	check(t, sub.Subscribe("good"))
	check(t, pub.WaitSubscribers(ctx, "good", 1))

	flood := bareTo(t, e)
	flood.say(t, []byte(greet+readyAs("SUB")))
	_, err = io.ReadFull(flood, make([]byte, 64))
	check(t, err)
	const size = 65_000
	const most = 64 << 20 / size
	topic := make([]byte, size)
	subscribe := func() []byte { return []byte(longFrame(4, 10+size, "\x09SUBSCRIBE"+string(topic))) }
	for i := range most {
		binary.BigEndian.PutUint32(topic, uint32(i))
		flood.say(t, subscribe())
	}
	check(t, pub.WaitSubscribers(ctx, string(topic), 1))
	if got := pub.Stats().Rejected; len(got) > 0 {
		t.Errorf("within the limit: %v", got)
	}
	copy(topic, "more")
	flood.say(t, subscribe())
	flood.untilClosed(t)
	eventually(t, "the flood is counted", func() bool { return pub.Stats().Rejected["topics"] == 1 })
	check(t, pub.Send(ctx, []byte("good")))
	body, err := sub.Recv(ctx)
	check(t, err)
	if string(body) != "good" {
		t.Errorf("received %q", body)
	}
	if why := unbalanced(pub.Stats()); why != "" {
		t.Error(why)
	}
	shut(t, sub, pub)
}
