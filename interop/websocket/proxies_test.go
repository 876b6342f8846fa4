// SPDX-License-Identifier: MIT

package websocket_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// patience is an idle time that no test here reaches.
const patience = 600

// eachProxy runs a test with every proxy, if all tests are to do all that they can: the proxies are no part of the short run.
func eachProxy(t *testing.T, test func(t *testing.T, p proxy)) {
	t.Helper()
	if !kit.Long {
		t.Skip("the proxies take a minute: SPRY_LONG=1 runs them")
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// TestThroughProxies connects both ends through each proxy, which ends TLS, or passes the bytes of TCP or TLS on.
func TestThroughProxies(t *testing.T) {
	eachProxy(t, func(t *testing.T, p proxy) {
		var routes []route
		var cells []func(t *testing.T)
		cell := func(mode, pattern, name string, test func(t *testing.T, r route)) {
			r := newRoute(t, mode)
			routes = append(routes, r)
			cells = append(cells, func(t *testing.T) {
				t.Helper()
				t.Run(strings.ReplaceAll(mode+"/"+name, " ", "_"), func(t *testing.T) {
					kit.Results.Track(t, kit.Row(p.name, pattern, mode, "between"), kit.Library)
					t.Parallel()
					test(t, r)
				})
			})
		}
		for _, mode := range modes {
			for _, dialect := range []string{"sp", "zmtp"} {
				cell(mode, "64 concurrent req – rep, "+dialect, "requests "+dialect, func(t *testing.T, r route) { askThrough(t, r, dialect) })
			}
			for _, i := range implementations[:3] { // those in this process
				cell(mode, i.name+" dials: "+frames, i.name+" dials", func(t *testing.T, r route) {
					theirs, ours := r.ends(t, false, true)
					exchangeFrames(t, i, ours, theirs)
				})
				cell(mode, i.name+" listens: "+frames, i.name+" listens", func(t *testing.T, r route) {
					ours, theirs := r.ends(t, true, false)
					exchangeFrames(t, i, ours, theirs)
				})
			}
		}
		for _, mode := range []string{"ws", "wss", "raw"} {
			for library, program := range map[string]string{kit.LibNNG: "nng_recv", kit.LibNanomsg: "nn_recv", kit.LibZMQ: "zmq_recv"} {
				for _, how := range []string{"dial", "listen"} {
					if mode == "wss" && how == "dial" {
						continue // the programs have no certificates: [TestHandlersBehindProxies] has one that does
					}
					cell(mode, library+" "+how+"s: pull – push", library+" "+how+"s", func(t *testing.T, r route) { receiveThrough(t, r, program, how) })
				}
			}
		}
		p.start(t, routes, patience)
		for _, run := range cells {
			run(t)
		}
	})
}

// askThrough asks a Rep through a proxy.
func askThrough(t *testing.T, r route, dialect string) {
	t.Helper()
	dialing, listening := r.ends(t, true, true)
	dialing.Dialect = dialect + "+"
	rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
	req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
	kit.Attach(t, rep, listening)
	served := make(chan error, 1)
	go func() {
		served <- rep.Serve(kit.Watched(t), 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	}()
	kit.Attach(t, req, dialing)
	askAll(t, req, 64)
	testkit.Check(t, rep.Close())
	testkit.Check(t, <-served)
}

// askAll asks as many at once as there are goroutines, all lengths of questions, each of which is to come back.
func askAll(t *testing.T, req *spry.Req, goroutines int) {
	t.Helper()
	var asking sync.WaitGroup
	for c := range goroutines {
		asking.Go(func() {
			for _, size := range lengths[:len(lengths)-min(c, 1)] {
				question := kit.Body(size, 2*c+1)
				if answer, err := req.Do(kit.Watched(t), question); err != nil || string(answer) != string(question) {
					t.Errorf("%d bytes were answered by %d: %v", size, len(answer), err)
				}
			}
		})
	}
	asking.Wait()
}

// receiveThrough has a program with a library in C receive through a proxy.
func receiveThrough(t *testing.T, r route, program, how string) {
	t.Helper()
	const messages, size = 500, 1000
	push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
	dialing, listening := r.ends(t, how == "listen", how == "dial")
	var p *peer.Process
	if how == "dial" {
		kit.Attach(t, push, listening)
		p = kit.StartC(t, program, how, dialing.URL, "pull", fmt.Sprint(messages))
	} else {
		p = kit.StartC(t, program, how, strings.TrimSuffix(listening.URL, "/feed"), "pull", fmt.Sprint(messages)) // libnanomsg listens at no path
		if dialing.URL = strings.TrimSuffix(dialing.URL, "/feed"); program == "zmq_recv" {
			dialing.Dialect = "zmtp+"
		}
		dialing.URL = strings.Replace(dialing.URL, "localhost", "127.0.0.1", 1) // libnng's server knows the host of its own URL alone
		kit.Attach(t, push, dialing)
	}
	kit.SendNumbered(t, push, messages, size)
	kit.ExpectTally(t, p, kit.NumberedTally(messages, size))
}

// TestIdleBehindProxies has proxies that end connections on which nothing comes for 30 seconds. Spry's pings keep its own. A peer
// whose request has only the headers that it must have gets none, and is cut off by HAProxy, which adds none.
func TestIdleBehindProxies(t *testing.T) {
	const idle, whole = 30, 70 * time.Second
	eachProxy(t, func(t *testing.T, p proxy) {
		var routes []route
		for _, mode := range append([]string{"ws"}, modes...) {
			routes = append(routes, newRoute(t, mode))
		}
		p.start(t, routes, idle)
		if p.name == "haproxy" {
			t.Run("bare", func(t *testing.T) {
				t.Parallel()
				theirs, ours := routes[0].ends(t, false, true)
				_, e := meet(t, implementations[1], ours, theirs, 0)
				if status := e.closed(t, 1); status != noStatus {
					t.Errorf("the peer gets the status %d from nowhere", status)
				}
			})
		}
		for _, r := range routes[1:] {
			t.Run(strings.ReplaceAll(r.mode, " ", "_"), func(t *testing.T) {
				kit.Results.Track(t, kit.Row(p.name, "idle for longer than the proxy allows", r.mode, "between"), kit.Library)
				t.Parallel()
				dialing, listening := r.ends(t, true, true)
				pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
				push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
				kit.Attach(t, pull, listening)
				kit.Attach(t, push, dialing)
				kit.WaitPipes(t, push, 1)
				pipe := kit.OnlyPipe(t, push.Socket)
				select {
				case <-pipe.Done():
					t.Fatalf("the idle connection ends: %v", pipe.Err())
				case <-time.After(whole):
				}
				testkit.Check(t, push.Send(kit.Watched(t), []byte("still there")))
				kit.Same(t, "Spry received", kit.Must[[]byte](t)(pull.Recv(kit.Watched(t))), []byte("still there"))
			})
		}
	})
}

// TestProxyRestart kills a proxy under load and starts it again. Spry redials, and what was lost on the way is Unknown.
func TestProxyRestart(t *testing.T) {
	const messages, size, restarts = 20000, 500, 3
	eachProxy(t, func(t *testing.T, p proxy) {
		for _, mode := range []string{"ws", "raw"} {
			t.Run(mode, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(p.name, "killed and started again under load", mode, "between"), kit.Library)
				t.Parallel()
				r := newRoute(t, mode)
				dialing, listening := r.ends(t, true, true)
				process := p.start(t, []route{r}, patience)
				pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
				push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
				kit.Attach(t, pull, listening)
				kit.Attach(t, push, dialing)
				sent := make(chan error, 1)
				go func() {
					for i := range messages {
						if err := push.Send(kit.Watched(t), kit.Numbered(size, i)); err != nil {
							sent <- fmt.Errorf("message %d: %w", i, err)
							return
						}
					}
					sent <- nil
				}()
				received := map[string]bool{}
				for done := false; !done; {
					b := kit.Must[[]byte](t)(pull.Recv(kit.Watched(t)))
					if received[string(b)] {
						t.Errorf("a message arrives twice after %d", len(received))
					}
					received[string(b)] = true
					if n := len(received); n%(messages/(restarts+2)) == 0 && n/(messages/(restarts+2)) <= restarts {
						process.Reap()
						process = p.start(t, []route{r}, patience)
					}
					done = string(b) == string(kit.Numbered(size, messages-1))
				}
				testkit.Check(t, <-sent)
				s := push.Stats().Send
				lost := uint64(messages - len(received))
				t.Logf("%d of %d messages are lost, %d sent, %d returned, %d unknown", lost, messages, s.Sent, s.Returned, s.Unknown)
				if lost > s.Unknown {
					t.Errorf("%d messages are lost, and %d are Unknown", lost, s.Unknown)
				}
			})
		}
	})
}
