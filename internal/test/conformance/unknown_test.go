// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A pipeOfPush is a Push whose only pipe goes to a Pull that takes little.
type pipeOfPush struct {
	push *spry.Push
	pull *spry.Pull
	ours *spry.Pipe
	sent int
}

// newPipeOfPush sends n messages, or as many as there is room for.
func newPipeOfPush(t *testing.T, scheme string, n int) *pipeOfPush {
	t.Helper()
	url := "tcp://127.0.0.1:0"
	if scheme == "ipc" || scheme == "zmtp+ipc" {
		url = "ipc://" + filepath.Join(t.TempDir(), "s")
	}
	p := &pipeOfPush{
		pull: spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 16}}),
		push: spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 64, Linger: 100 * time.Millisecond}}),
	}
	t.Cleanup(func() { _ = p.push.Close(); _ = p.pull.Close() })
	e, err := p.pull.Listen(t.Context(), url)
	testkit.Check(t, err)
	prefix := ""
	if scheme == "zmtp+tcp" || scheme == "zmtp+ipc" {
		prefix = "zmtp+"
	}
	_, err = p.push.DialWith(t.Context(), &spry.DialConfig{URL: prefix + e.URL(), GiveUp: func(error) bool { return true }})
	testkit.Check(t, err)
	testkit.Check(t, p.pull.WaitPipes(t.Context(), 1)) // the sender may know of its pipe, and have written, before the receiver does
	for p.ours = range p.push.Pipes() {
	}
	for full := false; p.sent < n && !full; {
		patience := testkit.Patience
		if p.sent >= 100 { // for so many there is room, in queues and in the kernel
			patience = 100 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := p.push.Send(ctx, make([]byte, 2000))
		cancel()
		if full = err != nil; !full {
			p.sent++
		}
	}
	if p.sent == n {
		testkit.Check(t, p.push.Flush(t.Context()))
	}
	return p
}

// received ends the Pull's pipe, if it lives, and returns how many messages the Pull has got in all.
func (p *pipeOfPush) received(t *testing.T) uint64 {
	t.Helper()
	for q := range p.pull.Pipes() {
		testkit.Check(t, q.Close())
		<-q.Done()
	}
	return p.pull.Stats().Recv.Arrived
}

// Whoever ends a connection first, and however: what was sent and did not arrive is Unknown, and Unknown is all that was sent
// on a pipe, or nothing.
func TestUnknownIsAnUpperBound(t *testing.T) {
	ends := map[string]func(t *testing.T, p *pipeOfPush){
		"receiver's pipe": func(t *testing.T, p *pipeOfPush) {
			for q := range p.pull.Pipes() {
				testkit.Check(t, q.Close())
			}
			<-p.ours.Done()
		},
		"receiver":                    func(t *testing.T, p *pipeOfPush) { testkit.Check(t, p.pull.Close()); <-p.ours.Done() },
		"sender's pipe":               func(t *testing.T, p *pipeOfPush) { testkit.Check(t, p.ours.Close()); <-p.ours.Done() },
		"sender, which does not wait": func(t *testing.T, p *pipeOfPush) { _ = p.push.Close() },
	}
	for _, scheme := range []string{"tcp", "ipc", "zmtp+tcp", "zmtp+ipc"} {
		for name, end := range ends {
			for _, n := range []int{10, 60, 100_000} {
				t.Run(fmt.Sprintf("%s/%s/%d", scheme, name, n), func(t *testing.T) {
					leak.Check(t)
					p := newPipeOfPush(t, scheme, n)
					before := p.push.Stats().Send
					end(t, p)
					arrived := p.received(t)
					s := p.push.Stats().Send
					if s.Sent-s.Unknown > arrived || s.Unknown != 0 && s.Unknown != s.Sent {
						t.Errorf("sent %d, of these unknown %d; arrived %d", s.Sent, s.Unknown, arrived)
					}
					if s.Sent < before.Sent || s.Offered != s.Sent+s.Queued+s.Returned+testkit.Sum(s.Dropped) {
						t.Errorf("figures: %+v", s)
					}
				})
			}
		}
	}
}

