// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

var errCut = errors.New("the connection was cut")

// A cutConn is a connection that is cut after a number of bytes in one direction.
type cutConn struct {
	net.Conn
	read, write atomic.Int64 // bytes before the cut; never, if it is less than 0
	moved       [2]atomic.Int64
}

func newCutConn(c net.Conn, read, write int64) *cutConn {
	cut := &cutConn{Conn: c}
	cut.read.Store(read)
	cut.write.Store(write)
	return cut
}

func (c *cutConn) Read(p []byte) (int, error) { return c.move(&c.read, &c.moved[0], p, c.Conn.Read) }

func (c *cutConn) Write(p []byte) (int, error) {
	return c.move(&c.write, &c.moved[1], p, c.Conn.Write)
}

func (c *cutConn) move(left, moved *atomic.Int64, p []byte, do func([]byte) (int, error)) (n int, err error) {
	most := left.Load()
	cut := most >= 0 && int64(len(p)) > most
	if cut {
		p = p[:most]
	}
	if len(p) > 0 {
		n, err = do(p)
	}
	moved.Add(int64(n))
	if most >= 0 {
		left.Add(-int64(n))
	}
	if cut && err == nil && n == len(p) && left.Load() == 0 {
		_ = c.Close()
		err = errCut
	}
	return n, err
}

// Wherever a connection is cut, in the upgrade or in the messages, a Push dials again, and every message arrives once, or is in
// its figures. What arrives over one connection comes in order.
func TestCutWebSocketsAreAccountedFor(t *testing.T) {
	for scheme, step := range map[string]int64{"ws": 7, "zmtp+ws": 7, "wss": 211, "zmtp+wss": 211} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			if testkit.Long {
				step = 1 + step/100
			}
			o := spry.Options{Transports: []transport.Transport{ws.Transport{}}, Backoff: spry.Backoff{Min: time.Millisecond, Max: time.Millisecond}}
			pull := spry.NewPull(&spry.PullOptions{Options: o})
			testkit.CloseAll(t, pull)
			e := testkit.ListenOn(t, pull, scheme)
			whole := cutOnce(t, o, pull, e, -1, -1)
			cuts, lost := 0, int64(0)
			for _, direction := range []int{0, 1} {
				for at := int64(0); at < whole[direction]; at += step {
					limits := [2]int64{-1, -1}
					limits[direction] = at
					lost += cutOnce(t, o, pull, e, limits[0], limits[1])[2]
					cuts++
				}
			}
			if why := testkit.Unbalanced(pull.Stats()); why != "" {
				t.Error(why)
			}
			t.Logf("T29 %s: %d cuts in %d bytes read and %d written; %d messages were lost on the way, all of them in the figures", scheme, cuts, whole[0], whole[1], lost)
		})
	}
}

// cutOnce sends messages over a connection that is cut, and those after it. It returns how many bytes the first connection read and
// wrote, and how many messages were lost.
func cutOnce(t *testing.T, o spry.Options, pull *spry.Pull, e *spry.Endpoint, read, write int64) (moved [3]int64) {
	t.Helper()
	const messages = 4
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	d := testkit.DialerTo(e)
	d.Background = true
	var first atomic.Pointer[cutConn]
	d.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if cut := newCutConn(c, read, write); first.CompareAndSwap(nil, cut) {
			return cut, nil
		}
		return c, nil
	}
	_, err := push.DialWith(ctx, d)
	testkit.Check(t, err)
	name := fmt.Sprintf("%d:", testkit.Fresh())
	for i := range messages {
		testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "%s%d%s", name, i, strings.Repeat("x", 40*i))))
	}
	testkit.Check(t, push.Shutdown(ctx))
	st := push.Stats()
	if why := testkit.Unbalanced(st); why != "" || st.Send.Queued != 0 || st.Send.Sent != messages {
		t.Errorf("cut at %d, %d: %s %+v", read, write, why, st.Send)
	}
	testkit.Eventually(t, "the connections have ended", func() bool { return len(slices.Collect(pull.Pipes())) == 0 })
	var got []int
	last := map[*spry.Pipe]int{}
	for {
		m, err := pull.TryRecvMsg()
		if err != nil {
			break
		}
		if body, ours := bytes.CutPrefix(m.Bytes(), []byte(name)); ours { // others may come late from a connection that was cut before
			n := int(body[0] - '0')
			if len(body) != 1+40*n {
				t.Errorf("cut at %d, %d: message %d has %d bytes", read, write, n, len(body))
			}
			if before, ok := last[m.Pipe()]; ok && n < before {
				t.Errorf("cut at %d, %d: message %d came after %d", read, write, n, before)
			}
			last[m.Pipe()] = n
			got = append(got, n)
		}
		m.Release()
	}
	slices.Sort(got)
	if lost := messages - len(got); lost < 0 || uint64(lost) > st.Send.Unknown || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("cut at %d, %d: %v arrived, of %d; %+v", read, write, got, messages, st.Send)
	}
	c := first.Load()
	return [3]int64{c.moved[0].Load(), c.moved[1].Load(), int64(messages - len(got))}
}
