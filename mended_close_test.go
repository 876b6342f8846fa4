// SPDX-License-Identifier: MIT

package spry_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// What waits for a receiver of the process that closes goes to another, but for what is in that one's own queue.
func TestClosingReceiverSwallowsNothing(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(nil)
	e := testkit.ListenOn(t, push, "inproc")
	const all, queue = 2000, 10
	closes := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: queue}})
	testkit.DialTo(t, closes, e)
	testkit.Check(t, push.WaitPipes(ctx, 1))
	for i := range all {
		testkit.Check(t, push.Send(ctx, fmt.Append(nil, i)))
	}
	testkit.Check(t, closes.Close())
	dropped := closes.Stats().Recv.Dropped["closed"]
	if dropped > queue {
		t.Errorf("a receiver with a queue of %d dropped %d messages when it closed", queue, dropped)
	}
	next := spry.NewPull(nil)
	testkit.DialTo(t, next, e)
	for range all - dropped {
		_, err := next.Recv(ctx)
		testkit.Check(t, err)
	}
	st := push.Stats()
	if st.Send.Returned != all-dropped || st.Pending != 0 {
		t.Errorf("%d of %d came back, %d are pending", st.Send.Returned, all-dropped, st.Pending)
	}
	testkit.Shut(t, push, next)
}

// A peer that ends a connection while there is more to be sent may have been killed: what was sent to it is Unknown.
func TestCutOffIsUnknown(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer l.Close()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 10, Linger: -1}})
	_, err = push.Connect("tcp://" + l.Addr().String())
	testkit.Check(t, err)
	c, err := l.Accept()
	testkit.Check(t, err)
	defer c.Close()
	testkit.Check(t, l.Close()) // once is enough
	_, err = io.ReadFull(c, make([]byte, 8))
	testkit.Check(t, err)
	_, err = c.Write([]byte("\x00SP\x00\x00\x51\x00\x00"))
	testkit.Check(t, err)
	testkit.Check(t, push.WaitPipes(ctx, 1))
	var p *spry.Pipe
	for p = range push.Pipes() {
	}
	for full := false; !full; {
		err := push.TrySendMsg(spry.WrapMessage(make([]byte, 64<<10), nil))
		if full = errors.Is(err, spry.ErrWouldBlock); !full {
			testkit.Check(t, err)
		}
	}
	testkit.Check(t, c.(*net.TCPConn).CloseWrite())
	<-p.Done()
	st := p.Stats().Send
	if st.Sent == 0 || st.Unknown != st.Sent || st.Returned == 0 || !errors.Is(p.Err(), io.EOF) {
		t.Errorf("the pipe ended with %v and the books say %+v", p.Err(), st)
	}
	if err := push.Close(); !errors.Is(err, spry.ErrUnsent) {
		t.Errorf("Close: %v", err)
	}
}
