// SPDX-License-Identifier: MIT

package intercept_test

import (
	"context"
	"iter"
	"reflect"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// sendingMethods call the method of a socket that is joined to its peer, and return how many messages that must send.
var sendingMethods = map[string]func(t *testing.T, s any) int{
	"Send": func(t *testing.T, s any) int {
		ctx := testkit.Watchdog(t)
		switch s := s.(type) {
		case interface {
			Send(context.Context, []byte) error
		}:
			testkit.Check(t, s.Send(ctx, []byte("m")))
		case interface {
			Send(context.Context, ...[]byte) error
		}: // the first frame is the identity, for a Router
			testkit.Check(t, s.Send(ctx, []byte("m"), []byte("m")))
		default:
			testkit.Check(t, s.(*zmq.Radio).Send(ctx, "m", []byte("m")))
		}
		return 1
	},
	"SendMsg": func(t *testing.T, s any) int {
		testkit.Check(t, s.(spry.Sender).SendMsg(testkit.Watchdog(t), messageFor(s)))
		return 1
	},
	"TrySendMsg": func(t *testing.T, s any) int {
		testkit.Check(t, s.(interface{ TrySendMsg(*spry.Message) error }).TrySendMsg(messageFor(s)))
		return 1
	},
	"SendBatch": func(t *testing.T, s any) int {
		n, err := s.(interface {
			SendBatch(context.Context, []*spry.Message) (int, error)
		}).SendBatch(testkit.Watchdog(t), []*spry.Message{messageFor(s), messageFor(s), messageFor(s)})
		if err != nil || n != 3 {
			t.Fatalf("SendBatch sent %d: %v", n, err)
		}
		return 3
	},
	"SendBodies": func(t *testing.T, s any) int {
		n, err := s.(interface {
			SendBodies(context.Context, [][]byte) (int, error)
		}).SendBodies(testkit.Watchdog(t), [][]byte{[]byte("a"), nil, []byte("c")})
		if err != nil || n != 3 {
			t.Fatalf("SendBodies sent %d: %v", n, err)
		}
		return 3
	},
	"SendTo": func(t *testing.T, s any) int {
		if r, ok := s.(*zmq.Router); ok {
			testkit.Check(t, r.SendTo(testkit.Watchdog(t), "m", []byte("m")))
		} else {
			sendToPipe(t, s.(testkit.Socket))
		}
		return 1
	},
	"SendMsgTo": func(t *testing.T, s any) int {
		if r, ok := s.(*zmq.Router); ok {
			testkit.Check(t, r.SendMsgTo(testkit.Watchdog(t), "m", zmq.NewMessage()))
			return 1
		}
		testkit.Check(t, s.(interface {
			SendMsgTo(context.Context, *spry.Pipe, *spry.Message) error
		}).SendMsgTo(testkit.Watchdog(t), peerOf(s), zmq.NewMessage()))
		return 1
	},
	"TrySendMsgTo": func(t *testing.T, s any) int {
		if r, ok := s.(*zmq.Router); ok {
			testkit.Check(t, r.TrySendMsgTo("m", zmq.NewMessage()))
			return 1
		}
		testkit.Check(t, s.(interface {
			TrySendMsgTo(*spry.Pipe, *spry.Message) error
		}).TrySendMsgTo(peerOf(s), zmq.NewMessage()))
		return 1
	},
}

// messageFor is a message that the socket can send: a Router's names its peer, a Radio's a group.
func messageFor(s any) *spry.Message {
	switch s.(type) {
	case *zmq.Router, *zmq.Radio:
		return zmq.NewMessage([]byte("m"), []byte("m"))
	}
	return zmq.NewMessage([]byte("m"))
}

func peerOf(s any) *spry.Pipe {
	for p := range s.(interface{ Pipes() iter.Seq[*spry.Pipe] }).Pipes() {
		return p
	}
	return nil
}

// askingMethods call the method of a socket whose peer answers everything, and return how many messages it must send and receive.
var askingMethods = map[string]func(t *testing.T, s any) int{
	"Do": func(t *testing.T, s any) int {
		var err error
		if r, ok := s.(*zmq.Req); ok {
			_, err = r.Do(testkit.Watchdog(t), []byte("m"))
		} else {
			_, err = s.(*spry.Req).Do(testkit.Watchdog(t), []byte("m"))
		}
		testkit.Check(t, err)
		return 1
	},
	"DoMsg": func(t *testing.T, s any) int {
		_, err := s.(interface {
			DoMsg(context.Context, *spry.Message) (*spry.Message, error)
		}).DoMsg(testkit.Watchdog(t), zmq.NewMessage([]byte("m")))
		testkit.Check(t, err)
		return 1
	},
	"Start": func(t *testing.T, s any) int {
		c, err := s.(interface {
			Start(*spry.Message) (*spry.Call, error)
		}).Start(zmq.NewMessage([]byte("m")))
		testkit.Check(t, err)
		for range 2 { // which is one reply
			_, err = c.Wait(testkit.Watchdog(t))
			testkit.Check(t, err)
		}
		return 1
	},
	"Survey": func(t *testing.T, s any) int {
		for _, err := range s.(*spry.Surveyor).Survey(testkit.Watchdog(t), []byte("m")) {
			testkit.Check(t, err)
			break
		}
		return 1
	},
}

// receivingMethods receive one message, or the number that they return, by the method.
var receivingMethods = map[string]func(t *testing.T, s any) int{
	"Recv": func(t *testing.T, s any) int {
		results := reflect.ValueOf(s).MethodByName("Recv").Call([]reflect.Value{reflect.ValueOf(testkit.Watchdog(t))})
		if err, _ := reflect.TypeAssert[error](results[len(results)-1]); err != nil {
			t.Fatal(err)
		}
		return 1
	},
	"RecvFrom": func(t *testing.T, s any) int {
		results := reflect.ValueOf(s).MethodByName("RecvFrom").Call([]reflect.Value{reflect.ValueOf(testkit.Watchdog(t))})
		if err, _ := reflect.TypeAssert[error](results[len(results)-1]); err != nil {
			t.Fatal(err)
		}
		return 1
	},
	"RecvMsg": func(t *testing.T, s any) int {
		_, err := s.(spry.Receiver).RecvMsg(testkit.Watchdog(t))
		testkit.Check(t, err)
		return 1
	},
	"TryRecvMsg": func(t *testing.T, s any) int {
		testkit.Eventually(t, "a message", func() bool {
			_, err := s.(interface{ TryRecvMsg() (*spry.Message, error) }).TryRecvMsg()
			return err == nil
		})
		return 1
	},
	"RecvBatch": func(t *testing.T, s any) (n int) {
		var err error
		if r, ok := s.(interface {
			RecvBatch(context.Context, []*spry.Request) (int, error)
		}); ok {
			n, err = r.RecvBatch(testkit.Watchdog(t), make([]*spry.Request, 10))
		} else {
			n, err = s.(interface {
				RecvBatch(context.Context, []*spry.Message) (int, error)
			}).RecvBatch(testkit.Watchdog(t), make([]*spry.Message, 10))
		}
		testkit.Check(t, err)
		return n
	},
	"Bodies": func(t *testing.T, s any) int {
		for _, err := range s.(interface {
			Bodies(context.Context) iter.Seq2[[]byte, error]
		}).Bodies(testkit.Watchdog(t)) {
			testkit.Check(t, err)
			break
		}
		return 1
	},
	"Messages": func(t *testing.T, s any) int {
		for _, err := range s.(interface {
			Messages(context.Context) iter.Seq2[*spry.Message, error]
		}).Messages(testkit.Watchdog(t)) {
			testkit.Check(t, err)
			break
		}
		return 1
	},
	"Chan": func(t *testing.T, s any) int {
		ctx, cancel := context.WithCancel(testkit.Watchdog(t))
		c := s.(interface {
			Chan(ctx context.Context) <-chan *spry.Message
		}).Chan(ctx)
		<-c
		for cancel(); ; {
			if _, more := <-c; !more { // now no goroutine takes the next message
				return 1
			}
		}
	},
	"Requests": func(t *testing.T, s any) int {
		for _, err := range s.(interface {
			Requests(context.Context) iter.Seq2[*spry.Request, error]
		}).Requests(testkit.Watchdog(t)) {
			testkit.Check(t, err)
			break
		}
		return 1
	},
	"Serve": func(t *testing.T, s any) int {
		ctx, cancel := context.WithCancel(testkit.Watchdog(t))
		defer cancel()
		_ = s.(interface {
			Serve(context.Context, int, spry.Handler) error
		}).Serve(ctx, 1, spry.HandlerFunc(func(context.Context, *spry.Request) { cancel() }))
		return 1
	},
}
