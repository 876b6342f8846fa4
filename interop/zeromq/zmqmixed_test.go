// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// mixedMessages is how many messages each peer of a mixed crowd sends, or receives.
const mixedMessages = 300

// startLines runs the spry command, which takes the lines as messages.
func startLines(t *testing.T, verb, url string, lines []string) *peer.Process {
	t.Helper()
	p := peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), verb, "--dial", url, "--lines")
	for _, line := range lines {
		p.WriteLine(line)
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
			kit.Results.Track(t, kit.Row("libzmq, nngcat, spry", "push by all at once – pull", transport, "it dials"), kit.Library)
			t.Parallel()
			a := kit.NewAddress(t, transport, true)
			pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
			kit.Attach(t, pull, a)
			want := map[string][]string{"sp": namedLines("sp"), "zmtp": namedLines("zmtp"), "libzmq": namedLines("libzmq")}
			nngcat := peer.Find(t, "nngcat", "nng-utils")
			for i := range 3 { // each sends one message: its pause is of whole seconds
				who := fmt.Sprintf("nngcat%d", i)
				want[who] = []string{who + " 0"}
				peer.Start(t, nngcat, "--push0", "--dial", a.URL, "--interval", kit.LongPause, "--data", want[who][0])
			}
			p := startPeer(t, kit.LibZMQ)
			p.open("s", "PUSH", a, nil)
			feeding := p.begin("sendlines", args{"socket": "s", "lines": want["libzmq"]})
			feeders := []*peer.Process{startLines(t, "push", a.URL, want["sp"]), startLines(t, "push", "zmtp+"+a.URL, want["zmtp"])}

			total, ctx := uint64(0), kit.Watched(t)
			for _, lines := range want {
				total += uint64(len(lines))
			}
			got := map[string][]string{}
			for range total {
				b := string(kit.Must[[]byte](t)(pull.Recv(ctx)))
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
			if counted := pull.Stats().Recv; counted.Arrived != total || counted.Delivered != total || counted.Queued != 0 || len(counted.Dropped) > 0 {
				t.Errorf("%d messages were taken, and the counters say %+v", total, counted)
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
			kit.Results.Track(t, kit.Row("libzmq, nngcat, nanocat, spry", "sub by all at once – pub", transport, "it dials"), kit.Library)
			t.Parallel()
			a, ctx := kit.NewAddress(t, transport, true), kit.Watched(t)
			pub := spry.NewPub(&spry.PubOptions{Options: kit.Options, Overflow: spry.Block})
			kit.Attach(t, pub, a)
			nngcat := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--sub0", "--dial", a.URL, "--subscribe", "wanted", "--msgpack")
			nanocat := peer.Start(t, peer.Find(t, "nanocat", "nanomsg-utils"), "--sub", "--connect", a.URL, "--subscribe", "wanted", "--msgpack")
			own := map[string]*spry.Sub{"sp+": nil, "zmtp+": nil}
			for dialect := range own {
				own[dialect] = spry.NewSub(&spry.SubOptions{Options: kit.Options, Overflow: spry.Block})
				testkit.Check(t, own[dialect].Subscribe("wanted"))
				dialing := a
				dialing.SpryListens, dialing.Dialect = false, dialect
				kit.Attach(t, own[dialect], dialing)
			}
			p := startPeer(t, kit.LibZMQ)
			p.do("open", args{"socket": "s", "type": "SUB"})
			p.do("subscribe", args{"socket": "s", "topics": []string{"wanted"}})
			p.attach("s", a)
			kit.WaitPipes(t, pub, 5)
			testkit.Check(t, pub.WaitSubscribers(ctx, "wanted", 5))

			var wanted [][]byte
			var notation [][]string
			for i := range messages {
				b := fmt.Sprintf("wanted %d", i)
				wanted, notation = append(wanted, []byte(b)), append(notation, []string{text(b)})
				testkit.Check(t, pub.Send(ctx, []byte(b)))
				testkit.Check(t, pub.Send(ctx, fmt.Appendf(nil, "other %d", i)))
			}
			p.expect("s", notation...)
			for _, bodies := range [][][]byte{nngcat.WaitBodies(messages), nanocat.WaitBodies(messages)} {
				if !slices.EqualFunc(bodies, wanted, slices.Equal) {
					t.Error("a subscriber of the Scalability Protocols received something else than it wanted")
				}
			}
			for dialect, sub := range own {
				for _, b := range wanted {
					kit.Same(t, "a Sub of "+dialect, kit.Must[[]byte](t)(sub.Recv(ctx)), b)
				}
			}
			// All messages go to the three of the Scalability Protocols, half of them to the two of ZeroMQ.
			testkit.Check(t, pub.Flush(ctx))
			if counted := pub.Stats().Send; counted.Offered != 2*messages*3+messages*2 || counted.Sent != counted.Offered || len(counted.Dropped) > 0 {
				t.Errorf("the counters say %+v", counted)
			}
		})
	}
}

// TestMixedRep has one Rep, on one port, answer libzmq's REQ and DEALER, libnng, libnanomsg, nngcat, and Spry's Req in both dialects.
func TestMixedRep(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row("libzmq, libnng, libnanomsg, nngcat, spry", "req by all at once – rep", transport, "it dials"), kit.Library)
			t.Parallel()
			a, ctx := kit.NewAddress(t, transport, true), kit.Watched(t)
			rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
			kit.Attach(t, rep, a)
			served := make(chan error, 1)
			go func() { served <- rep.Serve(ctx, 4, echo) }()

			n := fmt.Sprint(mixedMessages)
			answered := []*peer.Process{
				kit.StartC(t, "zmq_ask", a.How(), a.URL, "req", n, "100"),
				kit.StartC(t, "zmq_ask", a.How(), a.URL, "dealer", n, "100"),
				kit.StartC(t, "nn_ask", a.How(), a.URL, "req", n, "100"),
			}
			contexts := kit.StartC(t, "nng_req_contexts", a.How(), a.URL, "1", n)
			nngcat := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--req0", "--dial", a.URL, "--data", "question", "--msgpack")
			var asking sync.WaitGroup
			for _, dialect := range []string{"sp+", "zmtp+"} {
				req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
				dialing := a
				dialing.SpryListens, dialing.Dialect = false, dialect
				kit.Attach(t, req, dialing)
				asking.Go(func() {
					for i := range mixedMessages {
						question := kit.Numbered(100, i)
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
			kit.Same(t, "nngcat received", nngcat.WaitBodies(1)[0], []byte("question"))
			testkit.Check(t, rep.Close())
			testkit.Check(t, <-served)
			const questions = 6*mixedMessages + 1
			counted := rep.Stats()
			if counted.Recv.Arrived != questions || counted.Recv.Delivered != questions || counted.Send.Sent != questions || testkit.Sum(counted.Send.Dropped) > 0 {
				t.Errorf("%d questions were answered, and the counters say %+v and %+v", questions, counted.Recv, counted.Send)
			}
		})
	}
}
