// SPDX-License-Identifier: MIT

package sp_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// What is sent just before Close, and how it must arrive.
const (
	burst     = 200
	burstSize = 256 << 10
)

// lingering options wait for the peer as long as these tests wait for anything.
func lingering(d time.Duration) spry.Options {
	o := kit.Options
	o.Linger = d
	o.SendQueueBytes = 2 * burst * burstSize
	return o
}

// burstTally is the tally of a whole burst.
var burstTally = sync.OnceValue(func() *kit.Tally { return kit.NumberedTally(burst, burstSize) })

// A receiver is a process that takes a burst and can tell how much of it came.
type receiver struct {
	name  string
	start func(t *testing.T, a kit.Address) *peer.Process
	check func(t *testing.T, p *peer.Process)
}

var receivers = []receiver{
	{"nngcat", func(t *testing.T, a kit.Address) *peer.Process {
		return peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--pull0", "--dial", a.URL, "--count", fmt.Sprint(burst), "--msgpack")
	}, expectBodies},
	{"nanocat", func(t *testing.T, a kit.Address) *peer.Process {
		return peer.Start(t, peer.Find(t, "nanocat", "nanomsg-utils"), "--pull", "--connect", a.URL, "--msgpack")
	}, expectBodies},
	{"libnng", func(t *testing.T, a kit.Address) *peer.Process {
		return kit.StartC(t, "nng_recv", "dial", a.URL, "pull", fmt.Sprint(burst))
	}, expectBurst},
	{"libnanomsg", func(t *testing.T, a kit.Address) *peer.Process {
		return kit.StartC(t, "nn_recv", "dial", a.URL, "pull", fmt.Sprint(burst))
	}, expectBurst},
	{"spry", func(t *testing.T, a kit.Address) *peer.Process {
		return peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), "pull", "--dial", a.URL, "--count", fmt.Sprint(burst), "--format", "msgpack-bin")
	}, expectBodies},
}

func expectBurst(t *testing.T, p *peer.Process) {
	t.Helper()
	kit.ExpectTally(t, p, burstTally())
}

func expectBodies(t *testing.T, p *peer.Process) {
	t.Helper()
	for i, got := range p.WaitBodies(burst) {
		kit.Same(t, fmt.Sprintf("message %d: %s received", i, p), got, kit.Numbered(burstSize, i))
	}
}

// TestCloseDelivers sends a burst and closes at once: all of it arrives. These tests move much data and keep it, so
// they do not run in parallel.
func TestCloseDelivers(t *testing.T) {
	for _, r := range receivers {
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run("library/"+r.name+"/"+transport, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(r.name, "pull – push 200 × 256 KiB, then Close", transport, "it dials"), kit.Library)
				a := kit.NewAddress(t, transport, true)
				push := spry.NewPush(&spry.PushOptions{Options: lingering(peer.Watchdog)})
				kit.Attach(t, push, a)
				p := r.start(t, a)
				kit.WaitPipes(t, push, 1)
				kit.SendNumbered(t, push, burst, burstSize)
				if err := push.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				r.check(t, p)
			})
			t.Run("command/"+r.name+"/"+transport, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(r.name, "pull – push 200 × 256 KiB, then Close", transport, "it dials"), kit.Command)
				a := kit.NewAddress(t, transport, true)
				args := []string{"push", "--listen", a.URL}
				for i := range burst {
					args = append(args, "--file", kit.BodyFile(t, kit.Numbered(burstSize, i)))
				}
				push := peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), args...)
				peer.WaitListening(t, a.URL)
				p := r.start(t, a)
				push.Wait()
				r.check(t, p)
			})
		}
	}
}

// TestCloseWithUnreadInput does the same while the peer sends without end and nobody receives, so that the connection
// has unread input at Close: closing it then would reset it, and lose what is on its way.
func TestCloseWithUnreadInput(t *testing.T) {
	for name, program := range map[string]string{kit.LibNNG: "nng_pair1_flood", kit.LibNanomsg: "nn_pair_flood"} {
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				kit.Results.Track(t, kit.Row(name, "pair with unread input, 200 × 256 KiB, then Close", transport, "it dials"), kit.Library)
				a := kit.NewAddress(t, transport, true)
				o := lingering(peer.Watchdog)
				o.RecvQueueBytes = 64 << 10 // soon full: the rest of the input stays in the connection
				pair := spry.NewPair(&spry.PairOptions{Options: o})
				kit.Attach(t, pair, a)
				p := kit.StartC(t, program, a.How(), a.URL, fmt.Sprint(burst))
				kit.WaitPipes(t, pair, 1)
				kit.SendNumbered(t, pair, burst, burstSize)
				if err := pair.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				expectBurst(t, p)
			})
		}
	}
}

// TestCloseGivesUpOnDeafPeer has a peer that stops reading. Close ends at Linger, and counts exactly what the peer's
// machine did not take: the peer finds all the rest there.
func TestCloseGivesUpOnDeafPeer(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row(kit.LibNNG, "pull that does not read – push, Close ends at Linger", transport, "it dials"), kit.Library)
			t.Parallel()
			a := kit.NewAddress(t, transport, true)
			push := spry.NewPush(&spry.PushOptions{Options: lingering(300 * time.Millisecond)})
			kit.Attach(t, push, a)
			p := kit.StartC(t, "nng_deaf", a.How(), a.URL)
			kit.WaitPipes(t, push, 1)
			kit.SendNumbered(t, push, burst, burstSize)
			err := push.Close()
			if !errors.Is(err, spry.ErrUnsent) {
				t.Fatalf("close: %v; want the number of messages that were not handed over", err)
			}
			op, _ := errors.AsType[*spry.OpError](err)
			unsent := op.Unsent
			p.Continue()
			arrived := firstNumber(t, p.WaitLine("count "))
			t.Logf("of %d messages %d arrived; %v", burst, arrived, err)
			if arrived+unsent != burst {
				t.Errorf("%d arrived and Close counted %d others: together %d of %d", arrived, unsent, arrived+unsent, burst)
			}
		})
	}
}

// firstNumber is the number that a text tells.
func firstNumber(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(regexp.MustCompile(`\b\d+\b`).FindString(text))
	if err != nil {
		t.Fatalf("no number in %q", text)
	}
	return n
}
