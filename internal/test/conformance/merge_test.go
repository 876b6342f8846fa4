// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Merge is fair: with all sockets busy, none is more than one message ahead of another. It ends when all are closed.
func TestMergeIsFair(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		const sources, each = 3, 200
		var receivers []spry.Receiver
		var pulls []*spry.Pull
		for i := range sources {
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			l.join(t, push, pull)
			for range each {
				testkit.Check(t, push.Send(testkit.Watchdog(t), []byte{byte(i)}))
			}
			testkit.Eventually(t, "everything is queued", func() bool { return pull.Stats().Recv.Queued == each })
			testkit.Shut(t, push)
			receivers, pulls = append(receivers, pull), append(pulls, pull)
		}
		var got [sources]int
		taken, apart := 0, 0
		for m, err := range spry.Merge(testkit.Watchdog(t), receivers...) {
			testkit.Check(t, err)
			got[m.Bytes()[0]]++
			if high := max(got[0], got[1], got[2]); high < each {
				apart = max(apart, high-min(got[0], got[1], got[2]))
			}
			if taken++; taken == sources*each {
				for _, p := range pulls {
					go p.Close() // ends the loop
				}
			}
		}
		if apart > 1 {
			t.Errorf("one socket was %d messages ahead of another", apart)
		}
		if got != [sources]int{each, each, each} {
			t.Errorf("the sockets gave %v messages", got)
		}
		for _, p := range pulls {
			testkit.Shut(t, p)
		}
	})
}

// Merge yields its context's end once, whatever its goroutines are at.
func TestMergeYieldsTheEndOfItsContext(t *testing.T) {
	a, b := spry.NewPull(nil), spry.NewPull(nil)
	defer a.Close()
	defer b.Close()
	for i := range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		errs := 0
		for m, err := range spry.Merge(ctx, a, b) {
			if m.Message != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("Merge yielded %v, %v", m, err)
			}
			errs++
		}
		if errs != 1 {
			t.Fatalf("round %d: Merge yielded the context's end %d times, want once", i, errs)
		}
	}
}

// What Merge had received and did not yield is the next to be received.
func TestMergeThatIsLeftGivesBack(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		const each = 10
		var receivers []spry.Receiver
		var pulls []*spry.Pull
		for range 2 {
			push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
			l.join(t, push, pull)
			testkit.CloseAll(t, push)
			for i := range each {
				testkit.Check(t, push.Send(testkit.Watchdog(t), []byte{byte(i)}))
			}
			testkit.Eventually(t, "everything is queued", func() bool { return pull.Stats().Recv.Queued == each })
			receivers, pulls = append(receivers, pull), append(pulls, pull)
		}
		next := make(map[spry.Receiver]byte)
		yielded := 0
		for m, err := range spry.Merge(testkit.Watchdog(t), receivers...) {
			testkit.Check(t, err)
			if m.Bytes()[0] != next[m.From] {
				t.Errorf("number %d came, want %d", m.Bytes()[0], next[m.From])
			}
			next[m.From]++
			if yielded++; yielded == 5 {
				break
			}
		}
		for _, p := range pulls {
			for i := next[p]; i < each; i++ {
				m, err := p.RecvMsg(testkit.Watchdog(t))
				testkit.Check(t, err)
				if m.Bytes()[0] != i {
					t.Errorf("after Merge number %d came, want %d", m.Bytes()[0], i)
				}
			}
			testkit.Shut(t, p)
			if st := p.Stats().Recv; st.Delivered != each || len(st.Dropped) > 0 {
				t.Errorf("%d of %d count as delivered, and as dropped: %v", st.Delivered, each, st.Dropped)
			}
		}
	})
}

// While Merge waits, each socket has a goroutine that receives. When the loop is left, what it has received meanwhile goes back.
func TestMergeThatWaitedGivesBack(t *testing.T) {
	leak.Check(t)
	o := testkit.Private()
	var pulls [2]*spry.Pull
	var pushes [2]*spry.Push
	for i := range pulls {
		pushes[i], pulls[i] = spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		testkit.DialTo(t, pushes[i], testkit.ListenOn(t, pulls[i], "inproc"))
	}
	ctx := testkit.Watchdog(t)
	testkit.Check(t, pushes[0].Send(ctx, nil))
	for m, err := range spry.Merge(ctx, pulls[0], pulls[1]) {
		testkit.Check(t, err)
		if m.From == pulls[0] { // and Merge has looked at the other one, which has nothing
			testkit.Check(t, pushes[0].Send(ctx, nil))
			if pulls[0].Stats().Recv.Arrived < 3 {
				continue
			}
			testkit.Check(t, pushes[1].Send(ctx, []byte("late")))
			testkit.Eventually(t, "the goroutine has it", func() bool { return pulls[1].Stats().Recv.Delivered == 1 })
			break
		}
	}
	if st := pulls[1].Stats().Recv; st.Queued != 1 || st.Delivered != 0 {
		t.Errorf("%d messages are queued and %d delivered, want 1 and 0", st.Queued, st.Delivered)
	}
	if body, err := pulls[1].Recv(ctx); string(body) != "late" || err != nil {
		t.Errorf("%q came, %v", body, err)
	}
	for i := range pulls {
		testkit.Shut(t, pushes[i])
		testkit.Check(t, pulls[i].Close())
	}
}

// Merge says where a message came from, requests of a Rep and what a receiver fails with included.
func TestMergeYieldsTheSource(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, push, pull)
		l.join(t, req, rep)
		testkit.Check(t, push.Send(ctx, []byte("job")))
		call, err := req.Start(spry.WrapMessage([]byte("question"), nil))
		testkit.Check(t, err)
		came := make(map[string]bool)
		for m, err := range spry.Merge(ctx, pull, rep) {
			testkit.Check(t, err)
			came[string(m.Bytes())] = true
			switch m.From {
			case pull:
				if string(m.Bytes()) != "job" || m.Request() != nil {
					t.Errorf("the Pull gave %q, with the request %v", m.Bytes(), m.Request())
				}
			case rep:
				if string(m.Bytes()) != "question" {
					t.Errorf("the Rep gave %q", m.Bytes())
				}
				testkit.Check(t, m.Request().Reply(ctx, []byte("answer")))
			default:
				t.Errorf("a message of %v", m.From)
			}
			if len(came) == 2 {
				break
			}
		}
		reply, err := call.Wait(ctx)
		if err != nil || string(reply.Bytes()) != "answer" {
			t.Errorf("the reply is %q, %v", reply.Bytes(), err)
		}
		testkit.Shut(t, push, pull, req, rep)
	})
	broken := brokenSocket{}
	for m, err := range spry.Merge(testkit.Watchdog(t), broken) {
		if err == nil || m.From != broken || m.Message != nil {
			t.Errorf("Merge of a receiver that panics yields %+v, %v", m, err)
		}
	}
}
