// SPDX-License-Identifier: MIT

package webclient_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

type ctx = context.Context

// script is the client as it is embedded.
const script = "../../web/jsclient/dist/spry.js"

// A run is a role under way. line waits for the next line that it prints.
type run interface{ line(t *testing.T) string }

// A host runs roles.
type host func(t *testing.T, role string, count int, urls ...string) run

type nodeRun struct{ *peer.Process }

func (r nodeRun) line(t *testing.T) string {
	t.Helper()
	return r.NextLine()
}

// node runs a role in a process of Node.
func node(t *testing.T, role string, n int, urls ...string) run {
	t.Helper()
	modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/ws")
	args := []string{filepath.Join(kit.NodeFolder, "client.mjs"), modules, script, role, strconv.Itoa(n)}
	return nodeRun{peer.Start(t, "node", append(args, urls...)...)}
}

// hosts are the programs with the client.
func hosts(t *testing.T) map[string]host {
	t.Helper()
	all := map[string]host{"Node": node}
	if kit.Long {
		for name, product := range kit.Browsers {
			all[name] = newBrowser(t, product).play
		}
	}
	return all
}

func urlsFor(t *testing.T, n int) (urls []string) {
	t.Helper()
	for range n {
		urls = append(urls, kit.NewAddress(t, "ws", true).URL)
	}
	return urls
}

// TestSpry has the client exchange messages with Spry in every pattern.
func TestSpry(t *testing.T) {
	for name, play := range hosts(t) {
		for _, m := range meetings {
			t.Run(name+"/"+m.role, func(t *testing.T) {
				kit.Results.Track(t, kit.Row("Spry's client in "+name, m.role, "ws", "it dials"), kit.Library)
				t.Parallel()
				urls := urlsFor(t, m.peers)
				r := play(t, m.role, m.count, urls...)
				m.play(t, urls)
				if got, want := r.line(t), fmt.Sprintf("%d %s", m.count, m.says); got != want {
					t.Errorf("it prints %q, want %q", got, want)
				}
			})
		}
	}
}

// TestNNGCat has the client meet nngcat, which listens.
func TestNNGCat(t *testing.T) {
	const printed = "--msgpack"
	for name, play := range hosts(t) {
		for _, m := range []struct {
			role, says string
			args       []string
			prints     string // by nngcat
		}{
			{"one req", "reply answer", []string{"--rep0", "--data", "answer", printed}, "question"},
			{"rep", "1 calls", []string{"--req0", "--data", "question", printed, "--delay", "1"}, "question"},
			{"one push", "sent", []string{"--pull0", printed}, "message"},
			{"one pull", "received message", []string{"--push0", "--data", "message", "--interval", "1"}, ""},
			{"one sub", "received message", []string{"--pub0", "--data", "message", "--interval", "1"}, ""},
			{"pair", "1 echoed", []string{"--pair1", "--data", "message", "--delay", "1", printed}, "message"},
			{"pair0", "1 echoed", []string{"--pair0", "--data", "message", "--delay", "1", printed}, "message"},
			{"bus", "1 echoed", []string{"--bus0", "--data", "message", "--interval", "1", printed}, "message"},
			{"one surveyor", "answer answer", []string{"--respondent0", "--data", "answer", printed}, "question"},
			{"one respondent", "answered", []string{"--surveyor0", "--data", "question", "--interval", "1", printed}, "question"},
		} {
			t.Run(name+"/"+m.role, func(t *testing.T) {
				kit.Results.Track(t, kit.Row("nngcat with Spry's client in "+name, m.role, "ws", "it listens"), kit.Library)
				t.Parallel()
				a := kit.NewAddress(t, "ws", false)
				p := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), append([]string{"--listen", a.URL}, m.args...)...)
				peer.WaitListening(t, a.URL)
				if got := play(t, m.role, 1, a.URL).line(t); got != m.says {
					t.Errorf("the client prints %q, want %q", got, m.says)
				}
				if m.prints != "" {
					kit.Same(t, "nngcat prints", p.WaitBodies(1)[0], []byte(m.prints))
				}
			})
		}
	}
}

// TestRestarts has a server end and come back, and connections cut, while the client asks. Every request has its reply.
func TestRestarts(t *testing.T) {
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := urlsFor(t, 1)
			r := play(t, "req", 2000, urls...)
			for range 5 {
				serve(t, urls[0], 300)
			}
			replyAll(t, urls)
			if got := r.line(t); got != "2000 replies" {
				t.Errorf("it prints %q", got)
			}
		})
	}
}

// serve takes requests, and ends. Instead of some replies, it ends the connection.
func serve(t *testing.T, url string, requests int) {
	t.Helper()
	rep := listen(t, spry.NewRep(&spry.RepOptions{Options: options()}), url)
	for i := range requests {
		q, err := rep.Recv(kit.Watched(t))
		testkit.Check(t, err)
		if i%70 == 69 {
			testkit.Check(t, q.Pipe().Close())
			q.Discard()
		} else {
			_ = q.Reply(kit.Watched(t), q.Bytes()) // its connection may have ended
		}
	}
	testkit.Check(t, rep.Close())
}

// TestSilentServer has a server that takes the connection and answers nothing: the client goes on with another.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	for name, play := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			urls := urlsFor(t, 1)
			r := play(t, "req", count, append([]string{"ws://" + l.Addr().String()}, urls...)...)
			replyAll(t, urls)
			if got, want := r.line(t), fmt.Sprintf("%d replies", count); got != want {
				t.Errorf("it prints %q, want %q", got, want)
			}
		})
	}
}
