// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// T06 for the limits of send queues, of topics and of last values.

// A limitedSender is a socket whose peer does not read.
type limitedSender struct {
	hoarder
	reason spry.Reason // that messages beyond the limit are counted by; none: they wait
	ends   bool        // the pipe ends with the first message beyond the limit
	open   func(o spry.Options) (s testkit.Socket, try func(body []byte) error)
	ask    string // what the peer says to be sent something
}

func trying[S spry.Sender](s S, try func(m *spry.Message) error) func(body []byte) error {
	return func(body []byte) error { return try(zmq.NewMessage(body)) }
}

func limitedSenders() (all []limitedSender) {
	type sender interface {
		testkit.Socket
		spry.Sender
		TrySendMsg(m *spry.Message) error
	}
	add := func(schema, name string, peer spry.Protocol, kind string, reason spry.Reason, ask string, open func(o spry.Options) sender) {
		all = append(all, limitedSender{
			hoarder: hoarder{name: name, schema: schema, peer: peer, kind: kind}, reason: reason, ask: ask,
			open: func(o spry.Options) (testkit.Socket, func([]byte) error) {
				s := open(o)
				return s, trying(s, s.TrySendMsg)
			},
		})
	}
	everything := testkit.ShortFrame("\x04", "\x09SUBSCRIBE")
	add("sp", "Push", spry.ProtocolPull, "", none, "", func(o spry.Options) sender { return spry.NewPush(&spry.PushOptions{Options: o}) })
	add("sp", "Pair", spry.ProtocolPair1, "", none, "", func(o spry.Options) sender { return spry.NewPair(&spry.PairOptions{Options: o}) })
	add("zmtp", "zmq.Push", 0, "PULL", none, "", func(o spry.Options) sender { return zmq.NewPush(&zmq.PushOptions{Options: o}) })
	add("zmtp", "zmq.Dealer", 0, "ROUTER", none, "", func(o spry.Options) sender { return zmq.NewDealer(&zmq.DealerOptions{Options: o}) })
	for _, policy := range []spry.Overflow{spry.DropOldest, spry.DropNewest, spry.Block, spry.Disconnect} {
		reason := spry.ReasonOverflow
		if policy == spry.Block {
			reason = none
		}
		add("sp", fmt.Sprint("Pub ", policy), spry.ProtocolSub, "", reason, "", func(o spry.Options) sender {
			return spry.NewPub(&spry.PubOptions{Options: o, Overflow: policy})
		})
		add("sp", fmt.Sprint("Bus ", policy), spry.ProtocolBus, "", reason, "", func(o spry.Options) sender {
			return spry.NewBus(&spry.BusOptions{Options: o, Overflow: policy})
		})
		add("zmtp", fmt.Sprint("zmq.Pub ", policy), 0, "SUB", reason, everything, func(o spry.Options) sender {
			return zmq.NewPub(&zmq.PubOptions{Options: o, Overflow: policy})
		})
		add("zmtp", fmt.Sprint("zmq.XPub ", policy), 0, "SUB", reason, everything, func(o spry.Options) sender {
			return zmq.NewXPub(&zmq.XPubOptions{Options: o, Overflow: policy})
		})
		for i := range 4 {
			all[len(all)-1-i].ends = policy == spry.Disconnect
		}
	}
	return all
}

// T06: what waits to be sent stays within each limit.
func TestSendersKeepTheirLimits(t *testing.T) {
	for _, s := range limitedSenders() {
		for _, listening := range []bool{true, false} {
			scheme := map[string]string{"sp": "ipc", "zmtp": "zmtp+ipc"}[s.schema]
			t.Run(s.name+role(listening)+"/count", func(t *testing.T) {
				s.test(t, scheme, listening, spry.Options{SendQueue: 700, SendQueueBytes: -1})
			})
			t.Run(s.name+role(listening)+"/bytes", func(t *testing.T) {
				s.test(t, scheme, listening, spry.Options{SendQueue: -1, SendQueueBytes: 300_000})
			})
		}
	}
}

