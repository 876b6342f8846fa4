// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// T05: silent peers fill a listener's handshakes. The oldest must make room, so that whoever speaks gets in.
func TestOldestHandshakeIsEvicted(t *testing.T) {
	for _, limit := range []int{8, 0} {
		for _, scheme := range []string{"tcp", "ipc"} {
			testEviction(t, scheme, limit)
		}
	}
}

func testEviction(t *testing.T, scheme string, limit int) {
	leak.Check(t)
	silent := testkit.Figure(320, 2000)
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{HandshakeTimeout: 10 * testkit.Patience, MaxHandshakes: limit}})
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{HandshakeTimeout: testkit.Patience}})
	defer pull.Close()
	defer push.Close()
	if limit == 0 {
		limit = 256 // the default
	}
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	defer cancel()
	seen := watch(ctx, pull)
	e := testkit.ListenOn(t, pull, scheme)

	// A peer that has said 00 53 50 is answered: by then it stands in line, and the next one comes after it.
	var peers []*testkit.Bare
	for range silent {
		b := testkit.BareTo(t, e)
		b.Say(t, testkit.Header(spry.ProtocolPush)[:3])
		b.Hear(t)
		peers = append(peers, b)
	}
	for i, b := range peers[:silent-limit] {
		if v := seen.ended(ctx, b.LocalAddr().String()); v.Kind != spry.EventReject || v.Reason != "evicted" {
			t.Fatalf("silent peer %d of %d ended with %v, reason %q; want it evicted", i, silent, v.Kind, v.Reason)
		}
		b.UntilClosed(t)
	}
	if got := pull.Stats().Rejected["evicted"]; got != uint64(silent-limit) {
		t.Errorf("%d were evicted, want the %d oldest", got, silent-limit)
	}
	start := time.Now()
	testkit.DialTo(t, push, e)
	testkit.Check(t, push.Send(ctx, []byte("let me in")))
	if body, err := pull.Recv(ctx); err != nil || string(body) != "let me in" {
		t.Fatalf("the peer that speaks: %q, %v", body, err)
	}
	took := time.Since(start)
	if v := seen.ended(ctx, peers[silent-limit].LocalAddr().String()); v.Reason != "evicted" {
		t.Errorf("the then oldest ended with %q; want it evicted", v.Reason)
	}
	for _, b := range peers[silent-limit+1:] { // the younger ones go on: they may still finish
		b.Say(t, testkit.Header(spry.ProtocolPush)[3:])
	}
	testkit.Check(t, pull.WaitPipes(ctx, limit))
	for _, b := range peers[silent-limit+1:] {
		b.Say(t, testkit.Frame(b.Typed, []byte("late")))
	}
	for range limit - 1 {
		if body, err := pull.Recv(ctx); err != nil || string(body) != "late" {
			t.Fatalf("a slow peer that finished: %q, %v", body, err)
		}
	}
	if got := pull.Stats().Rejected; len(got) != 1 || got["evicted"] != uint64(silent-limit+1) {
		t.Errorf("Rejected = %v, want only evicted: %d", got, silent-limit+1)
	}
	t.Logf("T05 %s: %d silent peers, cap %d: the oldest %d evicted, a legitimate client was in after %v", scheme, silent, limit, silent-limit+1, took.Round(time.Millisecond))
}
