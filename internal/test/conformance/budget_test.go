// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

// unused fails if, when the test ends, something of a budget is still in use. It is called before sockets are made.
func unused(t testing.TB, b *spry.Budget) {
	t.Helper()
	t.Cleanup(func() {
		testkit.Eventually(t, "the budget is not used any more", func() bool { st := b.Stats(); return st.Bytes == 0 && st.Pipes == 0 })
	})
}

// withinBudget fails if more than 1.1 times the budget was ever in use.
func withinBudget(t testing.TB, b *spry.Budget) {
	t.Helper()
	if st := b.Stats(); st.PeakBytes > st.MaxBytes*11/10 {
		t.Errorf("%d KiB were in use and the limit is %d KiB", st.PeakBytes>>10, st.MaxBytes>>10)
	}
}

// A half framer begins a frame of 4 MiB and sends all but the end of it, or as much as is taken.
type halfFramer struct {
	conn   net.Conn
	scheme string
	server bool // of a WebSocket
}

func (h halfFramer) run() (sent int) {
	const size = 4 << 20
	if _, err := h.conn.Write(h.begin(size)); err != nil {
		return 0
	}
	piece := make([]byte, 64<<10)
	for sent < size-len(piece) {
		n, err := h.conn.Write(piece)
		if sent += n; err != nil {
			break
		}
	}
	return sent
}

// begin is all that comes before the body of the frame.
func (h halfFramer) begin(size uint64) []byte {
	zmtp, ready := strings.HasPrefix(h.scheme, "zmtp"), testkit.ReadyAs("PUSH")
	switch {
	case strings.HasSuffix(h.scheme, "ws"):
		subprotocol, first := pullOverWS, ""
		if zmtp {
			subprotocol, first = "ZWS2.0/NULL", "\x02"+ready[2:]
		}
		if h.server {
			head := binary.BigEndian.AppendUint64([]byte{0x82, 127}, size)
			if zmtp {
				head = append([]byte{0x82, byte(len(first))}, append([]byte(first), head...)...)
			}
			return head
		}
		b := []byte(testkit.WebSocketRequest(subprotocol))
		if zmtp {
			b = append(b, testkit.WebSocketMessage(first)...)
		}
		return append(binary.BigEndian.AppendUint64(append(b, 0x82, 0xff), size), 0, 0, 0, 0)
	case zmtp:
		return binary.BigEndian.AppendUint64([]byte(testkit.Greet+ready+"\x02"), size)
	}
	return append(testkit.Header(spry.ProtocolPush), testkit.FrameHead(h.scheme == "ipc", size)...)
}

