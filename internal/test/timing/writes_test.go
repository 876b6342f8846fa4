// SPDX-License-Identifier: MIT

package timing_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// A brittleConn takes only so many bytes, and only so many at once.
type brittleConn struct {
	net.Conn
	mu     sync.Mutex
	left   int // bytes until it breaks
	atOnce int // 0 = any number
	wrote  bytes.Buffer
}

var errBrittle = errors.New("the connection broke")

func (c *brittleConn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = len(p)
	if c.atOnce > 0 && n > c.atOnce {
		n = c.atOnce // as no connection should, but one may
	}
	if n > c.left {
		n, err = c.left, errBrittle
	}
	c.left -= n
	c.wrote.Write(p[:n])
	return n, err
}

// brittlePush sends bodies over a connection that breaks, and returns the pipe's figures at the end.
func brittlePush(ctx context.Context, t *testing.T, left, atOnce int, bodies [][]byte) (spry.SendStats, []byte, int) {
	t.Helper()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Linger: -1}})
	defer push.Close()
	near, far := net.Pipe()
	defer far.Close()
	go func() { _, _ = far.Write(testkit.Header(spry.ProtocolPull)) }()
	conn := &brittleConn{Conn: near, left: left, atOnce: atOnce}
	p, err := push.Attach(ctx, conn, nil)
	testkit.Check(t, err)
	for _, b := range bodies {
		if err := push.TrySendMsg(spry.WrapMessage(b, nil)); err != nil && !errors.Is(err, spry.ErrWouldBlock) {
			t.Fatal(err)
		}
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		t.Fatal("a pipe whose connection broke is not over")
	}
	st := p.Stats().Send
	conn.mu.Lock()
	defer conn.mu.Unlock()
	return st, conn.wrote.Bytes(), push.Stats().Pending
}

// Wherever a write breaks, only the messages that were taken whole count as sent, and the others come back. The reader of a
// connection that cannot be written any more goes on for a second.
func TestOnlyWholeWritesCountAsSent(t *testing.T) {
	bodies := [][]byte{[]byte("first"), {}, bytes.Repeat([]byte("large"), 2000), []byte("last")}
	want := testkit.Header(spry.ProtocolPush)
	var ends []int // of the frames, in what is written
	for _, b := range bodies {
		want = append(want, testkit.Frame(false, b)...)
		ends = append(ends, len(want))
	}
	cuts := 0
	for left := 8; left < len(want); left++ {
		if left > 60 && left < len(want)-60 && left%997 != 0 {
			continue
		}
		var st spry.SendStats
		var wrote []byte
		var pending int
		synctest.Test(t, func(t *testing.T) { st, wrote, pending = brittlePush(testkit.Watchdog(t), t, left, 0, bodies) })
		whole := uint64(0)
		for _, end := range ends {
			if end <= left {
				whole++
			}
		}
		if st.Sent != whole || st.Offered != st.Sent+st.Returned || uint64(pending) != st.Returned || !bytes.Equal(wrote, want[:left]) {
			t.Fatalf("broken after %d bytes, %d whole frames: sent %d, returned %d of %d offered, %d pending; %d bytes written: %+v", left, whole, st.Sent, st.Returned, st.Offered, pending, len(wrote), st)
		}
		cuts++
	}
	synctest.Test(t, func(t *testing.T) {
		if st, _, _ := brittlePush(testkit.Watchdog(t), t, len(want), 64, bodies); st.Sent >= uint64(len(bodies)) || st.Unknown != st.Sent {
			t.Errorf("a connection that takes less than it says is not broken: %+v", st)
		}
	})
	t.Logf("%d places for a write to break at: only whole frames count as sent, the others come back", cuts)
}
