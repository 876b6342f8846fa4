// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// large is the size of messages that only links without a limit carry.
const large = 40_000

// A limitedHub is a socket that listens for peers whose links have different limits.
type limitedHub struct {
	testkit.Socket
	t   *testing.T
	net *simnet.Net
	url string
}

func newLimitedHub(t *testing.T, n *simnet.Net, s testkit.Socket) limitedHub {
	t.Helper()
	h := limitedHub{s, t, n, fmt.Sprintf("simmsg://hub%d", testkit.Fresh())}
	_, err := s.ListenWith(testkit.Watchdog(t), &spry.ListenConfig{URL: h.url})
	testkit.Check(t, err)
	return h
}

// join connects a peer by a link with this limit; 0 = none.
func (h limitedHub) join(peer testkit.Socket, limit int64) {
	h.t.Helper()
	h.net.SetLinkOptions(simnet.LinkOptions{MaxMessage: limit})
	n := len(live(h))
	_, err := peer.DialWith(testkit.Watchdog(h.t), &spry.DialConfig{URL: h.url})
	testkit.Check(h.t, err)
	testkit.Check(h.t, h.WaitPipes(testkit.Watchdog(h.t), n+1))
}

// leave closes a peer and waits until the hub knows.
func (h limitedHub) leave(peer testkit.Socket) {
	h.t.Helper()
	n := len(live(h))
	testkit.Check(h.t, peer.Close())
	testkit.Eventually(h.t, "the pipe of the peer that left is over", func() bool { return len(live(h)) < n })
}

// Of several peers, a message goes to those whose links carry it. Where there is none any more, sending fails and names the
// largest of the limits.
func TestPushPassesOverLinksThatAreTooSmall(t *testing.T) {
	for _, least := range []bool{false, true} {
		for _, batch := range []bool{false, true} {
			t.Run(fmt.Sprintf("least loaded %v, in batches %v", least, batch), func(t *testing.T) {
				leak.Check(t)
				ctx := testkit.Watchdog(t)
				n := simnet.New(1)
				o := testkit.Simulated(n)
				push := spry.NewPush(&spry.PushOptions{Options: o, LeastLoaded: least})
				hub := newLimitedHub(t, n, push)
				var pulls []*spry.Pull
				for _, limit := range []int64{0, 500, linkLimit} {
					pulls = append(pulls, spry.NewPull(&spry.PullOptions{Options: o}))
					hub.join(pulls[len(pulls)-1], limit)
				}
				before := live(push)
				send := func(m *spry.Message) error {
					if !batch {
						return push.SendMsg(ctx, m)
					}
					_, err := push.SendBatch(ctx, []*spry.Message{m})
					return err
				}
				const messages = 30
				for range messages {
					testkit.Check(t, send(zeros(large)))
					if got, err := lengthOf(pulls[0].RecvMsg(ctx)); err != nil || got != large {
						t.Fatalf("a large message arrived as %d bytes: %v", got, err)
					}
				}
				if now := live(push); fmt.Sprint(now) != fmt.Sprint(before) {
					t.Errorf("the pipes were %v and are %v", before, now)
				}
				hub.leave(pulls[0])
				for range messages {
					testkit.Check(t, send(zeros(linkLimit)))
					if got, err := lengthOf(pulls[2].RecvMsg(ctx)); err != nil || got != linkLimit {
						t.Fatalf("a message as large as the link carries arrived as %d bytes: %v", got, err)
					}
				}
				for range messages {
					if err := send(zeros(large)); !errors.Is(err, spry.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(linkLimit)) {
						t.Fatalf("a message that no link carries: %v", err)
					}
				}
				testkit.Shut(t, push, pulls[1], pulls[2])
			})
		}
	}
}

// What a dead pipe gives back and no other carries waits for one that does. It holds up nothing that the others carry.
func TestReturnedMessagesLargerThanTheLinksLeft(t *testing.T) {
	for _, least := range []bool{false, true} {
		t.Run(fmt.Sprintf("least loaded %v", least), func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			n := simnet.New(1)
			o := testkit.Simulated(n)
			o.SendQueue, o.RecvQueue, o.Backoff = 8, 8, spry.Backoff{Min: time.Hour, Max: time.Hour}
			push := spry.NewPush(&spry.PushOptions{Options: o, LeastLoaded: least})
			hub := newLimitedHub(t, n, push)
			pulls := make([]*spry.Pull, 3)
			for i := range pulls {
				pulls[i] = spry.NewPull(&spry.PullOptions{Options: o})
			}
			hub.join(pulls[0], 0)
			first := onlyPipe(push)
			waits := make(chan error, 1)
			go func() { // until the peer, which does not receive, its link and the queue are full
				err := error(nil)
				for err == nil {
					err = push.SendMsg(ctx, zeros(large))
				}
				waits <- err
			}()
			testkit.Eventually(t, "the queues are full, of which that to be sent asks for more when it is half empty", func() bool {
				return pulls[0].Stats().Recv.Queued == 8 && push.Stats().Send.Queued > 4
			})
			hub.join(pulls[1], linkLimit)
			testkit.Check(t, first.Close())
			<-first.Done()
			if err := <-waits; !errors.Is(err, spry.ErrTooLarge) {
				t.Errorf("who waited for the peer that lost its pipe: %v", err)
			}
			if push.Stats().Pending == 0 {
				t.Error("nothing was given back")
			}
			pending := push.Stats().Pending
			for range 20 {
				testkit.Check(t, push.Send(ctx, []byte("small")))
				if got, err := lengthOf(pulls[1].RecvMsg(ctx)); err != nil || got != 5 {
					t.Fatalf("5 bytes arrived as %d: %v", got, err)
				}
			}
			if now := push.Stats().Pending; now != pending {
				t.Errorf("%d messages waited, and now %d do", pending, now)
			}
			hub.join(pulls[2], 0)
			for range pending {
				if got, err := lengthOf(pulls[2].RecvMsg(ctx)); err != nil || got != large {
					t.Fatalf("a large message arrived as %d bytes: %v", got, err)
				}
			}
			if now := push.Stats().Pending; now != 0 {
				t.Errorf("%d messages wait", now)
			}
			testkit.Shut(t, push, pulls[0], pulls[1], pulls[2])
		})
	}
}

