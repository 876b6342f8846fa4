// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"net"
	"sync"
	"time"
)

// ThrottleMessages attaches a layer that limits the rates of a stream, in messages per second. It changes no message.
func ThrottleMessages(below *Messages, receive, send Rate) (*Messages, error) {
	return Filter(below, func(below *Messages) MessageConn {
		return &messageThrottle{Messages: below, receive: bucket{rate: receive}, send: bucket{rate: send}, waits: newWaits()}
	})
}

type messageThrottle struct {
	*Messages
	receive, send bucket
	waits
}

func (t *messageThrottle) Receive(ctx context.Context) ([]byte, error) {
	n, wait := t.receive.take(1)
	if err := t.wait(ctx, wait); err != nil {
		t.receive.refund(n)
		return nil, err
	}
	m, err := t.Messages.Receive(ctx)
	if err != nil {
		t.receive.refund(n)
	}
	return m, err
}

// Send sends as many messages at once as may pass.
func (t *messageThrottle) Send(ctx context.Context, messages ...[]byte) error {
	for len(messages) > 0 {
		n, wait := t.send.take(len(messages))
		err := t.wait(ctx, wait)
		if err == nil {
			err = t.Messages.Send(ctx, messages[:n]...)
		}
		if err != nil {
			t.send.refund(n)
			return err
		}
		messages = messages[n:]
	}
	return nil
}

func (t *messageThrottle) Close() error {
	t.end()
	return t.Messages.Close()
}

// waits are pauses of a layer of messages that Close ends.
type waits struct {
	closed chan struct{}
	end    func()
}

func newWaits() waits {
	closed := make(chan struct{})
	return waits{closed, sync.OnceFunc(func() { close(closed) })}
}

// wait waits for a pause, which is negative for ever. ctx and Close end it early.
func (w waits) wait(ctx context.Context, pause time.Duration) error {
	if pause == 0 {
		return nil
	}
	var over <-chan time.Time
	if pause > 0 {
		t := time.NewTimer(pause)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return nil
	case <-w.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
