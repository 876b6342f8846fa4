// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"net"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// A link is a way to join two sockets: one of the wires, or a connection that exists already.
type link struct {
	wireUnderTest
	attached bool
}

// run runs a property over every link.
func run(t *testing.T, property func(t *testing.T, l link)) {
	overWires(t, zmtpWires, func(t *testing.T, w wireUnderTest) { property(t, link{w, false}) })
	runSP(t, property)
}

// runSP is run for what ZeroMQ has no twin of.
func runSP(t *testing.T, property func(t *testing.T, l link)) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) { property(t, link{w, false}) })
	t.Run("attached", func(t *testing.T) {
		leak.Check(t)
		property(t, link{wireUnderTest{scheme: "attached", options: spry.Options{Name: t.Name()}}, true})
	})
}

type attaches interface {
	testkit.Socket
	Attach(context.Context, net.Conn, *spry.AttachConfig) (*spry.Pipe, error)
}

// join connects a, as the end that dials, with b.
func (l link) join(t *testing.T, a, b attaches) {
	t.Helper()
	if !l.attached {
		l.wireUnderTest.join(t, a, b)
		return
	}
	dialer, listener := simnet.Pipe()
	answered := make(chan error, 1)
	go func() {
		_, err := b.Attach(testkit.Watchdog(t), listener, &spry.AttachConfig{Role: spry.RoleListen})
		answered <- err
	}()
	_, err := a.Attach(testkit.Watchdog(t), dialer, nil)
	testkit.Check(t, err)
	testkit.Check(t, <-answered)
}

// Every pattern works over a connection that somebody else made.
func TestAttachedConforms(t *testing.T) {
	l := link{attached: true}
	for name, p := range proxiedPatterns() {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			p.talk(t, l.options, func(a, b testkit.Socket) {
				l.join(t, a.(attaches), b.(attaches))
				testkit.Check(t, b.WaitPipes(testkit.Watchdog(t), 1))
			})
		})
	}
}

// Of all roles, those that fit talk, and those that do not are refused by both ends, for that reason.
func TestRolesConform(t *testing.T) {
	leak.Check(t)
	open := map[spry.Protocol]func() attaches{
		spry.ProtocolPush: func() attaches { return spry.NewPush(nil) }, spry.ProtocolPull: func() attaches { return spry.NewPull(nil) },
		spry.ProtocolPub: func() attaches { return spry.NewPub(nil) }, spry.ProtocolSub: func() attaches { return spry.NewSub(nil) },
		spry.ProtocolReq: func() attaches { return spry.NewReq(nil) }, spry.ProtocolRep: func() attaches { return spry.NewRep(nil) },
		spry.ProtocolSurveyor: func() attaches { return spry.NewSurveyor(nil) }, spry.ProtocolRespondent: func() attaches { return spry.NewRespondent(nil) },
		spry.ProtocolBus: func() attaches { return spry.NewBus(nil) }, spry.ProtocolPair1: func() attaches { return spry.NewPair(nil) },
		spry.ProtocolPair0: func() attaches { return spry.NewPair(&spry.PairOptions{Version: spry.PairV0}) },
	}
	for _, scheme := range []string{"inproc", "ipc", "tcp"} {
		t.Run(scheme, func(t *testing.T) {
			refused := 0
			for listens, openListener := range open {
				for dials, openDialer := range open {
					if talks(dials, listens) {
						continue
					}
					a, b := openDialer(), openListener()
					e := testkit.ListenOn(t, b, scheme)
					if _, err := a.DialWith(testkit.Watchdog(t), testkit.DialerTo(e)); err == nil {
						t.Errorf("a %v dialed a %v", dials, listens)
					}
					testkit.Eventually(t, "the listener refuses", func() bool { return b.Stats().Rejected["role_mismatch"] == 1 })
					if r := a.Stats().Rejected; r["role_mismatch"] != 1 {
						t.Errorf("a %v that dialed a %v counts %v", dials, listens, r)
					}
					refused++
					testkit.Shut(t, a, b)
				}
			}
			t.Logf("%d pairs of roles refused", refused)
		})
	}
}

// talks reports whether one role fits the other. A listening PAIR 1 takes a PAIR 0 too.
func talks(dials, listens spry.Protocol) bool {
	return dials.Peer() == listens || dials == spry.ProtocolPair0 && listens == spry.ProtocolPair1
}
