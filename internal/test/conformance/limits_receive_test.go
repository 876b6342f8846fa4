// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// T06 for the limits of receive queues: whatever reaches one, by count or by bytes, the queue ends there, what is over it waits or
// is dropped and counted as the policy says, and the heap is bounded by the limit.

// A receiver is a socket that does not receive, and whose peer sends it small messages.
type limitedReceiver struct {
	hoarder
	drops bool // rather than waits
	open  func(o spry.Options) testkit.Socket
	body  string // of a message, without its number
}

func subbed(s interface {
	testkit.Socket
	Subscribe(...string) error
},
) testkit.Socket {
	_ = s.Subscribe("")
	return s
}

func limitedReceivers() (all []limitedReceiver) {
	add := func(schema, name string, peer spry.Protocol, kind string, drops bool, body string, open func(o spry.Options) testkit.Socket) {
		all = append(all, limitedReceiver{hoarder{name: name, schema: schema, peer: peer, kind: kind}, drops, open, body})
	}
	add("sp", "Pull", spry.ProtocolPush, "", false, "", func(o spry.Options) testkit.Socket { return spry.NewPull(&spry.PullOptions{Options: o}) })
	add("sp", "Pair", spry.ProtocolPair1, "", false, "\x00\x00\x00\x01", func(o spry.Options) testkit.Socket { return spry.NewPair(&spry.PairOptions{Options: o}) })
	add("sp", "PairPoly", spry.ProtocolPair1, "", false, "\x00\x00\x00\x01", func(o spry.Options) testkit.Socket { return spry.NewPairPoly(&spry.PairOptions{Options: o}) })
	add("sp", "Rep", spry.ProtocolReq, "", false, request, func(o spry.Options) testkit.Socket { return spry.NewRep(&spry.RepOptions{Options: o}) })
	add("sp", "Respondent", spry.ProtocolSurveyor, "", false, request, func(o spry.Options) testkit.Socket { return spry.NewRespondent(&spry.RespondentOptions{Options: o}) })
	zmqPair := func(o spry.Options) testkit.Socket { return zmq.NewPair(&o) }
	add("zmtp", "zmq.Pull", 0, "PUSH", false, "", func(o spry.Options) testkit.Socket { return zmq.NewPull(&zmq.PullOptions{Options: o}) })
	add("zmtp", "zmq.Pair", 0, "PAIR", false, "", zmqPair)
	add("zmtp", "zmq.Dealer", 0, "ROUTER", false, "", func(o spry.Options) testkit.Socket { return zmq.NewDealer(&zmq.DealerOptions{Options: o}) })
	add("zmtp", "zmq.Router", 0, "DEALER", false, "", func(o spry.Options) testkit.Socket { return zmq.NewRouter(&zmq.RouterOptions{Options: o}) })
	add("zmtp", "zmq.Server", 0, "CLIENT", false, "", func(o spry.Options) testkit.Socket { return zmq.NewServer(&o) })
	add("zmtp", "zmq.XSub", 0, "PUB", false, "", func(o spry.Options) testkit.Socket { return subbed(zmq.NewXSub(&zmq.XSubOptions{Options: o})) })
	add("zmtp", "zmq.XPub", 0, "XSUB", false, "\x07", func(o spry.Options) testkit.Socket { return zmq.NewXPub(&zmq.XPubOptions{Options: o}) })
	for policy, drops := range map[spry.Overflow]bool{spry.DropOldest: true, spry.DropNewest: true, spry.Block: false} {
		add("sp", fmt.Sprint("Sub ", policy), spry.ProtocolPub, "", drops, "", func(o spry.Options) testkit.Socket {
			return subbed(spry.NewSub(&spry.SubOptions{Overflow: policy, Options: o}))
		})
		add("zmtp", fmt.Sprint("zmq.Sub ", policy), 0, "PUB", drops, "", func(o spry.Options) testkit.Socket {
			return subbed(zmq.NewSub(&zmq.SubOptions{Overflow: policy, Options: o}))
		})
	}
	return all
}

// T06: what waits to be received stays within each limit.
func TestReceiversKeepTheirLimits(t *testing.T) {
	for _, r := range limitedReceivers() {
		for _, scheme := range []string{"tcp", "ipc"} {
			if r.schema == "zmtp" {
				scheme = "zmtp+" + scheme
			}
			for _, listening := range []bool{true, false} {
				t.Run(r.name+"/"+scheme+role(listening)+"/count", func(t *testing.T) {
					r.test(t, scheme, listening, spry.Options{RecvQueue: 700, RecvQueueBytes: -1})
				})
				t.Run(r.name+"/"+scheme+role(listening)+"/bytes", func(t *testing.T) {
					r.test(t, scheme, listening, spry.Options{RecvQueue: -1, RecvQueueBytes: 300_000})
				})
			}
		}
	}
}

// message is what the peer sends as number i: as many bytes as in all others.
func (r limitedReceiver) message(typed bool, i int) []byte {
	body := binary.BigEndian.AppendUint32([]byte(r.body), uint32(i))
	body = append(body, make([]byte, 100)...)
	if r.schema == "zmtp" {
		return []byte(testkit.ShortFrame("\x00", string(body)))
	}
	return testkit.Frame(typed, body)
}

func (r limitedReceiver) test(t *testing.T, scheme string, listening bool, o spry.Options) {
	leak.Check(t)
	const messages = 6_000
	s := r.open(o)
	defer s.Close()
	peer := r.connect(t, s, scheme, listening)
	before := testkit.Heap()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := 0; i < messages; {
			var block bytes.Buffer
			for ; block.Len() < 16<<10 && i < messages; i++ {
				block.Write(r.message(peer.Typed, i))
			}
			if _, err := peer.Write(block.Bytes()); err != nil {
				return // the test is over
			}
		}
	}()
	full := func(st spry.RecvStats) bool { // with one message more it would be over the limit
		each := st.QueuedBytes / int64(max(st.Queued, 1))
		return o.RecvQueue > 0 && st.Queued == uint64(o.RecvQueue) || o.RecvQueueBytes > 0 && st.QueuedBytes+each > o.RecvQueueBytes
	}
	testkit.Eventually(t, "the queue is full", func() bool {
		st := s.Stats().Recv
		return full(st) && (!r.drops || st.Arrived == messages)
	})
	for range 20 { // it stays so
		st := s.Stats().Recv
		if o.RecvQueue > 0 && st.Queued > uint64(o.RecvQueue) || o.RecvQueueBytes > 0 && st.QueuedBytes > o.RecvQueueBytes || !full(st) {
			t.Fatalf("%d messages of %d bytes are queued", st.Queued, st.QueuedBytes)
		}
		want := uint64(0)
		if r.drops {
			want = messages - st.Queued
		}
		if st.Dropped["overflow"] != want || testkit.Sum(st.Dropped) != want || st.Arrived != st.Queued+want {
			t.Fatalf("of %d messages %d are queued and dropped are %v", st.Arrived, st.Queued, st.Dropped)
		}
		time.Sleep(time.Millisecond)
	}
	keepsWithin(t, before, 1, s.Stats().Recv.QueuedBytes)
	testkit.Check(t, s.Close())
	_ = peer.Close()
	<-written
	if why := testkit.Unbalanced(s.Stats()); why != "" {
		t.Error(why)
	}
	if st := s.Stats().Recv; st.Queued != 0 || st.Dropped["closed"] == 0 {
		t.Errorf("what was queued when the socket closed is counted as %v", st.Dropped)
	}
}