func (l limitedSender) test(t *testing.T, scheme string, listening bool, o spry.Options) {
	leak.Check(t)
	o.Linger, o.Heartbeat = -1, -1
	s, try := l.open(o)
	defer s.Close()
	peer := l.connect(t, s, scheme, listening)
	if l.ask != "" {
		peer.Say(t, []byte(l.ask))
		testkit.Check(t, s.(interface {
			WaitSubscribers(context.Context, string, int) error
		}).WaitSubscribers(testkit.Watchdog(t), "", 1))
	}
	before := testkit.Heap()
	body := make([]byte, 300)
	within := func() spry.SendStats {
		st := s.Stats().Send
		if o.SendQueue > 0 && st.Queued > uint64(o.SendQueue) || o.SendQueueBytes > 0 && st.QueuedBytes > o.SendQueueBytes+int64(len(body)) {
			t.Fatalf("%d messages of %d bytes are queued", st.Queued, st.QueuedBytes)
		}
		return st
	}
	offered, refused := uint64(0), 0
	enough := func() bool { // the kernel has what it takes, the queue is full, and more than that has come
		if l.ends {
			return within().Dropped["overflow"] > 0
		}
		st := within()
		return (refused > 100 || st.Dropped["overflow"] > 100) && st.Queued >= 300 // a burst may fill the queue before its writer runs
	}
	testkit.Eventually(t, "the limit is reached", func() bool {
		for range 500 {
			err := try(body)
			switch {
			case err == nil:
				offered, refused = offered+1, 0
			case errors.Is(err, spry.ErrWouldBlock) && l.reason == none:
				refused++
			default:
				t.Fatal(err)
			}
		}
		return enough()
	})
	st := within()
	if got := st.Dropped; len(got) > 0 == (l.reason == none) || !l.ends && testkit.Sum(got) != got[l.reason] {
		t.Errorf("dropped are %v", got)
	}
	if l.ends {
		testkit.Eventually(t, "the pipe has ended", func() bool { return s.Stats().Send.Queued == 0 })
		if st := s.Stats().Send; st.Offered != st.Sent+testkit.Sum(st.Dropped) || testkit.Sum(st.Dropped) != st.Dropped["overflow"]+st.Dropped["pipe_closed"] {
			t.Errorf("after the end: %+v", st)
		}
	} else {
		if st.Offered != offered || st.Queued < 300 {
			t.Errorf("%d messages of %d were offered, %d are queued", st.Offered, offered, st.Queued)
		}
		keepsWithin(t, before, 1, st.QueuedBytes)
	}
	testkit.Check(t, testkit.IgnoreUnsent(s.Close()))
	if why := testkit.Unbalanced(s.Stats()); why != "" {
		t.Error(why)
	}
}

// A topicLimit is a socket that remembers what its peers subscribe to.
type topicLimit struct {
	name, peer, ask string
	charge          int // of a topic, beside its length
	open            func() (s testkit.Socket, wait func(ctx context.Context, topic string, n int) error)
}

const topicLimitBytes = 2 << 20

func topicLimits() []topicLimit {
	return []topicLimit{
		{"Pub", "SUB", "\x09SUBSCRIBE", 40, func() (testkit.Socket, func(context.Context, string, int) error) {
			s := spry.NewPub(&spry.PubOptions{TopicBytes: topicLimitBytes})
			return s, s.WaitSubscribers
		}},
		{"zmq.Pub", "SUB", "\x09SUBSCRIBE", 40, func() (testkit.Socket, func(context.Context, string, int) error) {
			s := zmq.NewPub(&zmq.PubOptions{TopicBytes: topicLimitBytes})
			return s, s.WaitSubscribers
		}},
		{"zmq.XPub", "SUB", "\x09SUBSCRIBE", 144, func() (testkit.Socket, func(context.Context, string, int) error) {
			s := zmq.NewXPub(&zmq.XPubOptions{TopicBytes: topicLimitBytes})
			return s, s.WaitSubscribers
		}},
		{"zmq.Radio", "DISH", "\x04JOIN", 40, func() (testkit.Socket, func(context.Context, string, int) error) {
			s := zmq.NewRadio(&zmq.RadioOptions{TopicBytes: topicLimitBytes})
			return s, s.WaitSubscribers
		}},
	}
}

