// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	_ "github.com/sprymq/spry/internal/invariant" // what leak.Check sees to
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A socket is what all sockets have.
type socket interface {
	DialWith(context.Context, *spry.DialConfig) (*spry.Endpoint, error)
	ListenWith(context.Context, *spry.ListenConfig) (*spry.Endpoint, error)
	Close() error
	Stats() spry.Stats
	WaitPipes(context.Context, int) error
	Pipes() iter.Seq[*spry.Pipe]
	Flush(context.Context) error
}

// A sender is what most sockets that send have.
type sender interface {
	socket
	SendMsg(context.Context, *spry.Message) error
	TrySendMsg(*spry.Message) error
	SendBatch(context.Context, []*spry.Message) (int, error)
}

// A receiver is what most sockets that receive have.
type receiver interface {
	socket
	RecvMsg(context.Context) (*spry.Message, error)
	TryRecvMsg() (*spry.Message, error)
	RecvBatch(context.Context, []*spry.Message) (int, error)
	Messages(context.Context) iter.Seq2[*spry.Message, error]
}

// overEveryWire runs f over every transport, each time checking that nothing stays behind.
func overEveryWire(t *testing.T, f func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"inproc", "ipc", "tcp", "tls+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			f(t, scheme)
		})
	}
}

// overTwoWires is overEveryWire for what depends on there being a wire at all, not on which.
func overTwoWires(t *testing.T, f func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"inproc", "tcp"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			f(t, scheme)
		})
	}
}

// join makes b listen and a dial it, and waits until both know.
func join(t testing.TB, scheme string, a, b socket) {
	t.Helper()
	testkit.DialTo(t, a, testkit.ListenOn(t, b, scheme))
	testkit.Check(t, b.WaitPipes(testkit.Watchdog(t), 1))
}

// message makes a message of text frames.
func message(frames ...string) *spry.Message { return zmq.NewMessage(raw(frames...)...) }

func raw(frames ...string) (all [][]byte) {
	for _, f := range frames {
		all = append(all, []byte(f))
	}
	return all
}

// text shows frames so that none can be mistaken for others.
func text[F ~[]byte | ~string](frames []F) string {
	all := make([]string, 0, len(frames))
	for _, f := range frames {
		if len(f) > 20 {
			all = append(all, fmt.Sprintf("%d bytes from %.8q", len(f), f))
		} else {
			all = append(all, fmt.Sprintf("%q", f))
		}
	}
	return "[" + strings.Join(all, " ") + "]"
}

func framesOf(m *spry.Message) (all [][]byte) {
	for _, f := range m.Frames() {
		all = append(all, f)
	}
	return all
}

// is checks the frames of a message.
func is(t testing.TB, got [][]byte, want ...string) {
	t.Helper()
	if text(got) != text(want) {
		t.Fatalf("got %s, want %s", text(got), text(want))
	}
}

// expect receives a message and checks its frames.
func expect(t testing.TB, s receiver, want ...string) *spry.Message {
	t.Helper()
	m, err := s.RecvMsg(testkit.Watchdog(t))
	testkit.Check(t, err)
	is(t, framesOf(m), want...)
	return m
}

// quiet checks that there is nothing to receive. What cannot have arrived yet is the caller's care.
func quiet(t testing.TB, s receiver) {
	t.Helper()
	if m, err := s.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
		t.Errorf("received %v, %v, want nothing", m, err)
	}
}