// A Close that sends everything and sees every peer end in order knows that all has arrived; one whose peer does not end in
// time says how many may not have, and its figures say the same.
func TestCloseSaysWhatIsUnknown(t *testing.T) {
	for _, scheme := range []string{"tcp", "ipc", "zmtp+tcp", "zmtp+ipc"} {
		t.Run(scheme+"/taken", func(t *testing.T) {
			leak.Check(t)
			p := newPipeOfPush(t, scheme, 16)
			testkit.Check(t, p.push.Shutdown(testkit.Watchdog(t)))
			if s := p.push.Stats().Send; s.Sent != 16 || s.Unknown != 0 {
				t.Errorf("sent %d, unknown %d", s.Sent, s.Unknown)
			}
			if n := p.received(t); n != 16 {
				t.Errorf("%d arrived", n)
			}
		})
		t.Run(scheme+"/paused", func(t *testing.T) {
			leak.Check(t)
			p := newPipeOfPush(t, scheme, 100) // more than the receiver takes: it does not see the end
			err := p.push.Close()
			s := p.push.Stats().Send
			var op *spry.OpError
			if !errors.As(err, &op) || !errors.Is(err, spry.ErrUnconfirmed) || op.Unknown != int(s.Unknown) || op.Unsent != 0 {
				t.Fatalf("Close: %v; figures %+v", err, s)
			}
			if n := p.received(t); s.Sent != 100 || s.Unknown != 100 || n >= 100 {
				t.Errorf("sent %d, unknown %d, arrived %d", s.Sent, s.Unknown, n)
			}
		})
	}
	t.Run("inproc", func(t *testing.T) {
		leak.Check(t)
		network := spry.NewNetwork()
		pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Network: network}})
		defer pull.Close()
		push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Network: network}})
		defer push.Close()
		_, err := pull.Listen(t.Context(), "inproc://unknown")
		testkit.Check(t, err)
		_, err = push.Dial(t.Context(), "inproc://unknown")
		testkit.Check(t, err)
		for range 5 {
			testkit.Check(t, push.Send(t.Context(), []byte("a")))
		}
		testkit.Check(t, push.Flush(t.Context()))
		testkit.Check(t, pull.Close())
		testkit.Check(t, push.Close())
		if s, r := push.Stats().Send, pull.Stats().Recv; s.Unknown != 0 || s.Sent != 5 || r.Arrived != 5 {
			t.Errorf("sent %d, unknown %d, arrived %d", s.Sent, s.Unknown, r.Arrived)
		}
	})
}

// A peer that ends a connection while there is more to be sent may have been killed: what was sent to it is Unknown.
func TestCutOffIsUnknown(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer l.Close()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 10, Linger: -1}})
	_, err = push.DialWith(ctx, &spry.DialConfig{URL: "tcp://" + l.Addr().String(), Background: true, WriteBuffer: 128 << 10})
	testkit.Check(t, err)
	c, err := l.Accept()
	testkit.Check(t, err)
	defer c.Close()
	testkit.Check(t, c.(*net.TCPConn).SetReadBuffer(16<<10))
	testkit.Check(t, l.Close()) // once is enough
	_, err = io.ReadFull(c, make([]byte, 8))
	testkit.Check(t, err)
	_, err = c.Write([]byte("\x00SP\x00\x00\x51\x00\x00"))
	testkit.Check(t, err)
	testkit.Check(t, push.WaitPipes(ctx, 1))
	var p *spry.Pipe
	for p = range push.Pipes() {
	}
	for range 11 { // one more than the queue holds, and more than the kernel takes
		testkit.Check(t, push.Send(ctx, make([]byte, 64<<10)))
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
