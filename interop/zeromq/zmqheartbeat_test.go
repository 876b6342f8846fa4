// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/zmq"
)

// heartbeatTransports are those with ZMTP's heartbeats. Over ws the link's pings stand in for them: Spry's end no link, and Spry
// answers none while it reads nothing.
var heartbeatTransports = []string{"tcp", "ipc"}

// TestZeroMQStoppedPeer stops libzmq's process, whose connection stays open. Spry gives it up, and has it back when it goes on.
func TestZeroMQStoppedPeer(t *testing.T) {
	withPeerOver(t, heartbeatTransports, "PUSH stopped and continued – zmq PULL", func(t *testing.T, p *zmqPeer, a kit.Address) {
		o := kit.Options
		o.Heartbeat = 100 * time.Millisecond
		pull := zmq.NewPull(&zmq.PullOptions{Options: o})
		p.do("open", args{"socket": "s", "type": "PUSH", "monitored": true})
		if a.SpryListens {
			kit.Attach(t, pull, a)
			p.attach("s", a)
		} else {
			p.attach("s", a)
			kit.Attach(t, pull, a)
		}
		kit.WaitPipes(t, pull, 1)
		pipe := kit.OnlyPipe(t, pull.Socket)
		p.Signal(syscall.SIGSTOP)
		<-pipe.Done()
		t.Logf("the pipe ended with: %v", pipe.Err())
		p.Signal(syscall.SIGCONT)
		p.do("event", args{"socket": "s", "name": "DISCONNECTED"})
		kit.WaitPipes(t, pull, 1)
		p.send("s", text("back"))
		sameFrames(t, kit.Must[[][]byte](t)(pull.Recv(kit.Watched(t))), []string{text("back")})
	})
}

// TestZeroMQNoticesStoppedSpry stops a process of Spry, whose connection stays open. libzmq's heartbeats find that out, and it is back
// when it goes on.
func TestZeroMQNoticesStoppedSpry(t *testing.T) {
	kit.EachWay(t, kit.LibZMQ, "PUSH with heartbeats – pull stopped and continued", func(t *testing.T, a kit.Address) {
		p := startPeer(t, kit.LibZMQ)
		heartbeats := args{"HEARTBEAT_IVL": 100, "HEARTBEAT_TIMEOUT": 500, "HEARTBEAT_TTL": 1000}
		p.do("open", args{"socket": "s", "type": "PUSH", "options": heartbeats, "monitored": true})
		if !a.SpryListens {
			p.attach("s", a)
		}
		way := map[bool]string{true: "--listen", false: "--dial"}[a.SpryListens]
		url := a.Dialect + a.URL
		if a.SpryListens {
			url = a.URL
		}
		pull := peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), "pull", way, url, "--count", "2")
		if a.SpryListens {
			peer.WaitListening(t, a.URL)
			p.attach("s", a)
		}
		p.send("s", text("here"))
		pull.WaitLine("here") // a message, because over ws libzmq reports its handshake before ZMTP's, during which it sends no pings
		pull.Signal(syscall.SIGSTOP)
		p.do("event", args{"socket": "s", "name": "DISCONNECTED"})
		pull.Signal(syscall.SIGCONT)
		p.do("event", args{"socket": "s", "name": "HANDSHAKE_SUCCEEDED"})
		p.send("s", text("back"))
		if out := pull.Wait(); out != "here\nback\n" {
			t.Errorf("the command printed %q", out)
		}
	})
}

// TestZeroMQToleratesBusySpry has libzmq expect a sign of life within a second and a half from a socket whose program is busy
// for three: the connection stays, and nothing is lost.
func TestZeroMQToleratesBusySpry(t *testing.T) {
	withPeerOver(t, heartbeatTransports, "PUSH with heartbeats – zmq PULL that does not receive", func(t *testing.T, p *zmqPeer, a kit.Address) {
		o := kit.Options
		o.RecvQueue = 2
		pull := zmq.NewPull(&zmq.PullOptions{Options: o})
		heartbeats := args{"HEARTBEAT_IVL": 500, "HEARTBEAT_TIMEOUT": 1500, "HEARTBEAT_TTL": 1500}
		p.do("open", args{"socket": "s", "type": "PUSH", "options": heartbeats})
		if a.SpryListens {
			kit.Attach(t, pull, a)
			p.attach("s", a)
		} else {
			p.attach("s", a)
			kit.Attach(t, pull, a)
		}
		kit.WaitPipes(t, pull, 1)
		pipe := kit.OnlyPipe(t, pull.Socket)
		const messages = 200
		for i := range messages {
			p.send("s", fmt.Sprintf("n:20000:%d", i))
		}
		select {
		case <-pipe.Done():
			t.Fatalf("the pipe ended with %v while nobody received", pipe.Err())
		case <-time.After(3 * time.Second):
		}
		for i := range messages {
			sameFrames(t, kit.Must[[][]byte](t)(pull.Recv(kit.Watched(t))), []string{fmt.Sprintf("n:20000:%d", i)})
		}
	})
}
