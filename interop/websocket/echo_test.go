// SPDX-License-Identifier: MIT

package websocket_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// subprotocol is what the peers offer, and take. A message of version 0 of the pair protocol has no header.
const subprotocol = "pair.sp.nanomsg.org"

// An echoer is a program that sends every message back. It does so in one frame in its first connection, its third and so on, and
// in fragments of 1,000 bytes in the others. As a client it connects again when a connection has ended. Some messages are commands:
//
//	!ping         send a ping, and "pong" when it was answered
//	!text         send a text message
//	!send SIZE    send a message of zeros
//	!close CODE   end the connection with this status
type echoer interface {
	// closed waits until the peer's connection n, counted from 1, has ended, and returns the status of the close frame that the
	// peer received.
	closed(t *testing.T, n int) int
}

// An implementation of WebSocket.
type implementation struct {
	name       string
	transports []string
	start      func(t *testing.T, a kit.Address) echoer // listens before it returns, if it is to listen
}

var implementations = []implementation{
	{"coder/websocket", []string{"ws", "wss"}, startCoder},
	{"gobwas/ws", []string{"ws", "wss"}, startGobwas},
	{"gorilla/websocket", []string{"ws", "wss"}, startGorilla},
	{"npm ws", []string{"ws", "wss"}, startNode},
	{"python3-websockets", []string{"ws", "wss"}, startPython},
}

// eachImplementation runs a test with every implementation at the other end, over its transports, and with either side listening.
// Without SPRY_LONG, one side listens over ws: see [kit.Chosen].
func eachImplementation(t *testing.T, pattern string, test func(t *testing.T, i implementation, a kit.Address)) {
	t.Helper()
	for _, i := range implementations {
		for _, transport := range i.transports {
			for _, spryListens := range []bool{true, false} {
				if !kit.Chosen(transport, i.name, pattern, spryListens) {
					continue
				}
				r := kit.Row(i.name, pattern, transport, kit.Direction(spryListens))
				t.Run(strings.ReplaceAll(fmt.Sprintf("%s/%s/%s", i.name, transport, r.Direction), " ", "_"), func(t *testing.T) {
					kit.Results.Track(t, r, kit.Library)
					t.Parallel()
					test(t, i, kit.NewAddress(t, transport, spryListens))
				})
			}
		}
	}
}

// meet connects a Pair at an address with an implementation at another, which is the same if there is no proxy between them.
func meet(t *testing.T, i implementation, a, theirs kit.Address, limit int64) (*spry.Pair, echoer) {
	t.Helper()
	o := kit.Options
	o.MaxMessageSize = limit
	o.Linger = peer.Watchdog
	pair := spry.NewPair(&spry.PairOptions{Options: o, V0: true})
	if a.SpryListens {
		kit.Attach(t, pair, a)
		e := i.start(t, theirs)
		kit.WaitPipes(t, pair, 1)
		return pair, e
	}
	e := i.start(t, theirs)
	kit.Attach(t, pair, a)
	kit.WaitPipes(t, pair, 1)
	return pair, e
}

// exchange sends a message and expects another.
func exchange(t *testing.T, pair *spry.Pair, send, want []byte) {
	t.Helper()
	testkit.Check(t, pair.Send(kit.Watched(t), send))
	kit.Same(t, "Spry received", kit.Must[[]byte](t)(pair.Recv(kit.Watched(t))), want)
}

// command sends a command that ends the connection, and returns the error of its pipe.
func command(t *testing.T, pair *spry.Pair, text string) error {
	t.Helper()
	pipe := kit.OnlyPipe(t, pair.Socket)
	testkit.Check(t, pair.Send(kit.Watched(t), []byte(text)))
	select {
	case <-pipe.Done():
	case <-kit.Watched(t).Done():
		t.Fatalf("the pipe goes on after %s", text)
	}
	return pipe.Err()
}

// TestFrames sends messages of every class of length there and back, whole and in the peer's fragments, with pings of the peer in
// between. It ends connections by a status of the peer's, for a text message, and by Close.
func TestFrames(t *testing.T) {
	eachImplementation(t, frames, func(t *testing.T, i implementation, a kit.Address) {
		exchangeFrames(t, i, a, a)
	})
}

const frames = "frames of all sizes, fragments, pings, ends"

// lengths are at the bounds of the classes of lengths, and larger than any buffer on the way.
var lengths = []int{0, 1, 125, 126, 127, 1000, 65535, 65536, 65537, 1 << 20}

func exchangeFrames(t *testing.T, i implementation, a, theirs kit.Address) {
	t.Helper()
	pair, e := meet(t, i, a, theirs, 1<<20)
	for n, ending := range []string{"!close 4001", "!text"} {
		if n > 0 {
			kit.WaitPipes(t, pair, 1)
		}
		for _, size := range lengths {
			body := kit.Body(size, 3)
			exchange(t, pair, body, body)
		}
		exchange(t, pair, []byte("!ping"), []byte("pong"))
		err := command(t, pair, ending)
		switch status := e.closed(t, n+1); ending {
		case "!text":
			if status != 1003 || pair.Stats().Rejected["frame_type"] != 1 {
				t.Errorf("for a text message the peer got the status %d: %v; refused: %v", status, err, pair.Stats().Rejected)
			}
		default:
			if err == nil || !strings.Contains(err.Error(), "status 4001") || !strings.Contains(err.Error(), "as told") {
				t.Errorf("the peer ended the connection with the status 4001, and Spry says %v", err)
			}
		}
	}
	kit.WaitPipes(t, pair, 1)
	exchange(t, pair, []byte("last"), []byte("last")) // so that there is something whose arrival an orderly end proves
	testkit.Check(t, pair.Close())
	if status := e.closed(t, 3); status != 1000 {
		t.Errorf("for Close the peer got the status %d", status)
	}
}

// TestLimits has peers send a byte more than they may, in a frame and in fragments that each keep to the limit.
func TestLimits(t *testing.T) {
	eachImplementation(t, "messages beyond the limit", func(t *testing.T, i implementation, a kit.Address) {
		pair, e := meet(t, i, a, a, 1000)
		for n := range 2 {
			kit.WaitPipes(t, pair, 1)
			exchange(t, pair, []byte("!send 1000"), make([]byte, 1000))
			err := command(t, pair, "!send 1001")
			if status := e.closed(t, n+1); status != 1009 || pair.Stats().Rejected["oversize"] != uint64(n+1) {
				t.Errorf("connection %d: for a message that is too large the peer got the status %d: %v; refused: %v", n+1, status, err, pair.Stats().Rejected)
			}
		}
	})
}

// waits returns a context for the peer's own calls, which ends with the test.
func waits(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), peer.Watchdog)
	t.Cleanup(cancel)
	return ctx
}

// retry is how long clients wait before they connect again.
const retry = 20 * time.Millisecond
