// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"iter"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
)

// wrapFrom is the size from which a body is handed over instead of copied, as libzmq's worker does too.
const wrapFrom = 32 << 10

// spryPeer drives Spry. The modes of a flow are
//
//	plain  Send of bytes, or of a wrapped body if it is large; RecvMsg and Release
//	copy   Send of bytes; RecvMsg and Release
//	own    SendMsg of a wrapped body, RecvMsg and Release
//	batch  SendBatch and RecvBatch
//	bodies SendBodies and Bodies
//	recv-bodies Send of bytes and Bodies
//
// those of [layerModes], and, of these, what [dialectOf] puts before them.
func spryPeer() worker.Peer {
	return worker.Peer{
		Listen: spryListen, Dial: spryDial, InprocFlow: spryInprocFlow,
		Offer: spryOffer, Fetch: spryFetch,
		Serve: spryServeAny, Ask: spryAsk, InprocAsk: spryInprocAsk, Callers: spryCallersAny,
		Publish: spryPublish, Subscribe: sprySubscribe, Subscriptions: sprySubscriptions,
		Unwanted: spryUnwanted, Spread: sprySpread, Pipes: spryPipes,
	}
}

const recvBodies = "recv-bodies"

// A sprySocket is what all sockets that can send share.
type sprySocket interface {
	Send(ctx context.Context, body []byte) error
	SendMsg(ctx context.Context, m *spry.Message) error
	SendBatch(ctx context.Context, ms []*spry.Message) (int, error)
	Flush(ctx context.Context) error
	Close() error
}

// A sprySource is what all sockets that can receive share.
type sprySource interface {
	Recv(ctx context.Context) ([]byte, error)
	RecvMsg(ctx context.Context) (*spry.Message, error)
	RecvBatch(ctx context.Context, dst []*spry.Message) (int, error)
	Close() error
}

func spryListen(s worker.Settings) (worker.Receiver, error) {
	if attach, is := layerModes[s.Mode]; is {
		return listenStream(s, attach)
	}
	pull := spry.NewPull(&spry.PullOptions{Options: spryServer(s)})
	return newSpryReceiver(pull, s), spryBind(s, pull)
}

func spryDial(s worker.Settings) (worker.Sender, error) {
	if attach, is := layerModes[s.Mode]; is {
		return dialStream(s, attach)
	}
	options, err := spryClient(s)
	if err != nil {
		return nil, err
	}
	push := spry.NewPush(&spry.PushOptions{Options: options})
	return newSprySender(push, s), spryConnect(s, push)
}

func spryOffer(s worker.Settings) (worker.Sender, error) {
	push := spry.NewPush(&spry.PushOptions{Options: spryServer(s)})
	return newSprySender(push, s), spryBind(s, push)
}

func spryFetch(s worker.Settings) (worker.Receiver, error) {
	options, err := spryClient(s)
	if err != nil {
		return nil, err
	}
	pull := spry.NewPull(&spry.PullOptions{Options: options})
	return newSpryReceiver(pull, s), spryConnect(s, pull)
}

func spryInprocFlow(s worker.Settings) (worker.Sender, worker.Receiver, error) {
	s.URL = "inproc://bench"
	from, err := spryListen(s)
	if err != nil {
		return nil, nil, err
	}
	to, err := spryDial(s)
	return to, from, err
}

type sprySender struct {
	socket sprySocket
	body   []byte
	marker []byte
	batch  []*spry.Message
	bodies [][]byte
	mode   string
}

func newSprySender(socket sprySocket, s worker.Settings) *sprySender {
	_, mode := dialectOf(s.Mode)
	to := &sprySender{socket: socket, body: worker.Body(s.Size), marker: worker.Body(worker.EndSize), mode: mode}
	if to.mode == recvBodies {
		to.mode = "plain"
	}
	if to.mode == "plain" && s.Size >= wrapFrom {
		to.mode = "own"
	}
	return to
}

func (to *sprySender) Send(n int) error {
	ctx := context.Background()
	switch to.mode {
	case "plain", "copy":
		for range n {
			if err := to.socket.Send(ctx, to.body); err != nil {
				return err
			}
		}
		return nil
	case "own":
		for range n {
			if err := to.socket.SendMsg(ctx, spry.WrapMessage(to.body, nil)); err != nil {
				return err
			}
		}
		return nil
	case "batch":
		return to.sendBatch(ctx, n)
	case "bodies":
		return to.sendBodies(ctx, n)
	default:
		return worker.ErrNotApplicable
	}
}

// sendBatch fills messages that were emptied by being sent.
func (to *sprySender) sendBatch(ctx context.Context, n int) error {
	for len(to.batch) < n {
		to.batch = append(to.batch, spry.NewMessage(len(to.body)))
	}
	batch := to.batch[:n]
	for i := range batch {
		if len(to.body) >= wrapFrom {
			batch[i] = spry.WrapMessage(to.body, nil)
		} else {
			batch[i].Write(to.body)
		}
	}
	_, err := to.socket.SendBatch(ctx, batch)
	return err
}

