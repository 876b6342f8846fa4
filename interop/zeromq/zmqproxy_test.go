// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/zmq"
)

// proxied is how many requests, or messages, cross proxies.
const proxied = 300

// Foreign programs that ask, and that answer, each through the proxies between them.
var (
	askers = map[string]func(t *testing.T, a kit.Address) *peer.Process{
		"libzmq REQ": func(t *testing.T, a kit.Address) *peer.Process {
			return kit.StartC(t, "zmq_ask", a.How(), a.URL, "req", fmt.Sprint(proxied), "1000")
		},
		"libzmq DEALER": func(t *testing.T, a kit.Address) *peer.Process {
			return kit.StartC(t, "zmq_ask", a.How(), a.URL, "dealer", fmt.Sprint(proxied), "1000")
		},
		"libnng REQ": func(t *testing.T, a kit.Address) *peer.Process {
			return kit.StartC(t, "nng_req_contexts", a.How(), a.URL, "8", fmt.Sprint(proxied/8))
		},
		"libnanomsg REQ": func(t *testing.T, a kit.Address) *peer.Process {
			return kit.StartC(t, "nn_ask", a.How(), a.URL, "req", fmt.Sprint(proxied), "1000")
		},
	}
	answerers = map[string][]string{ // program and role
		"libzmq REP":     {"zmq_echo", "rep"},
		"libzmq ROUTER":  {"zmq_echo", "router"},
		"libnng REP":     {"nng_rep_contexts", "1", fmt.Sprint(proxied)},
		"libnanomsg REP": {"nn_echo", "rep"},
	}
)

// TestProxiesAcrossFamilies has requests of one family answered by a server of the other, over one proxy and more. Backtraces grow
// at each, in the form of the family that the next one speaks, and shrink on the way back.
func TestProxiesAcrossFamilies(t *testing.T) {
	ends := [][2]string{
		{"libzmq REQ", "libnng REP"},
		{"libzmq REQ", "libnanomsg REP"},
		{"libzmq DEALER", "libnanomsg REP"},
		{"libnng REQ", "libzmq REP"},
		{"libnng REQ", "libzmq ROUTER"},
		{"libnanomsg REQ", "libzmq REP"},
		{"libzmq REQ", "libzmq REP"},
		{"libnanomsg REQ", "libnng REP"},
	}
	chains := [][]hop{
		{rawHop},
		{rawHop, {rawBetween, "sp+"}},
		{rawHop, {rawBetween, "zmtp+"}},
		{rawHop, {zmqBetween, ""}, {rawBetween, "zmtp+"}},
	}
	for _, pair := range ends {
		for _, chain := range chains {
			for _, transport := range []string{"tcp", "ipc"} {
				if transport == "ipc" && len(chain) > 1 && !kit.Long {
					continue
				}
				name := describeChain(chain)
				t.Run(fmt.Sprintf("%s/%s/%s/%s", pair[0], name, pair[1], transport), func(t *testing.T) {
					pattern := strings.Join([]string{pair[0], name, pair[1]}, " – ")
					kit.Results.Track(t, kit.Row("libzmq, libnng, libnanomsg", pattern, transport, "it dials"), kit.Library)
					t.Parallel()
					front, back := kit.NewAddress(t, transport, true), kit.NewAddress(t, transport, true)
					link(t, chain, front, back)
					server := answerers[pair[1]]
					kit.StartC(t, server[0], append([]string{back.How(), back.URL}, server[1:]...)...)
					askers[pair[0]](t, front).WaitLine("answered")
				})
			}
		}
	}
}

// A hop is a proxy, and the dialect in which it dials the one before it.
type hop struct {
	start func(t *testing.T, front, back kit.Address)
	over  string
}

var rawHop = hop{rawBetween, ""} // the first one, which listens

func describeChain(chain []hop) string {
	name := "proxy"
	for _, h := range chain[1:] {
		name += map[string]string{"sp+": " –SP– proxy", "zmtp+": " –ZMTP– proxy", "": " –ZMTP– ROUTER/DEALER"}[h.over]
	}
	return name
}

// link starts a chain of proxies. The first listens at front and the last at back; in between, each dials the one before it.
func link(t *testing.T, chain []hop, front, back kit.Address) {
	t.Helper()
	for i, h := range chain {
		end := back
		if i < len(chain)-1 {
			end = kit.NewAddress(t, back.Transport, true)
		}
		h.start(t, front, end)
		front = end
		front.SpryListens = false
		if i < len(chain)-1 {
			front.Dialect = chain[i+1].over
		}
	}
}

