// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// A WebSocket that receives nothing for 25 seconds sends a ping, again and again. Received data delays it. A peer that may be
// libnanomsg gets no pings, which it would take for messages.
func TestWebSocketPingsAfterSilence(t *testing.T) {
	t.Run("through a proxy", func(t *testing.T) {
		pinged(t, []string{"Server: proxy"}, func(expect func(time.Duration), theirs net.Conn) {
			expect(25 * time.Second)
			expect(50 * time.Second)
			time.Sleep(10 * time.Second) // a pong at 60 s
			_, err := theirs.Write([]byte{0x8a, 0})
			testkit.Check(t, err)
			expect(85 * time.Second)
		})
	})
	t.Run("with few headers", func(t *testing.T) {
		pinged(t, nil, func(func(time.Duration), net.Conn) { time.Sleep(time.Hour) })
	})
}

// pinged has a peer that answers the upgrade with further headers. check gets a function that waits for the next ping, which
// comes at a time after the upgrade. There must be no others.
func pinged(t *testing.T, headers []string, check func(expect func(time.Duration), theirs net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := simnet.Pipe()
		push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}, Linger: -1}})
		defer push.Close()
		pings := make(chan time.Time, 10)
		go func() {
			(&testkit.Bare{Conn: theirs}).AnswerUpgrade(t, headers...)
			head := make([]byte, 6) // a masked frame without a payload
			for {
				if _, err := io.ReadFull(theirs, head); err != nil {
					return
				}
				if h, _, err := wsframe.ParseHeader(head, true); err != nil || h.Opcode != wsframe.Ping || h.Length != 0 {
					t.Errorf("%x comes where a ping belongs: %v", head, err)
					return
				}
				pings <- time.Now()
			}
		}()
		_, err := push.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: "ws://peer.test/feed", DialContext: func(context.Context, string, string) (net.Conn, error) {
			return ours, nil
		}})
		testkit.Check(t, err)
		began := time.Now()
		check(func(at time.Duration) {
			t.Helper()
			if got := (<-pings).Sub(began); got != at {
				t.Errorf("a ping comes after %v, want %v", got, at)
			}
		}, theirs)
		if n := len(pings); n > 0 {
			t.Errorf("%d pings come that should not", n)
		}
		testkit.Check(t, theirs.Close())
	})
}
