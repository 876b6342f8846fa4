// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"time"

	"github.com/sprymq/spry/bench/internal/worker"
	"github.com/sprymq/spry/stream"
)

// plenty is a rate that throttles nothing.
var plenty = stream.Rate{PerSecond: 1e12}

// layerModes are modes of a flow of bytes through package stream: without a layer, and with one that changes no byte. What is
// written at once has the size of a message.
var layerModes = map[string]func(below *stream.Bytes) (*stream.Bytes, error){
	"stream":   func(below *stream.Bytes) (*stream.Bytes, error) { return below, nil },
	"trace":    func(below *stream.Bytes) (*stream.Bytes, error) { return stream.Trace(below, ignored) },
	"throttle": func(below *stream.Bytes) (*stream.Bytes, error) { return stream.Throttle(below, plenty, plenty) },
	"fault": func(below *stream.Bytes) (*stream.Bytes, error) {
		return stream.Fault(below, stream.Faults{}, stream.Faults{})
	},
}

func ignored(stream.Op, []byte, error) {}

// lastByte begins the last of a flow's writes, which has the size of all.
const lastByte = 1

// A streamSender writes to a stream.
type streamSender struct {
	to   *stream.Bytes
	body []byte
}

func dialStream(s worker.Settings, attach func(*stream.Bytes) (*stream.Bytes, error)) (worker.Sender, error) {
	below, err := stream.Dial(context.Background(), s.URL, nil)
	if err != nil {
		return nil, err
	}
	to, err := attach(below)
	return &streamSender{to, worker.Body(s.Size)}, err
}

func (to *streamSender) Send(n int) error {
	ctx := context.Background()
	for range n {
		if err := to.to.Write(ctx, to.body); err != nil {
			return err
		}
	}
	return nil
}

func (to *streamSender) End() error {
	to.body[0] = lastByte
	return to.Send(1)
}

func (to *streamSender) Close() error { return to.to.Close() }

// A streamReceiver reads from the first stream that a listener accepts.
type streamReceiver struct {
	listener *stream.Listener
	attach   func(*stream.Bytes) (*stream.Bytes, error)
	from     *stream.Bytes // with the first message
	body     []byte
}

func listenStream(s worker.Settings, attach func(*stream.Bytes) (*stream.Bytes, error)) (worker.Receiver, error) {
	l, err := stream.Listen(context.Background(), s.URL, nil)
	return &streamReceiver{listener: l, attach: attach, body: make([]byte, s.Size)}, err
}

func (from *streamReceiver) First() error {
	below, err := from.listener.Accept(context.Background())
	if err != nil {
		return err
	}
	if from.from, err = from.attach(below); err != nil {
		return err
	}
	_, _, err = from.next()
	return err
}

func (from *streamReceiver) next() (n int, ended bool, err error) {
	err = from.from.ReadFull(context.Background(), from.body)
	return 1, from.body[0] == lastByte, err
}

func (from *streamReceiver) Until(end time.Time) (int, bool, error) {
	return worker.ReceiveUntil(end, from.next)
}

func (from *streamReceiver) Rest() (n int, err error) {
	for {
		_, ended, err := from.next()
		if ended || err != nil {
			return n, err
		}
		n++
	}
}

func (from *streamReceiver) Close() error {
	if from.from != nil {
		_ = from.from.Close()
	}
	return from.listener.Close()
}
