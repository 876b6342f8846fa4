// SPDX-License-Identifier: MIT

package stream

import "context"

// TraceMessages attaches a layer that calls report after every operation that reaches the stream below, once for each
// message that was sent or received, with its error. report must not keep the message. Two calls may run at the same time: one
// for each direction. The layer changes no message.
func TraceMessages(below *Messages, report func(op Op, message []byte, err error)) (*Messages, error) {
	return Filter(below, func(below *Messages) MessageConn { return &messageTrace{below, report} })
}

type messageTrace struct {
	*Messages
	report func(op Op, message []byte, err error)
}

func (t *messageTrace) Receive(ctx context.Context) ([]byte, error) {
	m, err := t.Messages.Receive(ctx)
	t.report(OpReceive, m, err)
	return m, err
}

func (t *messageTrace) Send(ctx context.Context, messages ...[]byte) error {
	err := t.Messages.Send(ctx, messages...)
	for _, m := range messages {
		t.report(OpSend, m, err)
	}
	return err
}

func (t *messageTrace) CloseSend(ctx context.Context) error {
	err := t.Messages.CloseSend(ctx)
	t.report(OpCloseSend, nil, err)
	return err
}

func (t *messageTrace) Close() error {
	err := t.Messages.Close()
	t.report(OpClose, nil, err)
	return err
}
