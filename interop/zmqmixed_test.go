// SPDX-License-Identifier: MIT

package interop_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// mixedMessages is how many messages each peer of a mixed crowd sends, or receives.
const mixedMessages = 300

// startLines runs the spry command, which takes the lines as messages.
func startLines(t *testing.T, verb, url string, lines []string) *peer.Process {
	t.Helper()
	p := peer.Start(t, builder.Command(t, commandFolder), verb, "--dial", url, "--lines")
	for _, line := range lines {
		p.Tell(line)
	}
	return p
}

// namedLines are numbered texts by somebody.
func namedLines(who string) []string {
	lines := make([]string, mixedMessages)
	for i := range lines {
		lines[i] = fmt.Sprintf("%s %d", who, i)
	}
	return lines
}

// TestMixedPull feeds one Pull, on one port, by libzmq's PUSH, nngcat, and the spry command in both dialects, all at once. Every message
// arrives, once, and those of each peer in order; the books agree.
func TestMixedPull(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			results.track(t, row{"libzmq, nngcat, spry", "push by all at once – pull", transport, "it dials"}, library)
			t.Parallel()
			a := newAddress(t, transport, true)
			pull := spry.NewPull(&spry.PullOptions{Options: options})
			attach(t, pull, a)
			want := map[string][]string{"sp": namedLines("sp"), "zmtp": namedLines("zmtp"), "libzmq": namedLines("libzmq")}
			nngcat := peer.Find(t, "nngcat", "nng-utils")
			for i := range 3 { // each sends one message: its pause is of whole seconds
				who := fmt.Sprintf("nngcat%d", i)
				want[who] = []string{who + " 0"}
				peer.Start(t, nngcat, "--push0", "--dial", a.url, "--interval", longPause, "--data", want[who][0])
			}
			p := startPeer(t, libzmq)
			p.open("s", "PUSH", a, nil)
			feeding := p.begin("sendlines", args{"socket": "s", "lines": want["libzmq"]})
			feeders := []*peer.Process{startLines(t, "push", a.url, want["sp"]), startLines(t, "push", "zmtp+"+a.url, want["zmtp"])}

			total, ctx := uint64(0), watched(t)
			for _, lines := range want {
				total += uint64(len(lines))
			}
			got := map[string][]string{}
			for range total {
				b := string(must[[]byte](t)(pull.Recv(ctx)))
				who, _, _ := strings.Cut(b, " ")
				got[who] = append(got[who], b)
			}
			for who, lines := range want {
				if !slices.Equal(got[who], lines) {
					t.Errorf("of %d messages of %s came %d, or not in order", len(lines), who, len(got[who]))
				}
			}
			feeding()
			for _, f := range feeders {
				f.Wait()
			}
			if books := pull.Stats().Recv; books.Arrived != total || books.Delivered != total || books.Queued != 0 || len(books.Dropped) > 0 {
				t.Errorf("%d messages were taken, and the books say %+v", total, books)
			}
		})
	}
}

