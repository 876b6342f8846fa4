// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wire/sp"
)

// Of all roles, those that fit talk, and those that do not are refused by both ends, for that reason.
func TestRolesThatDoNotFitAreRefused(t *testing.T) {
	leak.Check(t)
	open := map[spry.Protocol]func() testkit.Attacher{
		spry.ProtocolPush: func() testkit.Attacher { return spry.NewPush(nil) }, spry.ProtocolPull: func() testkit.Attacher { return spry.NewPull(nil) },
		spry.ProtocolPub: func() testkit.Attacher { return spry.NewPub(nil) }, spry.ProtocolSub: func() testkit.Attacher { return spry.NewSub(nil) },
		spry.ProtocolReq: func() testkit.Attacher { return spry.NewReq(nil) }, spry.ProtocolRep: func() testkit.Attacher { return spry.NewRep(nil) },
		spry.ProtocolSurveyor: func() testkit.Attacher { return spry.NewSurveyor(nil) }, spry.ProtocolRespondent: func() testkit.Attacher { return spry.NewRespondent(nil) },
		spry.ProtocolBus: func() testkit.Attacher { return spry.NewBus(nil) }, spry.ProtocolPair1: func() testkit.Attacher { return spry.NewPair(nil) },
		spry.ProtocolPair0: func() testkit.Attacher { return spry.NewPair(&spry.PairOptions{V0: true}) },
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

// counterpart is the protocol that p connects to.
func counterpart(p spry.Protocol) spry.Protocol {
	known, _ := sp.Lookup(uint16(p))
	return spry.Protocol(known.Peer)
}

// talks reports whether one role fits the other. A listening PAIR 1 takes a PAIR 0 too.
func talks(dials, listens spry.Protocol) bool {
	return counterpart(dials) == listens || dials == spry.ProtocolPair0 && listens == spry.ProtocolPair1
}

// Peers whose roles do not fit are refused by both ends, for that reason, and nothing else is harmed.
func TestWrongRoleIsRefused(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		sub := spry.NewSub(&spry.SubOptions{Options: w.options})
		_, err := sub.DialWith(ctx, testkit.DialerTo(e))
		op, ok := errors.AsType[*spry.OpError](err)
		if !ok || !errors.Is(err, spry.ErrProtocol) || op.Reason != "role_mismatch" || !strings.Contains(strings.ToLower(err.Error()), "pull") || !strings.Contains(err.Error(), e.URL()) {
			t.Errorf("a sub dialed a pull: %v; want an error that names role, endpoint and reason", err)
		}
		testkit.Eventually(t, "the listener counts it", func() bool { return pull.Stats().Rejected["role_mismatch"] == 1 })
		if n := sub.Stats().Rejected["role_mismatch"]; n != 1 {
			t.Errorf("the dialer counts %d, want 1", n)
		}
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		testkit.DialTo(t, push, e)
		carry(t, push, pull)
		testkit.Shut(t, push, pull, sub)
	})
}

// A Pair has one peer.
func TestSecondPairIsRefused(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		a, b, c := spry.NewPair(&spry.PairOptions{Options: w.options}), spry.NewPair(&spry.PairOptions{Options: w.options}), spry.NewPair(&spry.PairOptions{Options: w.options})
		e := w.listen(t, a)
		testkit.DialTo(t, b, e)
		testkit.Check(t, a.WaitPipes(testkit.Watchdog(t), 1))
		_, _ = c.DialWith(testkit.Watchdog(t), testkit.DialerTo(e)) // may learn of it only later
		testkit.Eventually(t, "the second peer is refused", func() bool { return a.Stats().Rejected["refused"] > 0 })
		carry(t, b, a)
		testkit.Shut(t, b, c, a)
	})
}