// A bodySender is a socket that sends many bodies at once: all of package spry, and those of package zmq whose messages have
// one frame.
type bodySender interface {
	SendBodies(ctx context.Context, bodies [][]byte) (int, error)
}

func (to *sprySender) sendBodies(ctx context.Context, n int) error {
	socket, ok := to.socket.(bodySender)
	if !ok {
		return worker.ErrNotApplicable
	}
	for len(to.bodies) < n {
		to.bodies = append(to.bodies, to.body)
	}
	_, err := socket.SendBodies(ctx, to.bodies[:n])
	return err
}

func (to *sprySender) End() error {
	ctx := context.Background()
	if err := to.socket.Send(ctx, to.marker); err != nil {
		return err
	}
	return to.socket.Flush(ctx)
}

func (to *sprySender) Close() error { return to.socket.Close() }

type spryReceiver struct {
	socket sprySource
	mode   string
	ends   int // end markers to come
}

func newSpryReceiver(socket sprySource, s worker.Settings) *spryReceiver {
	_, mode := dialectOf(s.Mode)
	return &spryReceiver{socket: socket, mode: mode, ends: s.Pipes}
}

func (from *spryReceiver) First() error {
	m, err := from.socket.RecvMsg(context.Background())
	if err != nil {
		return err
	}
	m.Release()
	return nil
}

func (from *spryReceiver) Until(end time.Time) (int, bool, error) {
	switch from.mode {
	case "plain", "own", "copy":
		return worker.ReceiveUntil(end, func() (int, bool, error) {
			m, err := from.socket.RecvMsg(context.Background())
			if err != nil {
				return 0, false, err
			}
			defer m.Release()
			return 1, m.Len() == worker.EndSize, nil
		})
	case "batch":
		batch := make([]*spry.Message, batchSize)
		return worker.ReceiveUntil(end, func() (int, bool, error) {
			n, err := from.socket.RecvBatch(context.Background(), batch)
			if err != nil {
				return 0, false, err
			}
			ended := batch[n-1].Len() == worker.EndSize
			spry.ReleaseMessages(batch[:n])
			return n, ended, nil
		})
	case "bodies", recvBodies:
		return from.bodiesUntil(end)
	default:
		return 0, false, worker.ErrNotApplicable
	}
}

func (from *spryReceiver) Rest() (int, error) {
	switch from.mode {
	case "plain", "own", "copy":
		return from.restOfMessages()
	case "batch":
		return from.restOfBatches()
	case "bodies", recvBodies:
		return from.restOfBodies()
	default:
		return 0, worker.ErrNotApplicable
	}
}

func (from *spryReceiver) restOfMessages() (n int, err error) {
	ctx := context.Background()
	for {
		m, err := from.socket.RecvMsg(ctx)
		if err != nil {
			return n, err
		}
		if m.Len() == worker.EndSize {
			if from.ends--; from.ends <= 0 {
				return n, nil
			}
			n--
		}
		m.Release()
		n++
	}
}

func (from *spryReceiver) restOfBatches() (n int, err error) {
	ctx := context.Background()
	batch := make([]*spry.Message, batchSize)
	for {
		got, err := from.socket.RecvBatch(ctx, batch)
		if err != nil {
			return n, err
		}
		for _, m := range batch[:got] {
			if m.Len() == worker.EndSize {
				if from.ends--; from.ends <= 0 {
					return n, nil
				}
				n--
			}
			n++
		}
		spry.ReleaseMessages(batch[:got])
	}
}

func (from *spryReceiver) restOfBodies() (n int, err error) {
	err = from.eachBody(func(ended bool) (more bool) {
		if !ended {
			n++
			return true
		}
		from.ends--
		return from.ends > 0
	})
	return n, err
}

// bodiesUntil looks at the clock once for each batch.
func (from *spryReceiver) bodiesUntil(end time.Time) (n int, ended bool, err error) {
	err = from.eachBody(func(last bool) (more bool) {
		n++
		ended = last
		return !ended && (n%batchSize != 0 || time.Now().Before(end))
	})
	return n, ended, err
}

// eachBody calls f for each body, and says whether it is an end marker, until it returns false.
func (from *spryReceiver) eachBody(f func(ended bool) (more bool)) error {
	socket, ok := from.socket.(interface {
		Bodies(ctx context.Context) iter.Seq2[[]byte, error]
	})
	if !ok {
		return worker.ErrNotApplicable
	}
	for body, err := range socket.Bodies(context.Background()) {
		if err != nil {
			return err
		}
		if !f(len(body) == worker.EndSize) {
			break
		}
	}
	return nil
}

func (from *spryReceiver) Close() error { return from.socket.Close() }
