// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// A goodStream is of clients that work while others misbehave.
type goodStream struct {
	clients int
	stop    chan struct{}
	sent    chan int
	result  chan [2]int
}

// goodClients sends numbered messages by each of several sockets, and receives them, with what legal peers send beside:
// those of each in order.
func goodClients(ctx context.Context, t *testing.T, pull *spry.Pull, clients ...*spry.Push) *goodStream {
	t.Helper()
	g := &goodStream{clients: len(clients), stop: make(chan struct{}), sent: make(chan int, len(clients)), result: make(chan [2]int, 1)}
	for i, push := range clients {
		go g.send(ctx, push, uint64(i)<<32)
	}
	go func() {
		next, others, ended := make([]uint64, len(clients)), 0, 0
		received := 0
		for ended < len(clients) {
			body, err := pull.Recv(ctx)
			switch {
			case err != nil:
				t.Errorf("receiving from the good clients: %v", err)
				ended = len(clients)
			case string(body) == "end":
				ended++
			case len(body) != 8:
				others++
			default:
				received++
				n := binary.BigEndian.Uint64(body)
				client, number := n>>32, n&(1<<32-1)
				if number != next[client] {
					t.Errorf("message %d of the good client %d came where %d belongs", number, client, next[client])
				}
				next[client] = number + 1
			}
		}
		for { // what others had sent before the good clients ended
			m, err := pull.TryRecvMsg()
			if err != nil {
				break
			}
			m.Release()
			others++
		}
		g.result <- [2]int{received, others}
	}()
	return g
}

func (g *goodStream) send(ctx context.Context, push *spry.Push, first uint64) {
	n := first
	defer func() { g.sent <- int(n - first) }()
	for {
		select {
		case <-g.stop:
			_ = push.Send(ctx, []byte("end"))
			return
		case <-time.After(time.Millisecond):
		}
		if push.Send(ctx, binary.BigEndian.AppendUint64(nil, n)) != nil {
			return
		}
		n++
	}
}

// finish ends the clients. It returns how many messages they sent, how many of these arrived, and how many others.
func (g *goodStream) finish(t *testing.T) (sent, received, others int) {
	t.Helper()
	close(g.stop)
	for range g.clients {
		sent += <-g.sent
	}
	r := <-g.result
	return sent, r[0], r[1]
}