// TestMixedPub publishes to libzmq's SUB, nngcat, nanocat, and Spry's Sub in both dialects. Each gets what it subscribed to and nothing
// else; those of ZeroMQ are sent nothing else either.
func TestMixedPub(t *testing.T) {
	const messages = 100 // of each kind; libnng's SUB holds 128 and drops what it does not keep up with
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			results.track(t, row{"libzmq, nngcat, nanocat, spry", "sub by all at once – pub", transport, "it dials"}, library)
			t.Parallel()
			a, ctx := newAddress(t, transport, true), watched(t)
			pub := spry.NewPub(&spry.PubOptions{Options: options, Overflow: spry.Block})
			attach(t, pub, a)
			nngcat := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--sub0", "--dial", a.url, "--subscribe", "wanted", "--msgpack")
			nanocat := peer.Start(t, peer.Find(t, "nanocat", "nanomsg-utils"), "--sub", "--connect", a.url, "--subscribe", "wanted", "--msgpack")
			own := map[string]*spry.Sub{"sp+": nil, "zmtp+": nil}
			for dialect := range own {
				own[dialect] = spry.NewSub(&spry.SubOptions{Options: options, Overflow: spry.Block})
				check(t, own[dialect].Subscribe("wanted"))
				dialing := a
				dialing.spryListens, dialing.dialect = false, dialect
				attach(t, own[dialect], dialing)
			}
			p := startPeer(t, libzmq)
			p.do("open", args{"socket": "s", "type": "SUB"})
			p.do("subscribe", args{"socket": "s", "topics": []string{"wanted"}})
			p.attach("s", a)
			waitPipes(t, pub, 5)
			check(t, pub.WaitSubscribers(ctx, "wanted", 5))

			var wanted [][]byte
			var notation [][]string
			for i := range messages {
				b := fmt.Sprintf("wanted %d", i)
				wanted, notation = append(wanted, []byte(b)), append(notation, []string{text(b)})
				check(t, pub.Send(ctx, []byte(b)))
				check(t, pub.Send(ctx, fmt.Appendf(nil, "other %d", i)))
			}
			p.expect("s", notation...)
			for _, bodies := range [][][]byte{nngcat.WaitBodies(messages), nanocat.WaitBodies(messages)} {
				if !slices.EqualFunc(bodies, wanted, slices.Equal) {
					t.Error("a subscriber of the Scalability Protocols received something else than it wanted")
				}
			}
			for dialect, sub := range own {
				for _, b := range wanted {
					same(t, "a Sub of "+dialect, must[[]byte](t)(sub.Recv(ctx)), b)
				}
			}
			// All messages go to the three of the Scalability Protocols, half of them to the two of ZeroMQ.
			check(t, pub.Flush(ctx))
			if books := pub.Stats().Send; books.Offered != 2*messages*3+messages*2 || books.Sent != books.Offered || len(books.Dropped) > 0 {
				t.Errorf("the books say %+v", books)
			}
		})
	}
}

// TestMixedRep has one Rep, on one port, answer libzmq's REQ and DEALER, libnng, libnanomsg, nngcat, and Spry's Req in both dialects.
func TestMixedRep(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			results.track(t, row{"libzmq, libnng, libnanomsg, nngcat, spry", "req by all at once – rep", transport, "it dials"}, library)
			t.Parallel()
			a, ctx := newAddress(t, transport, true), watched(t)
			rep := spry.NewRep(&spry.RepOptions{Options: options})
			attach(t, rep, a)
			served := make(chan error, 1)
			go func() { served <- rep.Handle(ctx, 4, echo) }()

			n := fmt.Sprint(mixedMessages)
			answered := []*peer.Process{
				startC(t, "zmq_ask", a.how(), a.url, "req", n, "100"),
				startC(t, "zmq_ask", a.how(), a.url, "dealer", n, "100"),
				startC(t, "nn_ask", a.how(), a.url, "req", n, "100"),
			}
			contexts := startC(t, "nng_req_contexts", a.how(), a.url, "1", n)
			nngcat := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--req0", "--dial", a.url, "--data", "question", "--msgpack")
			var asking sync.WaitGroup
			for _, dialect := range []string{"sp+", "zmtp+"} {
				req := spry.NewReq(&spry.ReqOptions{Options: options})
				dialing := a
				dialing.spryListens, dialing.dialect = false, dialect
				attach(t, req, dialing)
				asking.Go(func() {
					for i := range mixedMessages {
						question := numbered(100, i)
						if got, err := req.Do(ctx, question); err != nil || string(got) != string(question) {
							t.Errorf("question %d by %s: %v", i, dialect, err)
						}
					}
				})
			}
			asking.Wait()
			for _, p := range answered {
				p.WaitLine("answered")
			}
			contexts.WaitLine("answered " + n)
			same(t, "nngcat received", nngcat.WaitBodies(1)[0], []byte("question"))
			check(t, rep.Close())
			check(t, <-served)
			const questions = 6*mixedMessages + 1
			books := rep.Stats()
			if books.Recv.Arrived != questions || books.Recv.Delivered != questions || books.Send.Sent != questions || sum(books.Send.Dropped) > 0 {
				t.Errorf("%d questions were answered, and the books say %+v and %+v", questions, books.Recv, books.Send)
			}
		})
	}
}
