// SPDX-License-Identifier: MIT

package spry_test

import (
	"bytes"
	"crypto/tls"
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
)

// unused fails if, when the test ends, something of a budget is still in use. It is called before sockets are made.
func unused(t testing.TB, b *spry.Budget) {
	t.Helper()
	t.Cleanup(func() {
		eventually(t, "the budget is not used any more", func() bool { st := b.Stats(); return st.Bytes == 0 && st.Pipes == 0 })
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
	conn  net.Conn
	typed bool
	zmtp  bool
}

func (h halfFramer) run() (sent int) {
	const size = 4 << 20
	begin := append(header(spry.ProtocolPush), frameHead(h.typed, size)...)
	if h.zmtp {
		begin = []byte(greet + readyAs("PUSH") + "\x02\x00\x00\x00\x00\x00\x40\x00\x00")
	}
	if _, err := h.conn.Write(begin); err != nil {
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

// hostileListener accepts connections and is a half framer on each. It returns the URL to dial.
func hostileListener(t *testing.T, scheme string, each func(c net.Conn)) string {
	network, address := "tcp", "127.0.0.1:0"
	if strings.HasSuffix(scheme, "ipc") {
		network, address = "unix", filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	check(t, err)
	if strings.HasSuffix(scheme, "tls+tcp") {
		server, _ := certificates()
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
	for _, scheme := range streamSchemes {
		for _, listening := range []bool{true, false} {
			name := scheme + "/dialing"
			if listening {
				name = scheme + "/listening"
			}
			t.Run(name, func(t *testing.T) {
				leak.Check(t)
				ctx := watchdog(t)
				budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
				unused(t, budget)
				o := spry.Options{Budget: budget}
				pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(nil)
				closeAll(t, push, pull)
				e := listenOn(t, pull, scheme)
				dialTo(t, push, e)
				before := heap()
				framer := halfFramer{typed: strings.HasSuffix(scheme, "ipc") && !strings.HasPrefix(scheme, "zmtp"), zmtp: strings.HasPrefix(scheme, "zmtp")}
				var all sync.WaitGroup
				if listening {
					for range peers {
						f := framer
						f.conn = bareTo(t, e).Conn
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
						d := &spry.Dialer{URL: url, GiveUp: func(error) bool { return true }}
						_, d.TLS = certificates()
						_, err := pull.DialWith(ctx, d)
						check(t, err)
					}
				}
				all.Wait()
				withinBudget(t, budget)
				eventually(t, "the heap has grown by little more than the budget", func() bool { return heap() < before+limit*11/10+4<<20 })
				st := budget.Stats()
				t.Logf("peak %.1f MiB of %d, %d pipes shed", float64(st.PeakBytes)/(1<<20), limit>>20, st.Shed)
				if st.Shed == 0 {
					t.Error("nobody was shed")
				}
				eventually(t, "those that were shed are counted", func() bool { return pull.Stats().Rejected["budget"] == budget.Stats().Shed })
				check(t, push.Send(ctx, []byte("good")))
				body, err := pull.Recv(ctx)
				check(t, err)
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
			ctx := watchdog(t)
			budget := spry.NewBudget(spry.BudgetConfig{PipesPerListener: 2})
			unused(t, budget)
			o := spry.Options{Budget: budget}
			pull := spry.NewPull(&spry.PullOptions{Options: o})
			other := spry.NewPull(&spry.PullOptions{Options: o})
			push := spry.NewPush(&spry.PushOptions{Options: o})
			closeAll(t, push, pull, other)
			e := listenOn(t, pull, scheme)
			first := dialTo(t, push, e)
			dialTo(t, push, e)
			check(t, pull.WaitPipes(ctx, 2))
			_, err := push.DialWith(ctx, dialerTo(e))
			if err == nil {
				t.Fatal("a third connection was made")
			}
			eventually(t, "the third is counted", func() bool { return pull.Stats().Rejected["too_many_pipes"] == 1 })
			if st := budget.Stats(); st.Refused != 1 || st.PipesPerListener != 2 {
				t.Errorf("the budget's figures are %+v", st)
			}
			dialTo(t, push, listenOn(t, other, scheme)) // another listener has pipes of its own, and a dialer has any number
			check(t, first.Close())
			eventually(t, "there is a place", func() bool { return pull.Stats().Endpoints[0].Pipes == 1 })
			dialTo(t, push, e)
		})
	}
}

// T40: many peers, each entitled to a queue of 1 MiB, send to a socket that does not receive. The budget holds, those who
// send most are shed first, and peers with little keep what they have and are served.
func TestT40Budget(t *testing.T) {
	peers, limit := figure(300, 3000), int64(figure(32<<20, 256<<20))
	for _, scheme := range []string{"tcp", "zmtp+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := watchdog(t)
			budget := spry.NewBudget(spry.BudgetConfig{Bytes: limit})
			unused(t, budget)
			o := spry.Options{Budget: budget, RecvQueueBytes: 1 << 20}
			pull, rep := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
			push, req := spry.NewPush(nil), spry.NewReq(nil)
			closeAll(t, push, req, pull, rep)
			e, re := listenOn(t, pull, scheme), listenOn(t, rep, scheme)
			dialTo(t, push, e)
			dialTo(t, req, re)
			check(t, push.Send(ctx, []byte("little")))
			check(t, push.Flush(ctx))
			eventually(t, "the little message is queued", func() bool { return pull.Stats().Recv.Queued == 1 })

			hello, body := header(spry.ProtocolPush), frame(false, make([]byte, 1000))
			if scheme != "tcp" {
				hello, body = []byte(greet+readyAs("PUSH")), []byte(longFrame(0, 1000, string(make([]byte, 1000))))
			}
			block, start := bytes.Repeat(body, 64), make(chan struct{})
			var all sync.WaitGroup
			for range peers {
				c := bareTo(t, e)
				_, err := c.Write(hello)
				check(t, err)
				all.Go(func() {
					<-start
					for sent := 0; sent < 3<<20; { // more than its queue and the kernel take, or not
						_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
						n, err := c.Write(block[sent%len(block):])
						sent += n
						slow := errors.Is(err, os.ErrDeadlineExceeded) && budget.Stats().Shed == 0
						if err != nil && !slow {
							return
						}
					}
				})
			}
			eventually(t, "all are connected", func() bool { return pull.Stats().Endpoints[0].Pipes == peers+1 })
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
				check(t, err)
				question, err := rep.Recv(ctx)
				check(t, err)
				check(t, question.Reply(ctx, []byte("answer")))
				_, err = call.Wait(ctx)
				check(t, err)
			}
			withinBudget(t, budget)
			eventually(t, "a peer is shed, and what it sent is dropped", func() bool {
				st := pull.Stats()
				return st.Rejected["budget"] > 0 && st.Recv.Dropped["budget"] > 0
			})
			st := pull.Stats()
			t.Logf("T40 %s: peak %.1f of %d MiB, %d of %d pipes shed, %d messages dropped, %d requests served meanwhile", scheme,
				float64(budget.Stats().PeakBytes)/(1<<20), limit>>20, budget.Stats().Shed, peers, st.Recv.Dropped["budget"], served)
			if why := unbalanced(pull.Stats()); why != "" {
				t.Error(why)
			}
			for {
				m, err := pull.Recv(ctx)
				check(t, err)
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
