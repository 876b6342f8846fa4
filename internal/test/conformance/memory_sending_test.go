// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What is queued to a peer that has stalled takes memory like what is received: at most twice what it is charged, and one chunk.

// attached connects s with a ZeroMQ peer by a net.Pipe, which holds nothing: what the peer does not read is queued.
func attached(t *testing.T, s testkit.Attacher, kind string, listening bool) *testkit.Bare {
	t.Helper()
	near, far := net.Pipe()
	_, b := testkit.AttachBare(t, s, near, far, &spry.AttachConfig{Listening: listening, Dialects: []string{"zmtp"}}, func(b *testkit.Bare) { b.ShakeZMTP(t, kind) })
	return b
}

// discard reads all that comes.
func discard(t *testing.T, b *testkit.Bare) {
	_ = b.SetReadDeadline(time.Time{})
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(io.Discard, b.Conn) })
	t.Cleanup(reading.Wait)
	t.Cleanup(func() { _ = b.Close() })
}

// keepsWithin checks that the heap has grown, since it was before, by at most twice what queues are charged and a chunk for
// each of them.
func keepsWithin(t *testing.T, before uint64, queues int, charged int64) {
	t.Helper()
	bound := 2*charged + int64(queues)*memoryChunk + memorySlack
	grown := grownWithin(before, func() int64 { return bound })
	if grown > bound {
		t.Errorf("queues that are charged %d bytes take %d, more than %d", charged, grown, bound)
	}
	if charged < 64<<10 {
		t.Errorf("only %d bytes are queued", charged)
	}
	t.Logf("charged %d KiB, heap %+d KiB", charged>>10, grown>>10)
}

// A publisher is a socket that filters for its peers.
type publisher struct {
	name string
	peer string
	ask  string // what a peer is interested in things by
	open func(o spry.Options) (s testkit.Attacher, send func(topic string, body []byte) error)
	wait func(s testkit.Attacher, topic string) error
}

func publishers(t *testing.T) []publisher {
	ctx := testkit.Watchdog(t)
	whole := func(send func(context.Context, []byte) error) func(string, []byte) error {
		return func(topic string, body []byte) error { copy(body, topic); return send(ctx, body) }
	}
	return []publisher{
		{"Pub", "SUB", "SUBSCRIBE", func(o spry.Options) (testkit.Attacher, func(string, []byte) error) {
			s := spry.NewPub(&spry.PubOptions{Options: o})
			return s, whole(s.Send)
		}, func(s testkit.Attacher, topic string) error { return s.(*spry.Pub).WaitSubscribers(ctx, topic, 1) }},
		{"zmq.Pub, several frames", "SUB", "SUBSCRIBE", func(o spry.Options) (testkit.Attacher, func(string, []byte) error) {
			s := zmq.NewPub(&zmq.PubOptions{Options: o})
			return s, func(topic string, body []byte) error { return s.Send(ctx, []byte(topic), body) }
		}, func(s testkit.Attacher, topic string) error { return s.(*zmq.Pub).WaitSubscribers(ctx, topic, 1) }},
		{"XPub", "SUB", "SUBSCRIBE", func(o spry.Options) (testkit.Attacher, func(string, []byte) error) {
			s := zmq.NewXPub(&zmq.XPubOptions{Options: o})
			return s, whole(func(ctx context.Context, body []byte) error { return s.Send(ctx, body) })
		}, func(s testkit.Attacher, topic string) error { return s.(*zmq.XPub).WaitSubscribers(ctx, topic, 1) }},
		{"Radio", "DISH", "JOIN", func(o spry.Options) (testkit.Attacher, func(string, []byte) error) {
			s := zmq.NewRadio(&zmq.RadioOptions{Options: o})
			return s, func(topic string, body []byte) error { return s.Send(ctx, topic, body) }
		}, func(s testkit.Attacher, topic string) error { return s.(*zmq.Radio).WaitSubscribers(ctx, topic, 1) }},
	}
}

// TestMemoryOfStalledSubscriber has a subscriber that wants 1 of 100 messages and stalls beside one that reads the others.
func TestMemoryOfStalledSubscriber(t *testing.T) {
	for _, p := range publishers(t) {
		for _, size := range []int{500, 2000, 20_000, 100_000} {
			for name, listening := range map[string]bool{"listening": true, "dialing": false} {
				t.Run(p.name+"/"+name+"/"+sizeName(size), func(t *testing.T) { p.test(t, listening, size) })
			}
		}
	}
}

func sizeName(n int) string { return strconv.Itoa(n) + " bytes" }

func (p publisher) test(t *testing.T, listening bool, size int) {
	leak.Check(t)
	s, send := p.open(spry.Options{SendQueueBytes: memoryLimit, Linger: -1, Heartbeat: -1})
	defer s.Close()
	stalled, reading := attached(t, s, p.peer, listening), attached(t, s, p.peer, listening)
	discard(t, reading)
	stalled.Say(t, []byte(testkit.Command(p.ask, "a")))
	reading.Say(t, []byte(testkit.Command(p.ask, "b")))
	testkit.Check(t, p.wait(s, "a"))
	testkit.Check(t, p.wait(s, "b"))
	body := bytes.Repeat([]byte("x"), size)
	before := testkit.Heap()
	for i := range max(200, min(2*memorySent(), 100*2*memoryLimit)/size) {
		topic := "b"
		if i%100 == 0 || size > 50_000 && i%10 == 0 {
			topic = "a"
		}
		testkit.Check(t, send(topic, body))
	}
	var charged int64
	testkit.Eventually(t, "all but what the stalled one wants was written", func() bool {
		waiting := 0
		charged = 0
		for _, pipe := range s.Stats().Pipes {
			if charged += pipe.Send.QueuedBytes; pipe.Send.Queued > 0 {
				waiting++
			}
		}
		return waiting == 1
	})
	keepsWithin(t, before, 1, charged)
}

