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

// A peer that breaks the rules while a message is on its way to it gets the rest of the message, and then the close frame with the
// reason. If it does not read within a second, the connection ends.
func TestWebSocketBreachDuringWrite(t *testing.T) {
	for delay, want := range map[time.Duration]bool{500 * time.Millisecond: true, 5 * time.Second: false} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := simnet.Pipe()
				push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}, Linger: -1}})
				defer push.Close()
				go (&testkit.Bare{Conn: theirs}).AnswerUpgrade(t)
				_, err := push.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: "ws://peer.test/feed", DialContext: func(context.Context, string, string) (net.Conn, error) {
					return ours, nil
				}})
				testkit.Check(t, err)
				testkit.Check(t, push.Send(t.Context(), make([]byte, 4<<20)))
				synctest.Wait()
				_, err = theirs.Write([]byte{0x81, 0}) // a text message
				testkit.Check(t, err)
				time.Sleep(delay)
				received, _ := io.ReadAll(theirs) // an error is an end too
				reason := false
				for len(received) > 0 {
					h, n, err := wsframe.ParseHeader(received, true)
					if err != nil || h.Length > int64(len(received)-n) {
						break
					}
					payload := received[n:][:h.Length]
					wsframe.Mask(h.Key, 0, payload)
					code, _, err := wsframe.ParseClose(payload)
					reason = h.Opcode == wsframe.Close && err == nil && code == wsframe.StatusUnsupported
					received = received[n+int(h.Length):]
				}
				if reason != want {
					t.Errorf("the reason comes: %v, want %v", reason, want)
				}
				if synctest.Wait(); push.Stats().Rejected["frame_type"] != 1 {
					t.Errorf("the breach is not counted: %v", push.Stats().Rejected)
				}
			})
		})
	}
}

// pinged has a peer that answers the upgrade with further headers. check gets a function that waits for the next ping, which
// comes at a time after the upgrade. There must be no others.
func pinged(t *testing.T, headers []string, check func(expect func(time.Duration), theirs net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := simnet.Pipe()
		push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}, Linger: -1, Heartbeat: -1}})
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