// What waits for the first peer fails when that comes and its link is too small. What the link carries goes on.
func TestSendWaitsForPeerWhoseLinkIsTooSmall(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	n := simnet.New(1)
	o := testkit.Simulated(n)
	push, req := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewReq(&spry.ReqOptions{Options: o})
	pull, rep := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	if err := push.TrySendMsg(zeros(large)); !errors.Is(err, spry.ErrWouldBlock) {
		t.Errorf("TrySendMsg without a peer: %v", err)
	}
	waits := make(chan error, 2)
	go func() { waits <- push.SendMsg(ctx, zeros(large)) }()
	first, err := req.Start(zeros(large))
	testkit.Check(t, err)
	second, err := req.Start(zeros(1))
	testkit.Check(t, err)
	newLimitedHub(t, n, push).join(pull, linkLimit)
	newLimitedHub(t, n, req).join(rep, linkLimit)
	if err := <-waits; !errors.Is(err, spry.ErrTooLarge) {
		t.Errorf("a Send that waited: %v", err)
	}
	if _, err := first.Wait(ctx); !errors.Is(err, spry.ErrTooLarge) {
		t.Errorf("a request that waited: %v", err)
	}
	r, err := rep.Recv(ctx)
	testkit.Check(t, err)
	testkit.Check(t, r.Reply(ctx, nil))
	_, err = second.Wait(ctx)
	testkit.Check(t, err)
	testkit.Shut(t, push, req, pull, rep)
}

// A request goes to a peer whose link carries it, and ends if the last such peer has gone before it answered.
func TestRequestLargerThanTheLinksLeft(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	n := simnet.New(1)
	o := testkit.Simulated(n)
	o.SendQueue = 1
	req := spry.NewReq(&spry.ReqOptions{Options: o, Retry: time.Hour})
	hub := newLimitedHub(t, n, req)
	small, big := spry.NewRep(&spry.RepOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	hub.join(small, linkLimit)
	hub.join(big, 0)
	const requests = 40 // more than the peer that answers none, its link and the queue take
	var calls []*spry.Call
	for range requests {
		c, err := req.Start(zeros(large))
		testkit.Check(t, err)
		calls = append(calls, c)
	}
	r, err := big.Recv(ctx)
	testkit.Check(t, err)
	testkit.Check(t, r.Reply(ctx, []byte("good")))
	if _, err := calls[0].Wait(ctx); err != nil {
		t.Errorf("the call that was answered: %v", err)
	}
	hub.leave(big)
	for _, c := range calls[1:] {
		if _, err := c.Wait(ctx); !errors.Is(err, spry.ErrTooLarge) {
			t.Errorf("a call that no link carries any more: %v", err)
		}
	}
	go func() {
		for r, err := range small.Requests(ctx) {
			if err == nil {
				_ = r.Reply(ctx, nil)
			}
		}
	}()
	_, err = req.Do(ctx, []byte("small"))
	testkit.Check(t, err)
	testkit.Shut(t, req, small)
}

// A proxy goes on when a message does not fit where it is to go, and counts it.
func TestProxyOfMessagesLargerThanALink(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	n := simnet.New(1)
	o := testkit.Simulated(n)
	front, err := spry.NewRaw(spry.ProtocolRep, &o)
	testkit.Check(t, err)
	back, err := spry.NewRaw(spry.ProtocolReq, &o)
	testkit.Check(t, err)
	req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
	newLimitedHub(t, n, front).join(req, 2*linkLimit)
	newLimitedHub(t, n, back).join(rep, linkLimit)
	over := make(chan error, 1)
	go func() { over <- spry.Proxy(ctx, front, back, nil) }()
	lost, err := req.Start(zeros(linkLimit))
	testkit.Check(t, err)
	for range 3 {
		c, err := req.Start(zeros(linkLimit - 8)) // two words of routing header
		testkit.Check(t, err)
		r, err := rep.Recv(ctx)
		testkit.Check(t, err)
		testkit.Check(t, r.Reply(ctx, r.Bytes()))
		got, err := lengthOf(c.Wait(ctx))
		if err != nil || got != linkLimit-8 {
			t.Errorf("the reply has %d bytes: %v", got, err)
		}
	}
	if dropped := front.Stats().Recv.Dropped; dropped["too_large"] != 1 || testkit.Sum(dropped) != 1 {
		t.Errorf("dropped: %v", dropped)
	}
	lost.Cancel()
	testkit.Shut(t, req, rep, front, back)
	<-over
}
