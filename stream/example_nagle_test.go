// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/sprymq/spry/stream"
)

// A nagle gathers small writes until there are size bytes, or the oldest is delay old.
type nagle struct {
	net.Conn
	size  int
	delay time.Duration

	mu     sync.Mutex
	timer  *time.Timer
	buffer []byte
	err    error // of a write by the timer
}

func (n *nagle) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return 0, n.err
	}
	if len(n.buffer) == 0 {
		n.timer = time.AfterFunc(n.delay, func() { _ = n.flush() })
	}
	if n.buffer = append(n.buffer, p...); len(n.buffer) >= n.size {
		return len(p), n.flushLocked()
	}
	return len(p), nil
}

func (n *nagle) flush() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flushLocked()
}

func (n *nagle) flushLocked() error {
	if n.timer != nil {
		n.timer.Stop()
	}
	if len(n.buffer) > 0 && n.err == nil {
		_, n.err = n.Conn.Write(n.buffer)
		n.buffer = n.buffer[:0]
	}
	return n.err
}

// End flushes: the layer itself has no end on the wire, and reads nothing ahead.
func (n *nagle) End(context.Context) ([]byte, error) { return nil, n.flush() }

// Transparent says that the layer changes no byte.
func (n *nagle) Transparent() {}

// CloseWrite flushes and ends the outgoing direction.
func (n *nagle) CloseWrite() error {
	if err := n.flush(); err != nil {
		return err
	}
	if c, ok := n.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// A layer of bytes over bytes of one's own: it gathers small writes.
func ExampleWrap_nagle() {
	ctx := context.Background()
	a, b := stream.Pipe()
	a, err := stream.Trace(a, func(op stream.Op, moved []byte, _ error) { fmt.Printf("%s %q\n", op, moved) })
	if err != nil {
		log.Fatal(err)
	}
	a, err = stream.Wrap(a, func(below net.Conn) (stream.Layer, error) {
		return &nagle{Conn: below, size: 10, delay: time.Hour}, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, word := range []string{"small ", "writes ", "in one"} {
		if err := a.Write(ctx, []byte(word)); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := a.Detach(ctx); err != nil {
		log.Fatal(err)
	}
	got := make([]byte, 19)
	err = b.ReadFull(ctx, got)
	fmt.Printf("received %q %v\n", got, err)
	// Output:
	// write "small writes "
	// write "in one"
	// received "small writes in one" <nil>
}