// TestMemoryOfForwardedMessages passes 1 of 100 received messages on to a peer that has stalled.
func TestMemoryOfForwardedMessages(t *testing.T) {
	for _, size := range []int{500, 2000, 20_000} {
		for _, to := range []string{"zmtp", "inproc"} {
			t.Run(to+"/"+sizeName(size), func(t *testing.T) { forwardFew(t, to, size) })
		}
	}
}

func forwardFew(t *testing.T, to string, size int) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	o := spry.Options{SendQueueBytes: memoryLimit, RecvQueueBytes: memoryLimit, Linger: -1, Heartbeat: -1}
	source, pull := spry.NewPush(&spry.PushOptions{Options: spry.Options{Linger: -1}}), spry.NewPull(nil)
	push, last := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	testkit.CloseAll(t, source, pull, push, last)
	testkit.DialTo(t, source, testkit.ListenOn(t, pull, "tcp"))
	if to == "inproc" {
		testkit.DialTo(t, push, testkit.ListenOn(t, last, "inproc"))
	} else {
		attached(t, push, "PULL", true)
	}
	testkit.Check(t, source.WaitPipes(ctx, 1))
	n := memorySent() / size
	forward := func(few bool) {
		var sending sync.WaitGroup
		defer sending.Wait()
		sending.Go(func() {
			body := make([]byte, size)
			for range n {
				if source.Send(ctx, body) != nil {
					return // the test is over
				}
			}
		})
		for i := range n {
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			if few && i%100 == 0 {
				if err := push.TrySendMsg(m); err != nil && !errors.Is(err, spry.ErrWouldBlock) { // full: the peer has stalled
					t.Fatal(err)
				}
			}
			m.Release()
		}
	}
	forward(false)
	before := testkit.Heap()
	forward(true)
	sent := push.Stats().Send
	if sent.Offered == 0 {
		t.Error("nothing was passed on")
	}
	keepsWithin(t, before, 2, sent.QueuedBytes+last.Stats().Recv.QueuedBytes)
}

// TestMemoryOfProxyWithStalledPeer passes everything on, of which a peer that stalls wants 1 of 100.
func TestMemoryOfProxyWithStalledPeer(t *testing.T) {
	for _, size := range []int{2000, 20_000} {
		t.Run(sizeName(size), func(t *testing.T) {
			leak.Check(t)
			ctx, cancel := context.WithCancel(testkit.Watchdog(t))
			defer cancel()
			o := spry.Options{SendQueueBytes: memoryLimit, Linger: -1, Heartbeat: -1}
			source := spry.NewPub(&spry.PubOptions{Overflow: spry.Block, Options: spry.Options{Linger: -1}})
			front, err := spry.NewRaw(spry.ProtocolSub, &o)
			testkit.Check(t, err)
			back, err := spry.NewRaw(spry.ProtocolPub, &o)
			testkit.Check(t, err)
			testkit.CloseAll(t, source, front, back)
			testkit.DialTo(t, source, testkit.ListenOn(t, front, "zmtp+tcp"))
			testkit.Check(t, source.WaitSubscribers(ctx, "", 1))
			stalled, reading := attached(t, back, "SUB", true), attached(t, back, "SUB", true)
			discard(t, reading)
			stalled.Say(t, []byte(testkit.Command("SUBSCRIBE", "a")+testkit.Command("PING", "\x00\x00")))
			reading.Say(t, []byte(testkit.Command("SUBSCRIBE", "")))
			_, err = io.ReadFull(stalled, make([]byte, 1)) // of the answer: it has subscribed
			testkit.Check(t, err)
			var proxying sync.WaitGroup
			defer proxying.Wait()
			defer cancel()
			proxying.Go(func() { _ = spry.Proxy(ctx, front, back, nil) })
			n := memorySent() / size
			publish := func(few byte, all int) {
				body := make([]byte, size)
				for i := range n {
					if body[0] = 'b'; i%100 == 0 {
						body[0] = few
					}
					testkit.Check(t, source.Send(ctx, body))
				}
				testkit.Eventually(t, "everything was passed on", func() bool {
					return front.Stats().Recv.Delivered >= uint64(all) && back.Stats().Send.Queued < uint64(n/50)
				})
			}
			publish('b', n)
			before := testkit.Heap()
			publish('a', 2*n)
			keepsWithin(t, before, 2, back.Stats().Send.QueuedBytes)
		})
	}
}

// TestMemoryOfRoomyMessages sends messages whose memory is much larger than they are.
func TestMemoryOfRoomyMessages(t *testing.T) {
	for _, to := range []string{"zmtp", "inproc"} {
		t.Run(to, func(t *testing.T) {
			leak.Check(t)
			o := spry.Options{SendQueueBytes: memoryLimit, RecvQueueBytes: memoryLimit, Linger: -1, Heartbeat: -1}
			push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
			testkit.CloseAll(t, push, pull)
			if to == "inproc" {
				testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
			} else {
				attached(t, push, "PULL", true)
			}
			before := testkit.Heap()
			for i := range 60 {
				m := spry.NewMessage(512 << 10)
				_, _ = m.Write(make([]byte, 10_000*(1+i%2*7)))
				if push.TrySendMsg(m) != nil {
					break
				}
			}
			keepsWithin(t, before, 1, push.Stats().Send.QueuedBytes+pull.Stats().Recv.QueuedBytes)
		})
	}
}
