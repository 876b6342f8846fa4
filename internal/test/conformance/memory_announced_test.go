// SPDX-License-Identifier: MIT

package conformance_test

import (
	"io"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// T33: peers announce the largest message there may be and send little of it. What they cost depends on what they sent.
func TestAnnouncedSizeCostsNothing(t *testing.T) {
	const limit = 16 << 20
	head := []byte{0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0} // of a frame of WebSocket of 16 MiB
	ready := "\x82" + string([]byte{byte(len(testkit.ReadyAs("PUSH")) - 1)}) + "\x02" + testkit.ReadyAs("PUSH")[2:]
	options := spry.Options{MaxMessageSize: limit, Transports: []transport.Transport{ws.Transport{}}}
	for name, begin := range map[string]func(t *testing.T, pull *spry.Pull) (peer *testkit.Bare, head []byte){
		"sp": func(t *testing.T, pull *spry.Pull) (*testkit.Bare, []byte) {
			_, b := attachMute(t, pull, spry.ProtocolPush, true)
			return b, testkit.FrameHead(false, limit)
		},
		"ws": func(t *testing.T, pull *spry.Pull) (*testkit.Bare, []byte) {
			return testkit.WebSocketTo(t, pull, "ws", func(*testkit.Bare) {}), head
		},
		"ws in fragments": func(t *testing.T, pull *spry.Pull) (*testkit.Bare, []byte) {
			return testkit.WebSocketTo(t, pull, "ws", func(*testkit.Bare) {}), append([]byte{2}, head[1:]...)
		},
		"zmtp+ws": func(t *testing.T, pull *spry.Pull) (*testkit.Bare, []byte) {
			return testkit.WebSocketTo(t, pull, "zmtp+ws", func(b *testkit.Bare) {
				go func() { _, _ = io.Copy(io.Discard, b.Conn) }() // its READY
				b.Say(t, []byte(ready))
			}), head
		},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			for _, sent := range []int{1, 1000, 60_000, 200_000, 500_000} {
				announce(t, options, begin, sent)
			}
		})
	}
}

// announce has peers that each announce a large message and send a number of bytes of it.
func announce(t *testing.T, o spry.Options, begin func(*testing.T, *spry.Pull) (*testkit.Bare, []byte), sent int) {
	t.Helper()
	peers := min(testkit.Figure(60, 400), 100_000_000/sent)
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	hostile, heads := make([]*testkit.Bare, peers), make([][]byte, peers) // at the other end of a net.Pipe: what they have written was read
	before := testkit.Heap()
	for i := range hostile {
		hostile[i], heads[i] = begin(t, pull)
	}
	testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), peers))
	idle := testkit.Heap()
	for i, h := range hostile {
		h.Say(t, heads[i])
	}
	piece := make([]byte, 1+sent/50)
	received := 0
	for ; received < sent; received += len(piece) {
		for _, h := range hostile {
			h.Say(t, piece)
		}
	}
	grown := int64(testkit.Heap()) - int64(idle)
	each, bound := grown/int64(peers), int64(2*(received+8)+64<<10)
	if each > bound {
		t.Errorf("%d peers that sent %d bytes cost %d bytes of heap each, want at most %d", peers, received, each, bound)
	}
	t.Logf("T33: %d peers announced %d bytes and sent %d: %d bytes of heap each beside %d when idle, bound %d", peers, o.MaxMessageSize, received, each, (int64(idle)-int64(before))/int64(peers), bound)
	for _, h := range hostile {
		_ = h.Close()
	}
	testkit.Check(t, pull.Close())
}
