// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/zmq"
)

// withPeer runs a test of the library with a scripted peer of libzmq, over tcp, ipc and ws and with either side listening, and
// enters it in the table.
func withPeer(t *testing.T, pattern string, test func(t *testing.T, p *zmqPeer, a kit.Address)) {
	t.Helper()
	withPeerOver(t, []string{"tcp", "ipc", "ws"}, pattern, test)
}

// withPeerOver is withPeer over these transports.
func withPeerOver(t *testing.T, transports []string, pattern string, test func(t *testing.T, p *zmqPeer, a kit.Address)) {
	t.Helper()
	kit.EachWayOver(t, transports, kit.LibZMQ, pattern, func(t *testing.T, a kit.Address) {
		a.Dialect = "" // which package zmq needs not be told
		test(t, startPeer(t, kit.LibZMQ), a)
	})
}

// eachMechanism is withPeer, in the open and encrypted.
func eachMechanism(t *testing.T, pattern string, test func(t *testing.T, m zmqMeeting)) {
	t.Helper()
	for _, how := range []mechanism{mechanismNull, curve(t)} {
		withPeer(t, pattern+", "+how.name, func(t *testing.T, p *zmqPeer, a kit.Address) {
			m := zmqMeeting{peer: p, a: a, security: kit.Options, options: args{}}
			how.prepare(p)
			how.apply(&m)
			test(t, m)
		})
	}
}

// TestZeroMQFrames sends messages of up to 1,000 frames there and back, of all sizes that have a form of their own on the
// wire.
func TestZeroMQFrames(t *testing.T) {
	eachMechanism(t, "messages of 1 to 1,000 frames", func(t *testing.T, m zmqMeeting) {
		p, dealer := m.peer, zmq.NewDealer(&zmq.DealerOptions{Options: m.security})
		p.open("s", "DEALER", m.a, m.options)
		kit.Attach(t, dealer, m.a)
		counts := []int{1, 2, 3, 10, 64, 255, 256, 1000}
		end := p.begin("echo", args{"socket": "s", "count": len(counts)})
		for _, n := range counts {
			frames := make([]string, n)
			for i := range frames {
				frames[i] = fmt.Sprintf("r:%d:%d", []int{0, 1, 17, 255, 256, 3000}[i%6], i)
			}
			testkit.Check(t, dealer.Send(kit.Watched(t), expandAll(frames)...))
			sameFrames(t, kit.Must[[][]byte](t)(dealer.Recv(kit.Watched(t))), frames)
		}
		end()
	})
}

// TestZeroMQBodies sends bodies of up to 64 MiB there and back, with limits that allow them.
func TestZeroMQBodies(t *testing.T) {
	eachMechanism(t, "bodies of 0 B to 64 MiB", func(t *testing.T, m zmqMeeting) {
		m.security.MaxMessageSize = 65 << 20
		p, dealer := m.peer, zmq.NewDealer(&zmq.DealerOptions{Options: m.security})
		p.open("s", "DEALER", m.a, m.options)
		kit.Attach(t, dealer, m.a)
		sizes := []int{0, 1, 255, 256, 8192, 65536, 1<<20 + 1}
		if kit.Long || m.a.Transport == "tcp" && m.a.SpryListens {
			sizes = append(sizes, 16<<20, 64<<20)
		}
		end := p.begin("echo", args{"socket": "s", "count": len(sizes)})
		for _, size := range sizes {
			sent := kit.Body(size, 5)
			testkit.Check(t, dealer.Send(kit.Watched(t), sent))
			got := kit.Must[[][]byte](t)(dealer.Recv(kit.Watched(t)))
			if len(got) != 1 {
				t.Fatalf("a body of %d bytes came back in %d frames", size, len(got))
			}
			kit.Same(t, "Spry received", got[0], sent)
		}
		end()
	})
}

// TestZeroMQMessagesTooLarge has a peer exceed the limit with one frame, and with frames that each keep to it. It loses its
// connection, and a peer that behaves does not.
func TestZeroMQMessagesTooLarge(t *testing.T) {
	withPeer(t, "messages beyond the limit", func(t *testing.T, p *zmqPeer, a kit.Address) {
		o := kit.Options
		o.MaxMessageSize = 1000
		pull := zmq.NewPull(&zmq.PullOptions{Options: o})
		attachPullTo(t, p, pull, a)
		for i, frames := range [][]string{{"r:1001:1"}, {"r:600:1", "r:600:3"}} {
			pipe := kit.OnlyPipe(t, pull.Socket)
			p.send("s", frames...)
			<-pipe.Done()
			if rejected := pull.Stats().Rejected["oversize"]; rejected != uint64(i+1) {
				t.Errorf("%d messages were refused for their size, want %d", rejected, i+1)
			}
			kit.WaitPipes(t, pull, 1)
			untilReceived(t, framed{Socket: pull, recv: func(ctx context.Context) ([][]byte, error) {
				got, err := pull.Recv(ctx)
				if err == nil {
					sameFrames(t, got, []string{"r:1000:3"})
				}
				return got, err
			}}, func() { p.send("s", "r:1000:3") }) // libzmq may still give the first to the connection that has ended
		}
	})
}

// attachPullTo connects a Pull with a PUSH of the peer, named s.
func attachPullTo(t *testing.T, p *zmqPeer, pull *zmq.Pull, a kit.Address) {
	t.Helper()
	if a.SpryListens {
		kit.Attach(t, pull, a)
		p.open("s", "PUSH", a, nil)
	} else {
		p.open("s", "PUSH", a, nil)
		kit.Attach(t, pull, a)
	}
	kit.WaitPipes(t, pull, 1)
}

