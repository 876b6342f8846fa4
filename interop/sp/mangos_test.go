// SPDX-License-Identifier: MIT

package sp_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/push"
	"go.nanomsg.org/mangos/v3/protocol/rep"
	"go.nanomsg.org/mangos/v3/protocol/req"
	_ "go.nanomsg.org/mangos/v3/transport/ws"  // ws://
	_ "go.nanomsg.org/mangos/v3/transport/wss" // wss://

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// eachMangos runs a test for mangos over ws and wss, in both directions.
func eachMangos(t *testing.T, pattern string, test func(t *testing.T, a kit.Address)) {
	t.Helper()
	for _, transport := range []string{"ws", "wss"} {
		for _, spryListens := range []bool{true, false} {
			r := kit.Row("mangos", pattern, transport, kit.Direction(spryListens))
			t.Run(fmt.Sprintf("%s/spry_listens=%v", transport, spryListens), func(t *testing.T) {
				kit.Results.Track(t, r, kit.Library)
				test(t, kit.NewAddress(t, transport, spryListens))
			})
		}
	}
}

// meetMangos connects a socket of mangos with one of Spry's, in the order that the address asks for.
func meetMangos(t *testing.T, a kit.Address, m mangos.Socket, s kit.Socket) {
	t.Helper()
	t.Cleanup(func() { _ = m.Close() })
	testkit.Check(t, m.SetOption(mangos.OptionMaxRecvSize, 0))
	options := make(map[string]any)
	if a.TLS != nil {
		options[mangos.OptionTLSConfig] = a.TLS.Config(!a.SpryListens)
	}
	if a.SpryListens {
		kit.Attach(t, s, a)
		testkit.Check(t, m.DialOptions(a.URL, options))
		return
	}
	testkit.Check(t, m.ListenOptions(a.URL, options))
	kit.Attach(t, s, a)
}

// TestMangosWebSocket exchanges messages with mangos, which frames by gorilla/websocket.
func TestMangosWebSocket(t *testing.T) {
	t.Run("req", func(t *testing.T) {
		eachMangos(t, "req – rep", func(t *testing.T, a kit.Address) {
			m := kit.Must[mangos.Socket](t)(req.NewSocket())
			testkit.Check(t, m.SetOption(mangos.OptionRecvDeadline, peer.Watchdog))
			answers := spry.NewRep(&spry.RepOptions{Options: kit.Options})
			meetMangos(t, a, m, answers)
			asked := make(chan error, 1)
			go func() {
				for _, size := range kit.Sizes {
					want := kit.Body(size, 3)
					if err := m.Send(want); err != nil {
						asked <- err
						return
					}
					if b, err := m.Recv(); err != nil || !bytes.Equal(b, want) {
						asked <- fmt.Errorf("%d bytes came back of %d: %w", len(b), size, err)
						return
					}
				}
				asked <- nil
			}()
			for range kit.Sizes {
				r := kit.Must[*spry.Request](t)(answers.Recv(kit.Watched(t)))
				testkit.Check(t, r.Reply(kit.Watched(t), r.Bytes()))
			}
			testkit.Check(t, <-asked)
		})
	})
	t.Run("rep", func(t *testing.T) {
		eachMangos(t, "rep – req", func(t *testing.T, a kit.Address) {
			m := kit.Must[mangos.Socket](t)(rep.NewSocket())
			asks := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
			meetMangos(t, a, m, asks)
			go func() {
				for {
					b, err := m.Recv()
					if err != nil || m.Send(b) != nil {
						return
					}
				}
			}()
			for _, size := range kit.Sizes {
				want := kit.Body(size, 3)
				kit.Same(t, "Spry received", kit.Must[[]byte](t)(asks.Do(kit.Watched(t), want)), want)
			}
		})
	})
	t.Run("push", func(t *testing.T) {
		eachMangos(t, "push – pull", func(t *testing.T, a kit.Address) {
			m := kit.Must[mangos.Socket](t)(push.NewSocket())
			testkit.Check(t, m.SetOption(mangos.OptionSendDeadline, time.Minute))
			pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
			meetMangos(t, a, m, pull)
			const messages = 5000
			sent := make(chan error, 1)
			go func() {
				for i := range messages {
					if err := m.Send(fmt.Appendf(nil, "%d", i)); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			for i := range messages {
				if b := kit.Must[[]byte](t)(pull.Recv(kit.Watched(t))); !bytes.Equal(b, fmt.Appendf(nil, "%d", i)) {
					t.Fatalf("message %d is %q", i, b)
				}
			}
			testkit.Check(t, <-sent)
		})
	})
}
