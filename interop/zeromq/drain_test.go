// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
)

// drainMessages is how many messages a foreign sender sends while one of its two receivers drains.
var drainMessages = func() int {
	if kit.Long {
		return 10_000
	}
	return 2_000
}()

const drainSize = 1024

// A foreignSender is a PUSH at work. finish waits until it has sent drainMessages numbered ones, and has it send more, of which
// at least one is for the receiver that stayed.
type foreignSender struct {
	library string
	start   func(t *testing.T, a, b kit.Address) (finish func())
}

var foreignSenders = []foreignSender{
	{kit.LibNNG, func(t *testing.T, a, b kit.Address) func() { return startPushC(t, "nng_send", a, b) }},
	{kit.LibNanomsg, func(t *testing.T, a, b kit.Address) func() { return startPushC(t, "nn_send", a, b) }},
	{kit.LibZMQ, func(t *testing.T, a, b kit.Address) func() { return startPushZMQ(t, a, b, args{"SNDHWM": 1000}) }},
	{kit.LibZMQ + " with IMMEDIATE", func(t *testing.T, a, b kit.Address) func() {
		return startPushZMQ(t, a, b, args{"SNDHWM": 1000, "IMMEDIATE": 1})
	}},
}

func startPushC(t *testing.T, program string, a, b kit.Address) func() {
	t.Helper()
	urls := a.URL
	if b.URL != a.URL {
		urls += "," + b.URL
	}
	p := kit.StartC(t, program, a.How(), urls, "push", "2", fmt.Sprint(drainMessages), fmt.Sprint(drainSize))
	return func() {
		t.Helper()
		p.WaitLine("sent")
		p.Continue()
	}
}

func startPushZMQ(t *testing.T, a, b kit.Address, options args) func() {
	t.Helper()
	p := startPeer(t, kit.LibZMQ)
	p.open("s", "PUSH", a, options)
	if b.URL != a.URL {
		p.attach("s", b)
	}
	sent := p.begin("sendmany", args{"socket": "s", "count": drainMessages, "size": drainSize})
	return func() {
		t.Helper()
		sent()
		p.do("sendmany", args{"socket": "s", "count": 2, "size": drainSize, "first": drainMessages}) // one may be for the other
	}
}

// TestDrainWithForeignSenders drains one of two receivers of a foreign PUSH at work. All that the sender gave to its kernel is
// delivered, because the connection is read to its orderly end. What is missing then is what the sender discarded, or keeps
// for the receiver that left: the log says how much.
func TestDrainWithForeignSenders(t *testing.T) {
	for _, f := range foreignSenders {
		for _, transport := range []string{"tcp", "ipc"} {
			for _, spryListens := range []bool{true, false} {
				r := kit.Row(f.library, "push – two pulls, one of which drains under load", transport, kit.Direction(spryListens))
				t.Run(strings.ReplaceAll(fmt.Sprintf("%s/%s/%s", f.library, transport, r.Direction), " ", "_"), func(t *testing.T) {
					kit.Results.Track(t, r, kit.Library)
					a := kit.NewAddress(t, transport, spryListens)
					b := a
					if spryListens {
						b = kit.NewAddress(t, transport, true)
					}
					if strings.HasPrefix(f.library, kit.LibZMQ) {
						a.Dialect, b.Dialect = "zmtp+", "zmtp+"
					}
					drainOneOfTwo(t, f, a, b)
				})
			}
		}
	}
}

