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
)

// What waits for a receiver of the process that closes goes to another, but for what is in that one's own queue.
func TestClosingReceiverSwallowsNothing(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	push := spry.NewPush(nil)
	e := listenOn(t, push, "inproc")
	const all, queue = 2000, 10
	closes := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: queue}})
	dialTo(t, closes, e)
	check(t, push.WaitPipes(ctx, 1))
	for i := range all {
		check(t, push.Send(ctx, fmt.Append(nil, i)))
	}
	check(t, closes.Close())
	dropped := closes.Stats().Recv.Dropped["closed"]
	if dropped > queue {
		t.Errorf("a receiver with a queue of %d dropped %d messages when it closed", queue, dropped)
	}
	next := spry.NewPull(nil)
	dialTo(t, next, e)
	for range all - dropped {
		_, err := next.Recv(ctx)
		check(t, err)
	}
	st := push.Stats()
	if st.Send.Returned != all-dropped || st.Pending != 0 {
		t.Errorf("%d of %d came back, %d are pending", st.Send.Returned, all-dropped, st.Pending)
	}
	shut(t, push, next)
}

// A peer that ends a connection while there is more to be sent may have been killed: what was sent to it is Unknown.
func TestCutOffIsUnknown(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 10, Linger: -1}})
	_, err = push.Connect("tcp://" + l.Addr().String())
	check(t, err)
	c, err := l.Accept()
	check(t, err)
	defer c.Close()
	check(t, l.Close()) // once is enough
	_, err = io.ReadFull(c, make([]byte, 8))
	check(t, err)
	_, err = c.Write([]byte("\x00SP\x00\x00\x51\x00\x00"))
	check(t, err)
	check(t, push.WaitPipes(ctx, 1))
	var p *spry.Pipe
	for p = range push.Pipes() {
	}
	for full := false; !full; {
		err := push.TrySendMsg(spry.WrapMessage(make([]byte, 64<<10), nil))
		if full = errors.Is(err, spry.ErrWouldBlock); !full {
			check(t, err)
		}
	}
	check(t, c.(*net.TCPConn).CloseWrite())
	<-p.Done()
	st := p.Stats().Send
	if st.Sent == 0 || st.Unknown != st.Sent || st.Returned == 0 || !errors.Is(p.Err(), io.EOF) {
		t.Errorf("the pipe ended with %v and the books say %+v", p.Err(), st)
	}
	if err := push.Close(); !errors.Is(err, spry.ErrUnsent) {
		t.Errorf("Close: %v", err)
	}
}
