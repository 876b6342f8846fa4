// SPDX-License-Identifier: MIT

package conformance_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// T05 for WebSocket: peers that stop within their request, or within TLS, fill a listener's handshakes. Old ones make room, so
// that whoever speaks gets in, and the others may still finish.
func TestHalfRequestsMakeRoom(t *testing.T) {
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			const limit = 16
			silent := testkit.Figure(200, 2000)
			ctx := testkit.Watchdog(t)
			o := spry.Options{Transports: []transport.Transport{ws.Transport{}}, HandshakeTimeout: 10 * testkit.Patience, MaxHandshakes: limit}
			pull := spry.NewPull(&spry.PullOptions{Options: o})
			push := spry.NewPush(&spry.PushOptions{Options: o})
			testkit.CloseAll(t, push, pull)
			e := testkit.ListenOn(t, pull, scheme)
			evicted := func(n uint64) {
				t.Helper()
				testkit.Eventually(t, "the oldest are evicted", func() bool { return pull.Stats().Rejected["evicted"] == n })
			}
			request := []byte(testkit.WebSocketRequest(pullOverWS))
			var peers []*testkit.Bare
			for range silent {
				b := testkit.BareTo(t, e)
				b.Say(t, request[:len(request)/2])
				peers = append(peers, b)
			}
			evicted(uint64(silent - limit))
			start := time.Now()
			testkit.DialTo(t, push, e)
			testkit.Check(t, push.Send(ctx, []byte("let me in")))
			if body, err := pull.Recv(ctx); err != nil || string(body) != "let me in" {
				t.Fatalf("the peer that speaks: %q, %v", body, err)
			}
			took := time.Since(start)
			evicted(uint64(silent - limit + 1))
			finished := 0
			for _, b := range peers {
				if _, err := b.Write(request[len(request)/2:]); err != nil {
					continue
				}
				if _, err := b.Read(make([]byte, 1)); err == nil {
					finished++
				}
			}
			if finished != limit-1 {
				t.Errorf("%d of %d slow peers finished", finished, limit-1)
			}
			if got := pull.Stats().Rejected; len(got) != 1 || got["evicted"] != uint64(silent-limit+1) {
				t.Errorf("Rejected = %v, want only evicted: %d", got, silent-limit+1)
			}
			t.Logf("T05 %s: %d silent peers, cap %d: a legitimate client was in after %v", scheme, silent, limit, took.Round(time.Millisecond))
		})
	}
}

// A peer that has done TLS outlasts silent ones of its own address, as the distance to it may delay its request. The peer is done with
// TLS before the listener is, and cannot see when that is: so several attempts count.
func TestPeersAfterTLSOutlastSilentOnes(t *testing.T) {
	leak.Check(t)
	const silent, limit, attempts = 20, 8, 10
	outlasts := func() bool {
		pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{
			Transports: []transport.Transport{ws.Transport{}}, HandshakeTimeout: 10 * testkit.Patience, MaxHandshakes: limit,
		}})
		defer testkit.Shut(t, pull)
		e := testkit.ListenOn(t, pull, "wss")
		b := testkit.BareTo(t, e)
		testkit.Check(t, b.Conn.(*tls.Conn).Handshake())
		_ = testkit.BareTo(t, e).Conn.(*tls.Conn).Handshake() // meanwhile, the listener likely finishes that of b
		for range silent {
			testkit.BareBelow(t, e)
		}
		testkit.Eventually(t, "the oldest are evicted", func() bool { return pull.Stats().Rejected["evicted"] == silent+2-limit })
		testkit.Check(t, b.SetDeadline(time.Now().Add(testkit.Patience)))
		if _, err := io.WriteString(b, testkit.WebSocketRequest(pullOverWS)); err != nil {
			return false
		}
		answer := make([]byte, len("HTTP/1.1 101 "))
		_, err := io.ReadFull(b, answer)
		return err == nil && string(answer) == "HTTP/1.1 101 "
	}
	for n := range attempts {
		if outlasts() {
			return
		}
		t.Logf("attempt %d: it was evicted", n+1)
	}
	t.Error("a peer that has done TLS is evicted before silent ones")
}
