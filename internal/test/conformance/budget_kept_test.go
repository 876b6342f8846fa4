// SPDX-License-Identifier: MIT

package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What a socket keeps for itself counts: messages that ended pipes gave back, last values, and changes that nobody has asked
// for.

// Messages that a pipe gives back count until another pipe has them.
func TestBudgetCountsReturnedMessages(t *testing.T) {
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	friend, friendly, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	for name, security := range map[string][2]spry.Security{
		"plain": {}, "sealed": {zmq.CurveServer{Secret: secret, Check: zmq.AllowKeys(friend)}, zmq.CurveClient{Secret: friendly, Server: public}},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			budget := spry.NewBudget(spry.BudgetConfig{Bytes: 16 << 20})
			unused(t, budget)
			push := spry.NewPush(&spry.PushOptions{Options: spry.Options{
				Budget: budget, Security: security[0], Dialects: []string{"zmtp"}, SendQueueBytes: memoryLimit,
			}})
			testkit.CloseAll(t, push)
			e := testkit.ListenOn(t, push, "zmtp+tcp")
			receiver := func() *spry.Pull {
				o := spry.Options{Security: security[1], Dialects: []string{"zmtp"}, RecvQueue: 1}
				p := spry.NewPull(&spry.PullOptions{Options: o})
				testkit.DialTo(t, p, e)
				testkit.Check(t, push.WaitPipes(ctx, 1))
				return p
			}
			first := receiver()
			for push.TrySendMsg(spry.WrapMessage(make([]byte, 2000), nil)) == nil || push.Stats().Send.QueuedBytes < memoryLimit*3/4 {
			}
			testkit.Check(t, first.Close())
			var returned int64
			testkit.Eventually(t, "what the first receiver gave back counts", func() bool {
				st := push.Stats()
				returned = int64(st.Send.Returned) * 2000
				return returned > 0 && st.Send.Queued == 0 && budget.Stats().Bytes >= returned
			})
			if used := budget.Stats().Bytes; used > 2*returned {
				t.Errorf("%d bytes were given back, and the budget counts %d", returned, used)
			}
			second := receiver()
			defer second.Close()
			for range returned / 2000 {
				_, err := second.Recv(ctx)
				testkit.Check(t, err)
			}
			testkit.Eventually(t, "nothing is in use", func() bool { return budget.Stats().Bytes == 0 })
		})
	}
}

// Last values count, and do not grow while the budget has no room.
func TestBudgetBoundsLastValues(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	const limit, size = 1 << 20, 10_000
	budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
	unused(t, budget)
	pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 100_000, Options: spry.Options{Budget: budget, Heartbeat: -1}})
	sub := spry.NewSub(nil)
	testkit.CloseAll(t, pub, sub)
	before := testkit.Heap()
	topic := func(i int) string { return fmt.Sprintf("topic %d", i) }
	const topics = 5 * limit / size
	for i := range topics {
		testkit.Check(t, pub.Send(ctx, []byte(topic(i)), make([]byte, size)))
	}
	if st := budget.Stats(); st.PeakBytes > limit || st.Bytes < limit/2 {
		t.Errorf("last values of %d bytes use %d of the budget, and at most %d", topics*size, st.Bytes, st.PeakBytes)
	}
	if grown := int64(testkit.Heap()) - int64(before); grown > limit+memorySlack {
		t.Errorf("last values take %d KiB and the budget is %d KiB", grown>>10, limit>>10)
	}
	testkit.Check(t, sub.Subscribe(topic(topics-1)))
	testkit.DialTo(t, sub, testkit.ListenOn(t, pub, "inproc"))
	m, err := sub.RecvMsg(ctx)
	testkit.Check(t, err)
	if got := string(m.Bytes()); !strings.HasPrefix(got, topic(topics-1)) || len(got) < size {
		t.Errorf("the last value of the newest topic is %d bytes, %.20q", len(got), got)
	}
}

// An application does not ask which topics are not wanted any more: what it would hear counts.
func TestBudgetCountsChangesOfTopics(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	const topics = 2000
	budget := spry.NewBudget(spry.BudgetConfig{Bytes: 16 << 20})
	unused(t, budget)
	pub := zmq.NewXPub(&zmq.XPubOptions{Options: spry.Options{Budget: budget, Heartbeat: -1}})
	testkit.CloseAll(t, pub)
	peer := attached(t, pub, "SUB", true)
	go func() {
		var says strings.Builder
		for i := range topics {
			says.WriteString(testkit.Command("SUBSCRIBE", fmt.Sprintf("topic %d", i)))
		}
		_, _ = peer.Write([]byte(says.String()))
	}()
	next := func(wanted bool) {
		t.Helper()
		for v, err := range pub.Subscriptions(ctx) {
			testkit.Check(t, err)
			if v.Cancelled == wanted {
				t.Fatalf("a change is of %q, cancelled: %v", v.Topic, v.Cancelled)
			}
			break
		}
	}
	for range topics {
		next(true)
	}
	testkit.Check(t, peer.Close())
	testkit.Eventually(t, "the peer is gone", func() bool { return len(pub.Stats().Pipes) == 0 || !pub.Stats().Pipes[0].Live })
	testkit.Eventually(t, "what nobody wants any more is counted", func() bool { return budget.Stats().Bytes >= topics*100 })
	for range topics {
		next(false)
	}
}
