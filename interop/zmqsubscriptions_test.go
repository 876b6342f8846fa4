// SPDX-License-Identifier: MIT

package interop_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// topicCount is far more than libzmq's queues hold by default: there, subscriptions that find no room are lost.
const topicCount = 10_000

// TestZeroMQSubscriptionsSurvive subscribes to 10,000 topics, breaks the connection by having the publisher go away and come
// back, and has the new one publish one message about each topic.
func TestZeroMQSubscriptionsSurvive(t *testing.T) {
	t.Run("zmq_SUB", func(t *testing.T) {
		for _, kind := range []string{"PUB", "XPUB"} {
			withPeer(t, fmt.Sprintf("%s – zmq SUB, %d subscriptions over a reconnect", kind, topicCount), func(t *testing.T, p *zmqPeer, a address) {
				sub, ctx := zmq.NewSub(&zmq.SubOptions{Options: options, Overflow: spry.Block}), watched(t)
				topics := make([]string, topicCount)
				for i := range topics {
					topics[i] = topic(i)
				}
				check(t, sub.Subscribe(topics...))
				p.open("s", kind, a, nil)
				attach(t, sub, a)
				waitPipes(t, sub, 1)
				first := onlyPipe(t, sub.Socket)
				p.do("close", args{"socket": "s"})
				<-first.Done()
				p.open("s", kind, a, nil)
				waitPipes(t, sub, 1)
				if kind == "XPUB" { // it tells when it knows of them, the last one after all others
					p.do("recv", args{"socket": "s", "count": topicCount})
				} else {
					check(t, sub.Subscribe(interest))
					untilReceived(t, framed{socket: sub, recv: sub.Recv}, func() { p.send("s", text(interest)) })
				}
				p.do("sendtopics", args{"socket": "s", "count": topicCount, "prefix": "topic "})
				expectTopics(ctx, t, sub)
			})
		}
	})
	t.Run("zmq_PUB", func(t *testing.T) {
		withPeer(t, fmt.Sprintf("SUB – zmq PUB, %d subscriptions over a reconnect", topicCount), func(t *testing.T, p *zmqPeer, a address) {
			ctx := watched(t)
			p.do("open", args{"socket": "s", "type": "SUB"})
			p.do("subscribe", args{"socket": "s", "count": topicCount, "prefix": "topic "})
			p.attach("s", a)
			received := p.begin("recvtopics", args{"socket": "s", "count": topicCount})
			for range 2 { // publishers, one after the other
				pub := zmq.NewPub(&zmq.PubOptions{Options: options, Overflow: spry.Block})
				attach(t, pub, a)
				for i := range topicCount {
					check(t, pub.WaitSubscribers(ctx, topic(i), 1))
				}
				check(t, pub.Close())
			}
			pub := zmq.NewPub(&zmq.PubOptions{Options: options, Overflow: spry.Block})
			attach(t, pub, a)
			for i := range topicCount {
				check(t, pub.WaitSubscribers(ctx, topic(i), 1))
				check(t, pub.Send(ctx, []byte(topic(i))))
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
		frames := must[[][]byte](t)(sub.Recv(ctx))
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

// onlyPipe is the one pipe of a socket.
func onlyPipe(t *testing.T, s spry.Socket) *spry.Pipe {
	t.Helper()
	pipes := slices.Collect(s.Pipes())
	if len(pipes) != 1 {
		t.Fatalf("there are %d pipes instead of one", len(pipes))
	}
	return pipes[0]
}
