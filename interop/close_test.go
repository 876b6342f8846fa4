// SPDX-License-Identifier: MIT

package interop_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// What is sent just before Close, and how it must arrive.
const (
	burst     = 200
	burstSize = 256 << 10
)

// lingering options wait for the peer as long as these tests wait for anything.
func lingering(d time.Duration) spry.Options {
	o := options
	o.Linger = d
	o.SendQueueBytes = 2 * burst * burstSize
	return o
}

// burstTally is the tally of a whole burst.
var burstTally = sync.OnceValue(func() *tally { return numberedTally(burst, burstSize) })

// A receiver is a process that takes a burst and can tell how much of it came.
type receiver struct {
	name  string
	start func(t *testing.T, a address) *peer.Process
	check func(t *testing.T, p *peer.Process)
}

var receivers = []receiver{
	{"nngcat", func(t *testing.T, a address) *peer.Process {
		return peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--pull0", "--dial", a.url, "--count", fmt.Sprint(burst), "--msgpack")
	}, expectBodies},
	{"nanocat", func(t *testing.T, a address) *peer.Process {
		return peer.Start(t, peer.Find(t, "nanocat", "nanomsg-utils"), "--pull", "--connect", a.url, "--msgpack")
	}, expectBodies},
	{"libnng", func(t *testing.T, a address) *peer.Process {
		return startC(t, "nng_recv", "dial", a.url, "pull", fmt.Sprint(burst))
	}, expectBurst},
	{"libnanomsg", func(t *testing.T, a address) *peer.Process {
		return startC(t, "nn_recv", "dial", a.url, "pull", fmt.Sprint(burst))
	}, expectBurst},
	{"spry", func(t *testing.T, a address) *peer.Process {
		return peer.Start(t, builder.Command(t, commandFolder), "pull", "--dial", a.url, "--count", fmt.Sprint(burst), "--format", "msgpack-bin")
	}, expectBodies},
}

func expectBurst(t *testing.T, p *peer.Process) {
	t.Helper()
	expectTally(t, p, burstTally())
}

func expectBodies(t *testing.T, p *peer.Process) {
	t.Helper()
	for i, got := range p.WaitBodies(burst) {
		same(t, fmt.Sprintf("message %d: %s received", i, p), got, numbered(burstSize, i))
	}
}

// TestCloseDelivers sends a burst and closes at once: all of it arrives. These tests move much data and keep it, so
// they do not run in parallel.
func TestCloseDelivers(t *testing.T) {
	for _, r := range receivers {
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run("library/"+r.name+"/"+transport, func(t *testing.T) {
				results.track(t, row{r.name, "pull – push 200 × 256 KiB, then Close", transport, "it dials"}, library)
				a := newAddress(t, transport, true)
				push := spry.NewPush(&spry.PushOptions{Options: lingering(peer.Watchdog)})
				attach(t, push, a)
				p := r.start(t, a)
				waitPipes(t, push, 1)
				sendNumbered(t, push, burst, burstSize)
				if err := push.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				r.check(t, p)
			})
			t.Run("command/"+r.name+"/"+transport, func(t *testing.T) {
				results.track(t, row{r.name, "pull – push 200 × 256 KiB, then Close", transport, "it dials"}, command)
				a := newAddress(t, transport, true)
				args := []string{"push", "--listen", a.url}
				for i := range burst {
					args = append(args, "--file", bodyFile(t, numbered(burstSize, i)))
				}
				push := peer.Start(t, builder.Command(t, commandFolder), args...)
				peer.WaitListening(t, a.url)
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
	for name, program := range map[string]string{libnng: "nng_pair1_flood", libnanomsg: "nn_pair_flood"} {
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				results.track(t, row{name, "pair with unread input, 200 × 256 KiB, then Close", transport, "it dials"}, library)
				a := newAddress(t, transport, true)
				o := lingering(peer.Watchdog)
				o.RecvQueueBytes = 64 << 10 // soon full: the rest of the input stays in the connection
				pair := spry.NewPair(&spry.PairOptions{Options: o})
				attach(t, pair, a)
				p := startC(t, program, a.how(), a.url, fmt.Sprint(burst))
				waitPipes(t, pair, 1)
				sendNumbered(t, pair, burst, burstSize)
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
			results.track(t, row{libnng, "pull that does not read – push, Close ends at Linger", transport, "it dials"}, library)
			t.Parallel()
			a := newAddress(t, transport, true)
			push := spry.NewPush(&spry.PushOptions{Options: lingering(300 * time.Millisecond)})
			attach(t, push, a)
			p := startC(t, "nng_deaf", a.how(), a.url)
			waitPipes(t, push, 1)
			sendNumbered(t, push, burst, burstSize)
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