func drainOneOfTwo(t *testing.T, f foreignSender, a, b kit.Address) {
	leaver, stayer := spry.NewPull(&spry.PullOptions{Options: kit.Options}), spry.NewPull(&spry.PullOptions{Options: kit.Options})
	var finish func()
	if a.SpryListens {
		kit.Attach(t, leaver, a)
		kit.Attach(t, stayer, b)
		finish = f.start(t, a, b)
	} else {
		finish = f.start(t, a, b)
		kit.Attach(t, leaver, a)
		kit.Attach(t, stayer, b)
	}
	kit.WaitPipes(t, leaver, 1)
	kit.WaitPipes(t, stayer, 1)
	var left pipes
	left.add(leaver.Socket)

	var drained, stayed []int
	var receiving, draining sync.WaitGroup
	receiving.Go(func() {
		stayed = receiveNumbers(t, stayer, func(_, number int) bool { return number < drainMessages })
	})
	drained = receiveNumbers(t, leaver, func(soFar, _ int) bool {
		if soFar == drainMessages/20 {
			draining.Go(func() { drainedToTheEnd(t, leaver) })
		}
		return true
	})
	draining.Wait()
	finish()
	receiving.Wait()
	endedByPeer(t, left)
	arrived, last := distinct(t, slices.Concat(drained, stayed)), slices.Max(drained)
	missing := 0
	for i := range drainMessages {
		if arrived[i] {
			continue
		}
		missing++
		if i < last {
			t.Errorf("message %d is missing, although %d came by the connection that ended", i, last)
		}
	}
	t.Logf("of %d messages %d came by the one that drained, %d by the other, and %d are missing",
		drainMessages, len(drained), len(stayed), missing)
}

// endedByPeer checks that connections were read to their ends, which may be in the middle of a message: no reset made a kernel
// discard anything.
func endedByPeer(t *testing.T, all pipes) {
	t.Helper()
	for p := range all {
		if err := p.Err(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a connection ended with %v", err)
		}
	}
}

// TestDrainWithForeignPublishers drains a subscriber of a foreign PUB at work: what comes is in order, and of libzmq, which drops
// nothing here, without a gap.
func TestDrainWithForeignPublishers(t *testing.T) {
	publishers := map[string]func(t *testing.T, a kit.Address) (publish func()){
		kit.LibNNG:     func(t *testing.T, a kit.Address) func() { return startPubC(t, "nng_send", a) },
		kit.LibNanomsg: func(t *testing.T, a kit.Address) func() { return startPubC(t, "nn_send", a) },
		kit.LibZMQ: func(t *testing.T, a kit.Address) func() {
			p := startPeer(t, kit.LibZMQ)
			p.open("s", "XPUB", a, nil)
			return func() {
				p.expect("s", []string{"x:01"}) // the subscription to everything
				p.begin("sendmany", args{"socket": "s", "count": drainMessages, "size": drainSize})
			}
		},
	}
	for name, start := range publishers {
		kit.EachWay(t, name, "pub – sub that drains under load", func(t *testing.T, a kit.Address) {
			leaver := spry.NewSub(&spry.SubOptions{Options: kit.Options, Overflow: spry.Block})
			testkit.Check(t, leaver.Subscribe(""))
			var publish func()
			if a.SpryListens {
				kit.Attach(t, leaver, a)
				publish = start(t, a)
			} else {
				publish = start(t, a)
				kit.Attach(t, leaver, a)
			}
			kit.WaitPipes(t, leaver, 1)
			publish()
			var left pipes
			left.add(leaver.Socket)
			var draining sync.WaitGroup
			numbers := receiveNumbers(t, leaver, func(soFar, _ int) bool {
				if soFar == drainMessages/20 {
					draining.Go(func() { drainedToTheEnd(t, leaver) })
				}
				return true
			})
			draining.Wait()
			endedByPeer(t, left)
			for i, n := range numbers[1:] {
				gap := n - numbers[i] - 1
				if gap < 0 || gap > 0 && name == kit.LibZMQ {
					t.Fatalf("message %d after %d", n, numbers[i])
				}
			}
		})
	}
}

// startPubC starts a publisher that waits for one subscriber and sends until it is killed.
func startPubC(t *testing.T, program string, a kit.Address) (publish func()) {
	t.Helper()
	kit.StartC(t, program, a.How(), a.URL, "pub", "1", fmt.Sprint(drainMessages), fmt.Sprint(drainSize))
	return func() {} // it has begun
}