// TestZeroMQIdentities has Spry's Router meet DEALERs of the shortest and the longest names, and one without, each of which
// gets what is for it.
func TestZeroMQIdentities(t *testing.T) {
	withPeer(t, "DEALER – zmq ROUTER, identities", func(t *testing.T, p *zmqPeer, a kit.Address) {
		router, ctx := zmq.NewRouter(&zmq.RouterOptions{Options: kit.Options}), kit.Watched(t)
		names := []string{"a", strings.Repeat("n", 255), "\x80\xff", ""}
		for i, name := range names {
			at := a
			if at.URL = kit.NewAddress(t, a.Transport, a.SpryListens).URL; a.SpryListens || i == 0 {
				kit.Attach(t, router, at)
			}
			named := args{"IDENTITY": text(name)}
			if name == "" {
				named = nil
			}
			p.open(fmt.Sprint(i), "DEALER", at, named)
			if !a.SpryListens && i > 0 {
				kit.Attach(t, router, at)
			}
		}
		kit.WaitPipes(t, router, len(names))
		given := map[string]string{}
		for i, name := range names {
			p.send(fmt.Sprint(i), text("hello"), text(name))
			got := kit.Must[[][]byte](t)(router.Recv(ctx))
			sameFrames(t, got[1:], []string{text("hello"), text(name)})
			if given[name] = string(got[0]); name != "" && given[name] != name || name == "" && (len(got[0]) != 5 || got[0][0] != 0) {
				t.Errorf("the Router calls %.30q %.30q", name, got[0])
			}
			if zmq.Identity(router.Pipe(given[name])) != given[name] {
				t.Errorf("no pipe is called %.30q", given[name])
			}
		}
		for i, name := range names {
			testkit.Check(t, router.SendTo(ctx, given[name], []byte("for"), []byte(name)))
			p.expect(fmt.Sprint(i), []string{text("for"), text(name)})
		}
		if err := router.SendTo(ctx, "nobody", nil); !errors.Is(err, spry.ErrNoPeer) {
			t.Errorf("sending to nobody: %v", err)
		}
		p.do("close", args{"socket": "0"})
		kit.WaitFor(t, func() bool { return router.Pipe("a") == nil })
		if err := router.SendTo(ctx, "a", nil); !errors.Is(err, spry.ErrNoPeer) {
			t.Errorf("sending to a peer that is gone: %v", err)
		}
	})
}

// TestZeroMQDuplicateIdentities has two DEALERs of one name meet Spry's Router, which refuses the second or hands the name over
// to it.
func TestZeroMQDuplicateIdentities(t *testing.T) {
	for _, handover := range []bool{false, true} {
		pattern := map[bool]string{false: "refused", true: "handed over"}[handover]
		t.Run(pattern, func(t *testing.T) {
			kit.Results.Track(t, kit.Row(kit.LibZMQ, "DEALER – zmq ROUTER, a second one of the same identity: "+pattern, "tcp", "it dials"), kit.Library)
			t.Parallel()
			p, a, ctx := startPeer(t, kit.LibZMQ), kit.NewAddress(t, "tcp", true), kit.Watched(t)
			router := zmq.NewRouter(&zmq.RouterOptions{Options: kit.Options, Handover: handover})
			kit.Attach(t, router, a)
			// Neither comes back by itself, so that they do not take the name from each other forever.
			name := args{"IDENTITY": "x:61", "RECONNECT_IVL": -1}
			p.open("first", "DEALER", a, name)
			p.send("first", text("one"))
			sameFrames(t, kit.Must[[][]byte](t)(router.Recv(ctx)), []string{"x:61", text("one")})
			first := router.Pipe("a")
			p.open("second", "DEALER", a, name)
			holder := "first"
			if handover {
				holder = "second"
				<-first.Done()
				kit.WaitFor(t, func() bool { return router.Pipe("a") != nil })
			} else {
				kit.WaitFor(t, func() bool { return router.Stats().Rejected["identity"] > 0 })
			}
			testkit.Check(t, router.SendTo(ctx, "a", []byte("two")))
			p.expect(holder, []string{text("two")})
			p.send(holder, text("three"))
			sameFrames(t, kit.Must[[][]byte](t)(router.Recv(ctx)), []string{"x:61", text("three")})
		})
	}
}

// TestZeroMQRoutersAddressSpry has libzmq's ROUTER address Spry's Dealers by their names.
func TestZeroMQRoutersAddressSpry(t *testing.T) {
	withPeer(t, "ROUTER – zmq DEALER, identities", func(t *testing.T, p *zmqPeer, a kit.Address) {
		p.do("open", args{"socket": "s", "type": "ROUTER", "options": args{"ROUTER_MANDATORY": 1}})
		names := []string{"a", strings.Repeat("n", 255), "\x80\xff"}
		dealers := map[string]*zmq.Dealer{}
		for i, name := range names {
			o := kit.Options
			o.Identity = name
			dealers[name] = zmq.NewDealer(&zmq.DealerOptions{Options: o})
			at := a
			if at.URL = kit.NewAddress(t, a.Transport, a.SpryListens).URL; a.SpryListens {
				kit.Attach(t, dealers[name], at)
				p.attach("s", at)
			} else {
				p.attach("s", at)
				kit.Attach(t, dealers[name], at)
			}
			testkit.Check(t, dealers[name].Send(kit.Watched(t), []byte{byte(i)}))
			p.expect("s", []string{text(name), fmt.Sprintf("x:%02x", i)})
		}
		for _, name := range names {
			p.send("s", text(name), text("for"), text(name))
			sameFrames(t, kit.Must[[][]byte](t)(dealers[name].Recv(kit.Watched(t))), []string{text("for"), text(name)})
		}
	})
}