// T06: what topics take is bounded by TopicBytes, the peer that goes beyond loses its pipe under a reason of its own, and another one
// keeps what it asked for.
func TestTopicsKeepTheirLimit(t *testing.T) {
	for _, l := range topicLimits() {
		for _, scheme := range []string{"zmtp+tcp", "zmtp+ipc"} {
			for _, listening := range []bool{true, false} {
				t.Run(l.name+"/"+scheme+role(listening), func(t *testing.T) { l.test(t, scheme, listening) })
			}
		}
	}
}

func (l topicLimit) test(t *testing.T, scheme string, listening bool) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	s, wait := l.open()
	defer s.Close()
	connect := func() *testkit.Bare {
		return hoarder{schema: "zmtp", kind: l.peer}.connect(t, s, scheme, listening)
	}
	subscribe := func(topic string) string { return testkit.ShortFrame("\x04", l.ask+topic) }
	good, flood := connect(), connect()
	good.Say(t, []byte(subscribe("good")))
	testkit.Check(t, wait(ctx, "good", 1))
	topic := func(i int) string { return fmt.Sprintf("%020d", i) }
	subscribeFrom := func(i int) error { // to a hundred topics
		var all strings.Builder
		for k := range 100 {
			all.WriteString(subscribe(topic(i + k)))
		}
		_, err := io.WriteString(flood, all.String())
		return err
	}
	most := topicLimitBytes / (20 + l.charge) * 9 / 10 / 100 * 100
	before := testkit.Heap()
	for i := 0; i < most; i += 100 {
		testkit.Check(t, subscribeFrom(i))
	}
	testkit.Check(t, wait(ctx, topic(most-1), 1))
	keepsWithin(t, before, 1, int64(most*(20+l.charge)))
	if got := rejected(s); len(got) > 0 {
		t.Errorf("within the limit: %v", got)
	}
	for i := most; i < 2*most && subscribeFrom(i) == nil; i += 100 {
	}
	testkit.Eventually(t, "the flood is counted", func() bool { return rejected(s)["topics"] == 1 })
	room := uint64(memoryChunk + memorySlack)
	if l.name == "zmq.XPub" {
		room += topicLimitBytes / 2 // of maps, which keep their room for more
	}
	testkit.Eventually(t, "what it asked for is forgotten", func() bool { return testkit.Heap() < before+room })
	testkit.Check(t, wait(ctx, "good", 1))
}

// rejected are the peers that the socket refused or lost for what they did, by reason, those of endpoints that are over included.
func rejected(s testkit.Socket) map[spry.Reason]uint64 { return s.Stats().Rejected }

// T06: what last values take is bounded by LastValueBytes, whatever their topics and their sizes are.
func TestLastValuesKeepTheirLimit(t *testing.T) {
	const limit = 1 << 20
	for _, size := range []int{0, 13, 1000, 100_000, limit / 3} {
		for _, received := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, received: %v", size, received), func(t *testing.T) {
				leak.Check(t)
				ctx := testkit.Watchdog(t)
				x := zmq.NewXPub(&zmq.XPubOptions{LastValues: 1 << 20, LastValueBytes: limit})
				push, pull := zmq.NewPush(nil), zmq.NewPull(nil)
				testkit.CloseAll(t, x, push, pull)
				testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
				message := func(i int) *spry.Message { return zmq.NewMessage(fmt.Appendf(nil, "%08d", i), make([]byte, size)) }
				pass := func(i int) {
					m := message(i)
					if received { // together with others, which are not kept
						for range 3 {
							testkit.Check(t, push.Send(ctx, []byte("noise"), make([]byte, 1000)))
						}
						testkit.Check(t, push.SendMsg(ctx, m))
						var err error
						for range 4 {
							m, err = pull.RecvMsg(ctx)
							testkit.Check(t, err)
						}
					}
					testkit.Check(t, x.SendMsg(ctx, m))
				}
				pass(0)
				before := testkit.Heap()
				for i := range min(8_000, 3*limit/(size+100)) {
					pass(i)
				}
				keepsWithin(t, before, 2, limit)
				if why := testkit.Unbalanced(x.Stats()); why != "" {
					t.Error(why)
				}
			})
		}
	}
}
