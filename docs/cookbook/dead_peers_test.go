// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/sprytest"
)

func TestDeadPeerIsNoticed(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		server, client := w.Host("server"), w.Host("client")
		pull := spry.NewPull(&spry.PullOptions{Options: server.Options()})
		defer pull.Close()
		if _, err := pull.Listen(w.Context(), "tcp://*:5555"); err != nil {
			w.Fatal(err)
		}

		// ZeroMQ's protocol has heartbeats, and so has WebSocket.
		down := make(chan spry.Event, 100)
		o := client.Options()
		o.Heartbeat = 2 * time.Second
		o.Trace = func(e spry.Event) {
			if e.Kind == spry.EventPipeDown {
				down <- e
			}
		}
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		if _, err := push.Dial(w.Context(), "zmtp+tcp://server:5555"); err != nil {
			w.Fatal(err)
		}

		began := time.Now()
		server.PowerOff() // which says nothing to anyone
		e := <-down
		t.Logf("%s after %v: %v", e.Reason, time.Since(began), e.Err)
		if took := time.Since(began); took > 2*o.Heartbeat { // exact: time is virtual
			w.Errorf("the dead peer was noticed after %v", took)
		}

		server.PowerOn()
		if err := push.WaitPipes(w.Context(), 1); err != nil { // it dials again by itself
			w.Error(err)
		}
	})
}
