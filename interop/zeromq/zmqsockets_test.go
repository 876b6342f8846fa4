// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/zmq"
)

// A framed is a socket of package zmq, whatever its type: the verbs that a type has not are nil. A group, and the identity
// of a peer, are a first frame.
type framed struct {
	kit.Socket
	send func(ctx context.Context, frames ...[]byte) error
	recv func(ctx context.Context) ([][]byte, error)
	ask  func(ctx context.Context, frames ...[]byte) ([][]byte, error) // send and recv, or what a REQ has instead

	// interested waits until a peer subscribed to a topic or joined a group. Without it, the socket does not publish.
	interested func(ctx context.Context, topic string, n int) error
}

// interest is the topic and the group of the tests.
const interest = "t"

// newFramed makes a socket of this type, which is interested in the tests' topic, if it can be in any.
func newFramed(t *testing.T, kind string, o zmq.Options) framed {
	t.Helper()
	var f framed
	switch kind {
	case "REQ":
		s := zmq.NewReq(&zmq.ReqOptions{Options: o})
		f = framed{Socket: s, ask: s.Do}
	case "REP":
		f = framedRep(zmq.NewRep(&zmq.RepOptions{Options: o}))
	case "DEALER":
		s := zmq.NewDealer(&zmq.DealerOptions{Options: o})
		f = framed{Socket: s, send: s.Send, recv: s.Recv}
	case "ROUTER":
		s := zmq.NewRouter(&zmq.RouterOptions{Options: o})
		f = framed{Socket: s, send: s.Send, recv: s.Recv}
	case "PUB":
		s := zmq.NewPub(&zmq.PubOptions{Options: o, Overflow: spry.Block})
		f = framed{Socket: s, send: s.Send, interested: s.WaitSubscribers}
	case "SUB":
		s := zmq.NewSub(&zmq.SubOptions{Options: o, Overflow: spry.Block})
		testkit.Check(t, s.Subscribe(interest))
		f = framed{Socket: s, recv: s.Recv}
	case "XPUB":
		s := zmq.NewXPub(&zmq.XPubOptions{Options: o, Overflow: spry.Block})
		f = framed{Socket: s, send: s.Send, recv: s.Recv, interested: s.WaitSubscribers}
	case "XSUB":
		s := zmq.NewXSub(&zmq.XSubOptions{Options: o, Overflow: spry.Block})
		testkit.Check(t, s.Subscribe(interest))
		f = framed{Socket: s, send: s.Send, recv: s.Recv}
	case "PUSH":
		s := zmq.NewPush(&zmq.PushOptions{Options: o})
		f = framed{Socket: s, send: s.Send}
	case "PULL":
		s := zmq.NewPull(&zmq.PullOptions{Options: o})
		f = framed{Socket: s, recv: s.Recv}
	case "PAIR":
		s := zmq.NewPair(&o)
		f = framed{Socket: s, send: s.Send, recv: s.Recv}
	default:
		f = newDraft(t, kind, o)
	}
	if f.ask == nil && f.send != nil && f.recv != nil {
		f.ask = func(ctx context.Context, frames ...[]byte) ([][]byte, error) {
			if err := f.send(ctx, frames...); err != nil {
				return nil, err
			}
			return f.recv(ctx)
		}
	}
	return f
}

// newDraft is newFramed for the draft types, whose messages have one frame.
func newDraft(t *testing.T, kind string, o zmq.Options) framed {
	t.Helper()
	one := func(send func(context.Context, []byte) error) func(context.Context, ...[]byte) error {
		return func(ctx context.Context, frames ...[]byte) error { return send(ctx, frames[0]) }
	}
	only := func(recv func(context.Context) ([]byte, error)) func(context.Context) ([][]byte, error) {
		return func(ctx context.Context) ([][]byte, error) {
			b, err := recv(ctx)
			return [][]byte{b}, err
		}
	}
	switch kind {
	case "CLIENT":
		s := zmq.NewClient(&o)
		return framed{Socket: s, send: one(s.Send), recv: only(s.Recv)}
	case "SERVER":
		return framedServer(zmq.NewServer(&o))
	case "SCATTER":
		s := zmq.NewScatter(&o)
		return framed{Socket: s, send: one(s.Send)}
	case "GATHER":
		s := zmq.NewGather(&o)
		return framed{Socket: s, recv: only(s.Recv)}
	case "RADIO":
		s := zmq.NewRadio(&zmq.RadioOptions{Options: o, Overflow: spry.Block})
		return framed{
			Socket: s, interested: s.WaitSubscribers,
			send: func(ctx context.Context, frames ...[]byte) error { return s.Send(ctx, string(frames[0]), frames[1]) },
		}
	case "DISH":
		s := zmq.NewDish(&zmq.DishOptions{Options: o, Overflow: spry.Block})
		testkit.Check(t, s.Join(interest))
		return framed{Socket: s, recv: func(ctx context.Context) ([][]byte, error) {
			group, b, err := s.Recv(ctx)
			return [][]byte{[]byte(group), b}, err
		}}
	}
	t.Fatalf("no socket type %q", kind)
	return framed{}
}

// framedRep is a Rep whose send replies to the request that recv returned.
func framedRep(s *zmq.Rep) framed {
	var current *spry.Request
	return framed{
		Socket: s,
		recv: func(ctx context.Context) (frames [][]byte, err error) {
			if current, err = s.Recv(ctx); err != nil {
				return nil, err
			}
			for _, f := range current.Message().Frames() {
				frames = append(frames, append([]byte{}, f...))
			}
			return frames, nil
		},
		send: func(ctx context.Context, frames ...[]byte) error {
			return current.ReplyMsg(ctx, zmq.NewMessage(frames...))
		},
	}
}

// framedServer is a Server whose send answers the peer whose message recv returned.
func framedServer(s *zmq.Server) framed {
	var from *spry.Pipe
	return framed{
		Socket: s,
		recv: func(ctx context.Context) ([][]byte, error) {
			m, err := s.RecvMsg(ctx)
			if err != nil {
				return nil, err
			}
			from = m.Pipe()
			defer m.Release()
			return [][]byte{m.Detach()}, nil
		},
		send: func(ctx context.Context, frames ...[]byte) error { return s.SendTo(ctx, from, frames[0]) },
	}
}

// echoing has a socket send back all that it receives, until the test ends.
func (f framed) echoing(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for {
			frames, err := f.recv(ctx)
			if err == nil {
				err = f.send(ctx, frames...)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the echo ended with %v", err)
		}
	})
}