// rawBetween is a proxy of package spry, which speaks both families on each side.
func rawBetween(t *testing.T, front, back kit.Address) {
	t.Helper()
	kit.Proxy(t, spry.ProtocolRep, front, spry.ProtocolReq, back)
}

// zmqBetween is a proxy of package zmq.
func zmqBetween(t *testing.T, front, back kit.Address) {
	t.Helper()
	router := zmq.NewRouter(&zmq.RouterOptions{Options: kit.Options})
	dealer := zmq.NewDealer(&zmq.DealerOptions{Options: kit.Options})
	kit.Attach(t, router, front)
	kit.Attach(t, dealer, back)
	runProxy(t, router, dealer)
}

// runProxy runs a proxy of package zmq until the test ends.
func runProxy(t *testing.T, a, b zmq.ProxySocket) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- zmq.Proxy(ctx, a, b, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the proxy ended with %v", err)
		}
	})
}

// TestZeroMQProxyBetweenForeignEnds puts package zmq's proxy between programs of libzmq. Subscriptions cross it the other way.
func TestZeroMQProxyBetweenForeignEnds(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		run := func(pattern string, test func(t *testing.T, front, back kit.Address)) {
			t.Run(pattern+"/"+transport, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(kit.LibZMQ, pattern, transport, "it dials"), kit.Library)
				t.Parallel()
				test(t, kit.NewAddress(t, transport, true), kit.NewAddress(t, transport, true))
			})
		}
		run("REQ – ROUTER/DEALER – REP", func(t *testing.T, front, back kit.Address) {
			zmqBetween(t, front, back)
			kit.StartC(t, "zmq_echo", back.How(), back.URL, "rep")
			askers["libzmq REQ"](t, front).WaitLine("answered")
		})
		run("XPUB – XSUB/XPUB – SUB", func(t *testing.T, front, back kit.Address) {
			xsub := zmq.NewXSub(&zmq.XSubOptions{Options: kit.Options, Overflow: spry.Block})
			xpub := zmq.NewXPub(&zmq.XPubOptions{Options: kit.Options, Overflow: spry.Block})
			kit.Attach(t, xsub, front)
			kit.Attach(t, xpub, back)
			runProxy(t, xsub, xpub)
			sink := kit.StartC(t, "zmq_recv", back.How(), back.URL, "sub", fmt.Sprint(proxied))
			kit.StartC(t, "zmq_send", front.How(), front.URL, "xpub", fmt.Sprint(proxied), "1000") // it waits for the subscription
			kit.ExpectTally(t, sink, kit.NumberedTally(proxied, 1000))
		})
		run("PUSH – PULL/PUSH – PULL", func(t *testing.T, front, back kit.Address) {
			pull := zmq.NewPull(&zmq.PullOptions{Options: kit.Options})
			push := zmq.NewPush(&zmq.PushOptions{Options: kit.Options})
			kit.Attach(t, pull, front)
			kit.Attach(t, push, back)
			runProxy(t, pull, push)
			sink := kit.StartC(t, "zmq_recv", back.How(), back.URL, "pull", fmt.Sprint(proxied))
			kit.StartC(t, "zmq_send", front.How(), front.URL, "push", fmt.Sprint(proxied), "1000")
			kit.ExpectTally(t, sink, kit.NumberedTally(proxied, 1000))
		})
	}
}

// TestPipelineProxyAcrossFamilies has messages pushed by one family pulled by the other.
func TestPipelineProxyAcrossFamilies(t *testing.T) {
	n := fmt.Sprint(proxied)
	for _, ends := range [][2]string{{"zmq", "nng"}, {"zmq", "nn"}, {"nng", "zmq"}, {"nn", "zmq"}} {
		t.Run(ends[0]+"/"+ends[1], func(t *testing.T) {
			kit.Results.Track(t, kit.Row("libzmq, libnng, libnanomsg", ends[0]+" push – proxy – "+ends[1]+" pull", "tcp", "it dials"), kit.Library)
			t.Parallel()
			front, back := kit.NewAddress(t, "tcp", true), kit.NewAddress(t, "tcp", true)
			kit.Proxy(t, spry.ProtocolPull, front, spry.ProtocolPush, back)
			sink := kit.StartC(t, ends[1]+"_recv", back.How(), back.URL, "pull", n)
			sending := []string{front.How(), front.URL, "push", "1", n, "1000"}
			if ends[0] == "zmq" {
				sending = []string{front.How(), front.URL, "push", n, "1000"}
			}
			kit.StartC(t, ends[0]+"_send", sending...)
			kit.ExpectTally(t, sink, kit.NumberedTally(proxied, 1000))
		})
	}
}
