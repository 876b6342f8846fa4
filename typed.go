// SPDX-License-Identifier: MIT

package spry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// A Codec turns values into bodies and back. Its methods are safe for concurrent use.
type Codec[T any] interface {
	// Append appends the encoding of v to dst.
	Append(dst []byte, v T) ([]byte, error)
	// Decode decodes a whole body. It must not keep src.
	Decode(src []byte) (T, error)
}

// JSON is the [Codec] of encoding/json. Decoding refuses anything after the value.
type JSON[T any] struct{}

// Append implements [Codec].
func (JSON[T]) Append(dst []byte, v T) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	if err := json.NewEncoder(b).Encode(v); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode implements [Codec].
func (JSON[T]) Decode(src []byte) (v T, err error) {
	err = json.Unmarshal(src, &v)
	return v, err
}

// A TypedSender sends values over a socket.
type TypedSender[T any] struct {
	S Sender
	C Codec[T]
}

// Send encodes v and sends it.
func (s TypedSender[T]) Send(ctx context.Context, v T) error {
	body, err := s.C.Append(nil, v)
	if err != nil {
		return opErr("send", fmt.Errorf("encode %T: %w", v, err))
	}
	return s.S.SendMsg(ctx, WrapMessage(body, nil))
}

// A TypedReceiver receives values from a socket.
type TypedReceiver[T any] struct {
	R Receiver
	C Codec[T]
}

// Recv waits for the next message and decodes it. An error of the codec concerns that message only.
func (r TypedReceiver[T]) Recv(ctx context.Context) (v T, err error) {
	m, err := r.R.RecvMsg(ctx)
	if err != nil {
		return v, err
	}
	defer m.Release()
	if v, err = r.C.Decode(m.Bytes()); err != nil {
		return v, opErr("recv", fmt.Errorf("decode %T: %w", v, err))
	}
	return v, nil
}

// All yields values until the socket is closed or the loop ends. What cannot be decoded is yielded as an error, and
// the next value follows. If ctx ends its error is yielded, once, and All ends.
func (r TypedReceiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for m, err := range messages(ctx, r.R.RecvMsg) {
			var v T
			if err == nil {
				if v, err = r.C.Decode(m.Bytes()); err != nil {
					err = opErr("recv", fmt.Errorf("decode %T: %w", v, err))
				}
				m.Release()
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// CallTyped makes a request of one type and decodes the reply as another.
func CallTyped[Q, R any](ctx context.Context, s *Req, cq Codec[Q], cr Codec[R], q Q) (r R, err error) {
	body, err := cq.Append(nil, q)
	if err != nil {
		return r, opErr("request", fmt.Errorf("encode %T: %w", q, err))
	}
	reply, err := s.DoMsg(ctx, WrapMessage(body, nil))
	if err != nil {
		return r, err
	}
	defer reply.Release()
	if r, err = cr.Decode(reply.Bytes()); err != nil {
		return r, opErr("request", fmt.Errorf("decode %T: %w", r, err))
	}
	return r, nil
}

// HandleTyped makes a [Handler] of a function from one type to another. A request that cannot be decoded, or for
// which f fails, is discarded; failed, if not nil, is told the error.
func HandleTyped[Q, R any](cq Codec[Q], cr Codec[R], f func(ctx context.Context, q Q) (R, error), failed func(*Request, error)) Handler {
	return HandlerFunc(func(ctx context.Context, r *Request) {
		if err := answerTyped(ctx, r, cq, cr, f); err != nil && failed != nil {
			failed(r, err)
		}
	})
}

func answerTyped[Q, R any](ctx context.Context, r *Request, cq Codec[Q], cr Codec[R], f func(context.Context, Q) (R, error)) error {
	q, err := cq.Decode(r.Bytes())
	if err != nil {
		return fmt.Errorf("decode %T: %w", q, err)
	}
	answer, err := f(ctx, q)
	if err != nil {
		return err
	}
	body, err := cr.Append(nil, answer)
	if err != nil {
		return fmt.Errorf("encode %T: %w", answer, err)
	}
	return r.Reply(ctx, body)
}
