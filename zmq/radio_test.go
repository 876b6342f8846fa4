// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A Dish gets what is sent to the groups that it joined, which are whole names and not prefixes.
func TestGroups(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		ctx := testkit.Watchdog(t)
		radio, dish, other := zmq.NewRadio(nil), zmq.NewDish(nil), zmq.NewDish(nil)
		longest := strings.Repeat("g", 255)
		testkit.Check(t, dish.Join("a", longest))
		e := testkit.ListenOn(t, radio, scheme)
		testkit.DialTo(t, dish, e)
		testkit.DialTo(t, other, e)
		testkit.Check(t, other.Join("ab", ""))
		testkit.Check(t, radio.WaitSubscribers(ctx, "a", 1))
		testkit.Check(t, radio.WaitSubscribers(ctx, longest, 1))
		testkit.Check(t, radio.WaitSubscribers(ctx, "ab", 1))
		testkit.Check(t, radio.WaitSubscribers(ctx, "", 1))
		for _, group := range []string{"ab", "a", "b", "", longest} {
			testkit.Check(t, radio.Send(ctx, group, []byte("to "+group)))
		}
		for d, groups := range map[*zmq.Dish][]string{dish: {"a", longest}, other: {"ab", ""}} {
			for _, want := range groups {
				group, body, err := d.Recv(ctx)
				testkit.Check(t, err)
				if group != want || string(body) != "to "+want {
					t.Errorf("got %.20q to %.20q, want it to %.20q", body, group, want)
				}
			}
			quiet(t, d)
		}
		testkit.Check(t, radio.SendMsg(ctx, message("a", "frames")))
		expect(t, dish, "a", "frames")
		testkit.Check(t, radio.Send(ctx, "a", nil))
		expect(t, dish, "a", "")

		testkit.Check(t, dish.Join("a"))
		testkit.Check(t, dish.Leave("a")) // once of two
		testkit.Check(t, dish.Join("mark"))
		testkit.Check(t, radio.WaitSubscribers(ctx, "mark", 1))
		testkit.Check(t, radio.Send(ctx, "a", []byte("still")))
		expect(t, dish, "a", "still")
		testkit.Check(t, dish.Leave("a", "mark"))
		testkit.Wants(t, dish.Leave("a"), spry.ErrNotSubscribed)
		testkit.Check(t, dish.Join("end"))
		testkit.Check(t, radio.WaitSubscribers(ctx, "end", 1))
		testkit.Check(t, radio.Send(ctx, "a", []byte("nobody")))
		testkit.Check(t, radio.Send(ctx, "end", nil))
		expect(t, dish, "end", "")
		testkit.Shut(t, radio, dish, other)
	})
}

func TestGroupsHaveNames(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	radio, dish := zmq.NewRadio(nil), zmq.NewDish(nil)
	join(t, "inproc", dish, radio)
	for _, bad := range []string{strings.Repeat("g", 256), "a\x00b"} {
		testkit.Wants(t, dish.Join("good", bad), spry.ErrConfig, "group")
		testkit.Wants(t, radio.Send(ctx, bad, nil), spry.ErrConfig, "group")
		m := message(bad, "body")
		testkit.Wants(t, radio.SendMsg(ctx, m), spry.ErrConfig)
		is(t, framesOf(m), bad, "body")
	}
	testkit.Wants(t, dish.Leave("good"), spry.ErrNotSubscribed) // none of a call that failed was joined
	for _, frames := range [][]string{{"group"}, {"group", "body", "more"}} {
		m := message(frames...)
		testkit.Wants(t, radio.SendMsg(ctx, m), zmq.ErrFrames)
		is(t, framesOf(m), frames...)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	testkit.Wants(t, radio.WaitSubscribers(gone, "x", 1), context.Canceled)
	if _, _, err := dish.Recv(gone); err == nil {
		t.Error("receiving with a context that is over")
	}
	testkit.Shut(t, radio, dish)
}

// A peer that is not as a RADIO should be harms nobody: its messages are counted.
func TestMessagesWithoutAGroup(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	dish := zmq.NewDish(nil)
	testkit.Check(t, dish.Join("", "g"))
	e := testkit.ListenOn(t, dish, "tcp")
	c := rawPeer(t, e, testkit.OpenAs("RADIO")+"\x00\x01g"+"\x01\x01g\x01\x01b\x00\x01c"+"\x00\x00"+"\x01\x01g\x00\x04good")
	group, body, err := dish.Recv(ctx)
	testkit.Check(t, err)
	if group != "g" || string(body) != "good" {
		t.Errorf("got %q to %q", body, group)
	}
	if d := dish.Stats().Recv.Dropped; testkit.Sum(d) != 3 {
		t.Errorf("dropped are %v", d)
	}
	_ = c.Close()
	testkit.Eventually(t, "it is gone", func() bool { return dish.Stats().Endpoints[0].Pipes == 0 })
	testkit.Shut(t, dish)
}

func TestRadioWaitsWhereItShould(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	radio := zmq.NewRadio(&zmq.RadioOptions{Options: zmq.Options{SendQueue: 1}, Overflow: spry.Block})
	dish := zmq.NewDish(&zmq.DishOptions{Options: zmq.Options{RecvQueue: 1}, Overflow: spry.Block})
	testkit.Check(t, dish.Join("g"))
	join(t, "inproc", dish, radio)
	testkit.Check(t, radio.WaitSubscribers(ctx, "g", 1))
	sent := make(chan error)
	go func() {
		for range 10 {
			if err := radio.Send(ctx, "g", []byte("x")); err != nil {
				sent <- err
			}
		}
		sent <- nil
	}()
	for range 10 {
		expect(t, dish, "g", "x")
	}
	testkit.Check(t, <-sent)
	testkit.Shut(t, radio, dish)
}