// hostileListener accepts connections and is a half framer on each. It returns the URL to dial.
func hostileListener(t *testing.T, scheme string, each func(c net.Conn)) string {
	network, address := "tcp", "127.0.0.1:0"
	if strings.HasSuffix(scheme, "ipc") {
		network, address = "unix", filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	testkit.Check(t, err)
	if strings.HasSuffix(scheme, "tls+tcp") {
		server, _ := testkit.Certificates()
		l = tls.NewListener(l, server)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			all.Go(func() {
				if strings.HasSuffix(scheme, "ws") {
					(&testkit.Bare{Conn: c}).AnswerUpgrade(t)
				}
				each(c)
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(all.Wait)
	t.Cleanup(func() { _ = l.Close() })
	return scheme + "://" + l.Addr().String()
}

var streamSchemes = []string{"tcp", "ipc", "tls+tcp", "zmtp+tcp", "zmtp+ipc", "zmtp+tls+tcp"}

// Peers begin large frames and never end them: the budget bounds what that costs, and a good peer is served.
func TestBudgetBoundsHalfFrames(t *testing.T) {
	const limit, peers = 10 << 20, 20
	for _, scheme := range append([]string{"ws", "zmtp+ws"}, streamSchemes...) {
		for _, listening := range []bool{true, false} {
			name := scheme + "/dialing"
			if listening {
				name = scheme + "/listening"
			}
			t.Run(name, func(t *testing.T) {
				leak.Check(t)
				ctx := testkit.Watchdog(t)
				budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
				unused(t, budget)
				o := spry.Options{Transports: []transport.Transport{tcp.Transport{}, tlstcp.Transport{}, ipc.Transport{}, ws.Transport{}}}
				push := spry.NewPush(&spry.PushOptions{Options: o})
				o.Budget = budget
				pull := spry.NewPull(&spry.PullOptions{Options: o})
				testkit.CloseAll(t, push, pull)
				e := testkit.ListenOn(t, pull, scheme)
				testkit.DialTo(t, push, e)
				before := testkit.Heap()
				framer := halfFramer{scheme: scheme, server: !listening}
				var all sync.WaitGroup
				if listening {
					for range peers {
						f := framer
						f.conn = testkit.BareTo(t, e).Conn
						all.Go(func() { f.run() })
					}
				} else {
					all.Add(peers)
					url := hostileListener(t, scheme, func(c net.Conn) {
						f := framer
						f.conn = c
						f.run()
						all.Done()
					})
					for range peers {
						d := &spry.DialConfig{URL: url, GiveUp: func(error) bool { return true }}
						_, d.TLS = testkit.Certificates()
						_, err := pull.DialWith(ctx, d)
						testkit.Check(t, err)
					}
				}
				all.Wait()
				testkit.Eventually(t, "somebody is shed", func() bool { return budget.Stats().Shed > 0 })
				withinBudget(t, budget)
				testkit.Eventually(t, "the heap has grown by little more than the budget", func() bool { return testkit.Heap() < before+limit*11/10+4<<20 })
				st := budget.Stats()
				t.Logf("peak %.1f MiB of %d, %d pipes shed", float64(st.PeakBytes)/(1<<20), limit>>20, st.Shed)
				testkit.Eventually(t, "those that were shed are counted", func() bool { return pull.Stats().Rejected["budget"] == budget.Stats().Shed })
				testkit.Check(t, push.Send(ctx, []byte("good")))
				body, err := pull.Recv(ctx)
				testkit.Check(t, err)
				if string(body) != "good" {
					t.Errorf("received %q", body)
				}
			})
		}
	}
}

// A listener takes as many pipes as its budget allows and turns others away without a word, until a pipe ends. Dialers are not
// bound.
func TestBudgetBoundsPipes(t *testing.T) {
	for _, scheme := range append([]string{"inproc"}, streamSchemes...) {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			budget := spry.NewBudget(spry.BudgetConfig{PipesPerListener: 2})
			unused(t, budget)
			o := spry.Options{Budget: budget}
			pull := spry.NewPull(&spry.PullOptions{Options: o})
			other := spry.NewPull(&spry.PullOptions{Options: o})
			push := spry.NewPush(&spry.PushOptions{Options: o})
			testkit.CloseAll(t, push, pull, other)
			e := testkit.ListenOn(t, pull, scheme)
			first := testkit.DialTo(t, push, e)
			testkit.DialTo(t, push, e)
			testkit.Check(t, pull.WaitPipes(ctx, 2))
			_, err := push.DialWith(ctx, testkit.DialerTo(e))
			if err == nil {
				t.Fatal("a third connection was made")
			}
			testkit.Eventually(t, "the third is counted", func() bool { return pull.Stats().Rejected["too_many_pipes"] == 1 })
			if st := budget.Stats(); st.Refused != 1 || st.PipesPerListener != 2 {
				t.Errorf("the budget's figures are %+v", st)
			}
			testkit.DialTo(t, push, testkit.ListenOn(t, other, scheme)) // another listener has pipes of its own, and a dialer has any number
			testkit.Check(t, first.Close())
			testkit.Eventually(t, "there is a place", func() bool { return pull.Stats().Endpoints[0].Pipes == 1 })
			testkit.DialTo(t, push, e)
		})
	}
}

// flood sends 3 MiB, which is more than a queue and the kernel take, or not, until nothing more is taken and somebody was shed.
func flood(c net.Conn, block []byte, b *spry.Budget) {
	for sent := 0; sent < 3<<20; {
		_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		n, err := c.Write(block[sent%len(block):])
		sent += n
		slow := errors.Is(err, os.ErrDeadlineExceeded) && b.Stats().Shed == 0
		if err != nil && !slow {
			return
		}
	}
}

// T40: many peers, each entitled to a queue of 1 MiB, send to a socket that does not receive. The budget holds, those who
// send most are shed first, and peers with little keep what they have and are served.
func TestBudgetShedsThoseWhoSendMost(t *testing.T) {
	peers, limit := testkit.Figure(200, 3000), int64(testkit.Figure(64<<20, 512<<20))
	for _, scheme := range []string{"tcp", "zmtp+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
			unused(t, budget)
			o := spry.Options{Budget: budget, RecvQueueBytes: 1 << 20}
			pull, rep := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
			push, req := spry.NewPush(nil), spry.NewReq(nil)
			testkit.CloseAll(t, push, req, pull, rep)
			e, re := testkit.ListenOn(t, pull, scheme), testkit.ListenOn(t, rep, scheme)
			testkit.DialTo(t, push, e)
			testkit.DialTo(t, req, re)
			testkit.Check(t, push.Send(ctx, []byte("little")))
			testkit.Check(t, push.Flush(ctx))
			testkit.Eventually(t, "the little message is queued", func() bool { return pull.Stats().Recv.Queued == 1 })

			hello, body := testkit.Header(spry.ProtocolPush), testkit.Frame(false, make([]byte, 1000))
			if scheme != "tcp" {
				hello, body = []byte(testkit.Greet+testkit.ReadyAs("PUSH")), []byte(testkit.LongFrame(0, 1000, string(make([]byte, 1000))))
			}
			block, start := bytes.Repeat(body, 64), make(chan struct{})
			var all sync.WaitGroup
			for range peers {
				c := testkit.BareTo(t, e)
				_, err := c.Write(hello)
				testkit.Check(t, err)
				all.Go(func() {
					<-start
					flood(c, block, budget)
				})
			}
			testkit.Eventually(t, "all are connected", func() bool { return pull.Stats().Endpoints[0].Pipes == peers+1 })
			close(start)
			served := 0
			done := make(chan struct{})
			go func() { all.Wait(); close(done) }()
			for serving := true; serving; served++ {
				select {
				case <-done:
					serving = false
				default:
				}
				call, err := req.Start(spry.WrapMessage([]byte("question"), nil))
				testkit.Check(t, err)
				question, err := rep.Recv(ctx)
				testkit.Check(t, err)
				testkit.Check(t, question.Reply(ctx, []byte("answer")))
				_, err = call.Wait(ctx)
				testkit.Check(t, err)
			}
			withinBudget(t, budget)
			testkit.Eventually(t, "a peer is shed, and what it sent is dropped", func() bool {
				st := pull.Stats()
				return st.Rejected["budget"] > 0 && st.Recv.Dropped["budget"] > 0
			})
			st := pull.Stats()
			t.Logf("T40 %s: peak %.1f of %d MiB, %d of %d pipes shed, %d messages dropped, %d requests served meanwhile", scheme,
				float64(budget.Stats().PeakBytes)/(1<<20), limit>>20, budget.Stats().Shed, peers, st.Recv.Dropped["budget"], served)
			if why := testkit.Unbalanced(pull.Stats()); why != "" {
				t.Error(why)
			}
			for {
				m, err := pull.Recv(ctx)
				testkit.Check(t, err)
				if string(m) == "little" {
					break
				}
			}
			if push.Stats().Pipes[0].Live != true {
				t.Error("the peer with little was shed")
			}
		})
	}
}