// TestDrainWithForeignRequests drains one of two services of a foreign REQ at work: every request is answered, by one or the other.
func TestDrainWithForeignRequests(t *testing.T) {
	clients := map[string]func(t *testing.T, a kit.Address) (end func()){
		kit.LibNNG: func(t *testing.T, a kit.Address) func() {
			p := kit.StartC(t, "nng_req_contexts", a.How(), a.URL, "20", fmt.Sprint(drainMessages/20))
			return func() { p.WaitLine("answered") }
		},
		kit.LibNanomsg: func(t *testing.T, a kit.Address) func() {
			p := kit.StartC(t, "nn_ask", a.How(), a.URL, "req", fmt.Sprint(drainMessages), "64")
			return func() { p.WaitLine("answered") }
		},
		kit.LibZMQ: func(t *testing.T, a kit.Address) func() {
			p := startPeer(t, kit.LibZMQ)
			p.open("s", "REQ", a, args{"REQ_RELAXED": 1, "REQ_CORRELATE": 1})
			end := p.begin("ask", args{"socket": "s", "count": drainMessages, "size": 64, "retry_ms": 500})
			return func() { t.Logf("%s requests were sent again after half a second", end()) }
		},
	}
	for name, start := range clients {
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(name, "req – two reps, one of which drains under load", transport, "it listens"), kit.Library)
				a := kit.NewAddress(t, transport, false)
				if name == kit.LibZMQ {
					a.Dialect = "zmtp+"
				}
				answered := start(t, a)
				leaver, stayer := spry.NewRep(&spry.RepOptions{Options: kit.Options}), spry.NewRep(&spry.RepOptions{Options: kit.Options})
				kit.Attach(t, leaver, a)
				kit.Attach(t, stayer, a)
				var serving, draining sync.WaitGroup
				var handled, unanswered atomic.Int64
				for _, rep := range []*spry.Rep{leaver, stayer} {
					serving.Go(func() {
						err := rep.Serve(kit.Watched(t), 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
							if rep == leaver && handled.Add(1) == int64(drainMessages/20) {
								draining.Go(func() { drainedToTheEnd(t, leaver) })
							}
							if err := r.Reply(ctx, r.Bytes()); errors.Is(err, spry.ErrPipeClosed) && rep == leaver {
								unanswered.Add(1)
							} else if err != nil {
								t.Errorf("reply: %v", err)
							}
						}))
						if err != nil {
							t.Errorf("handle: %v", err)
						}
					})
				}
				answered()
				draining.Wait()
				t.Logf("of %d requests the one that drained executed %d, of which %d had no way back", drainMessages, handled.Load(), unanswered.Load())
				testkit.Check(t, errors.Join(leaver.Close(), stayer.Close()))
				serving.Wait()
			})
		}
	}
}

// receiveNumbers receives numbered messages until the socket is closed, or goOn, which is told how many came and what the
// last one's number is, says so. It returns the numbers, the last one without.
func receiveNumbers(t *testing.T, from interface {
	Messages(ctx context.Context) iter.Seq2[*spry.Message, error]
}, goOn func(soFar, number int) bool,
) (numbers []int) {
	for m, err := range from.Messages(kit.Watched(t)) {
		if err != nil {
			t.Errorf("receive: %v", err)
			return numbers
		}
		n := int(idOf(m.Bytes()))
		m.Release()
		if !goOn(len(numbers)+1, n) {
			return numbers
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// drainedToTheEnd drains a socket and checks that nothing is left.
func drainedToTheEnd(t *testing.T, s interface {
	Drain(ctx context.Context) (spry.DrainReport, error)
},
) {
	t.Helper()
	r, err := s.Drain(kit.Watched(t))
	if err != nil || r.Left > 0 || r.Unanswered > 0 || r.Cut > 0 {
		t.Errorf("Drain: %+v, %v", r, err)
	}
}
