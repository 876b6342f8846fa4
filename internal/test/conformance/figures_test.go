// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"iter"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// The accounting law holds in every snapshot, of each pipe and of the socket, whose figures are the sums of its pipes, living and
// gone: under load, with queues that overflow, connections that end and are dialed anew, peers that are refused, endpoints that come
// and go, and sockets that close. At rest, the figures are what the application counted itself. Every kind of socket goes over
// one of its wires, and in full over all of them.
func TestCountersBalance(t *testing.T) {
	leak.Check(t)
	snapshots := testkit.Figure(2_500, 10_000)
	ctx, stop := context.WithCancel(testkit.Watchdog(t))
	defer stop()
	var all []*workload
	var working sync.WaitGroup
	for i, kind := range workKinds {
		for j := range testkit.Figure(1, len(kind.wires)) {
			k := newWorkload(t, kind, kind.wires[(i+j)%len(kind.wires)])
			all = append(all, k)
			k.work(ctx, &working)
		}
	}
	closed := 0
	for taken := range snapshots {
		k := all[rand.IntN(len(all))]
		s := k.a
		if taken%2 == 0 {
			s = k.b
		}
		if why := testkit.Unbalanced(s.Stats()); why != "" {
			t.Fatalf("snapshot %d, %s: %s", taken, k.name, why)
		}
		if taken%20 == 0 {
			time.Sleep(time.Millisecond) // for the others to work: what is asserted does not depend on it
		}
		switch taken % 50 {
		case 0: // a connection ends, its dialer makes another
			for p := range s.Socket.(interface{ Pipes() iter.Seq[*spry.Pipe] }).Pipes() {
				_ = p.Close()
			}
		case 25:
			k.trouble(t)
		}
		if taken > snapshots*3/4 && closed < len(all)/2 && taken%(snapshots/4/(len(all)/2+1)) == 0 { // and some sockets close, under load
			_ = all[closed*2].a.Close()
			closed++
		}
	}
	stop()
	for _, k := range all {
		_ = k.a.Close()
		_ = k.b.Close()
	}
	working.Wait()
	var messages, past uint64
	for _, k := range all {
		k.atRest(t)
		messages += k.toA.Load() + k.toB.Load()
		past += testkit.Sum(k.b.Stats().Past.Rejected)
	}
	if past == 0 {
		t.Error("no peer was refused: it has not been tested whether that is counted")
	}
	t.Logf("accounting law: %d snapshots of %d sockets of %d kinds balance; %d messages counted by the application too, %d peers refused",
		snapshots, 2*len(all), len(workKinds), messages, past)
}

// trouble connects a peer that is refused, and one whose dialer ends.
func (k *workload) trouble(t *testing.T) {
	t.Helper()
	if at := k.at.Addr(); at != nil && at.Network() == "tcp" {
		if c, err := net.Dial("tcp", at.String()); err == nil { // else the socket is closed
			_, _ = c.Write([]byte("GET / HTTP/1.0\r\nHost: elsewhere\r\n\r\n"))
			_ = c.Close()
		}
	}
	c := testkit.DialerTo(k.at)
	c.Background = true
	if e, err := k.a.DialWith(t.Context(), c); err == nil {
		_ = e.Close()
	}
}
