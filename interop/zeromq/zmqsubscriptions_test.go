// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/zmq"
)

// topicCount is far more than libzmq's queues hold by default: there, subscriptions that find no room are lost.
const topicCount = 10_000

// TestZeroMQSubscriptionsSurvive subscribes to 10,000 topics, breaks the connection by having the publisher go away and come
// back, and has the new one publish one message about each topic.
func TestZeroMQSubscriptionsSurvive(t *testing.T) {
	t.Run("zmq_SUB", func(t *testing.T) {
		for _, kind := range []string{"PUB", "XPUB"} {
			withPeer(t, fmt.Sprintf("%s – zmq SUB, %d subscriptions over a reconnect", kind, topicCount), func(t *testing.T, p *zmqPeer, a kit.Address) {
				sub, ctx := zmq.NewSub(&zmq.SubOptions{Options: kit.Options, Overflow: spry.Block}), kit.Watched(t)
				topics := make([]string, topicCount)
				for i := range topics {
					topics[i] = topic(i)
				}
				testkit.Check(t, sub.Subscribe(topics...))
				p.open("s", kind, a, nil)
				kit.Attach(t, sub, a)
				kit.WaitPipes(t, sub, 1)
				first := kit.OnlyPipe(t, sub.Socket)
				p.do("close", args{"socket": "s"})
				<-first.Done()
				p.open("s", kind, a, nil)
				kit.WaitPipes(t, sub, 1)
				if kind == "XPUB" { // it tells when it knows of them, the last one after all others
					p.do("recv", args{"socket": "s", "count": topicCount})
				} else {
					testkit.Check(t, sub.Subscribe(interest))
					untilReceived(t, framed{Socket: sub, recv: sub.Recv}, func() { p.send("s", text(interest)) })
				}
				p.do("sendtopics", args{"socket": "s", "count": topicCount, "prefix": "topic "})
				expectTopics(ctx, t, sub)
			})
		}
	})
	t.Run("zmq_PUB", func(t *testing.T) {
		withPeer(t, fmt.Sprintf("SUB – zmq PUB, %d subscriptions over a reconnect", topicCount), func(t *testing.T, p *zmqPeer, a kit.Address) {
			ctx := kit.Watched(t)
			p.do("open", args{"socket": "s", "type": "SUB"})
			p.do("subscribe", args{"socket": "s", "count": topicCount, "prefix": "topic "})
			p.attach("s", a)
			received := p.begin("recvtopics", args{"socket": "s", "count": topicCount})
			for range 2 { // publishers, one after the other
				pub := zmq.NewPub(&zmq.PubOptions{Options: kit.Options, Overflow: spry.Block})
				kit.Attach(t, pub, a)
				for i := range topicCount {
					testkit.Check(t, pub.WaitSubscribers(ctx, topic(i), 1))
				}
				testkit.Check(t, pub.Close())
			}
			pub := zmq.NewPub(&zmq.PubOptions{Options: kit.Options, Overflow: spry.Block})
			kit.Attach(t, pub, a)
			for i := range topicCount {
				testkit.Check(t, pub.WaitSubscribers(ctx, topic(i), 1))
				testkit.Check(t, pub.Send(ctx, []byte(topic(i))))
			}
			if n := result[int](t, received()); n != topicCount {
				t.Errorf("%d of %d topics arrived", n, topicCount)
			}
		})
	})
}

// topic is number i as python/zmqpeer.py makes it. None begins with another.
func topic(i int) string { return fmt.Sprintf("topic %d.", i) }

// expectTopics receives one message about each topic, and no other.
func expectTopics(ctx context.Context, t *testing.T, sub *zmq.Sub) {
	t.Helper()
	missing := map[string]bool{}
	for i := range topicCount {
		missing[topic(i)] = true
	}
	for len(missing) > 0 {
		frames := kit.Must[[][]byte](t)(sub.Recv(ctx))
		name := string(frames[0])
		if name == interest {
			continue
		}
		if !missing[name] {
			t.Fatalf("%q arrived twice, or was never published", name)
		}
		delete(missing, name)
	}
}
