// SPDX-License-Identifier: MIT

package spry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/sprymq/spry/internal/engine"
)

// A Codec turns values into bodies and back. Its methods are safe for concurrent use.
type Codec[T any] interface {
	// Append appends the encoding of v to dst.
	Append(dst []byte, v T) ([]byte, error)
	// Decode decodes a whole body. It must not keep src.
	Decode(src []byte) (T, error)
}

// JSON is the [Codec] of encoding/json. Decoding fails if data follows the value.
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

// orJSON returns c, or JSON if c is nil.
func orJSON[T any](c Codec[T]) Codec[T] {
	if c == nil {
		return JSON[T]{}
	}
	return c
}

// encode returns a message of the encoding of v.
func encode[T any](c Codec[T], v T) (*Message, error) {
	body, err := orJSON(c).Append(nil, v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return WrapMessage(body, nil), nil
}

// decode returns the value of a body.
func decode[T any](c Codec[T], body []byte) (v T, err error) {
	if v, err = orJSON(c).Decode(body); err != nil {
		err = fmt.Errorf("decode %T: %w", v, err)
	}
	return v, err
}

// A TypedSender sends values over a socket, each as one message. It has no state of its own and may be copied.
type TypedSender[T any] struct {
	S Sender   // the socket; not nil
	C Codec[T] // nil = JSON
}

// Send encodes v and sends it by SendMsg of the socket. If encoding fails, nothing is sent, and the error wraps the codec's.
func (s TypedSender[T]) Send(ctx context.Context, v T) error {
	m, err := encode(s.C, v)
	if err != nil {
		return opErr("send", err)
	}
	return s.S.SendMsg(ctx, m)
}

// A TypedReceiver receives values from a socket, each from one message. It has no state of its own and may be copied.
type TypedReceiver[T any] struct {
	R Receiver // the socket; not nil
	C Codec[T] // nil = JSON
}

// Recv waits for the next message, until ctx ends, and decodes it. If decoding fails, the error wraps the codec's, and the
// next call receives the next message.
func (r TypedReceiver[T]) Recv(ctx context.Context) (v T, err error) {
	m, err := r.R.RecvMsg(ctx)
	if err != nil {
		return v, err
	}
	defer m.Release()
	v, err = decode(r.C, m.Bytes())
	return v, opErr("recv", err)
}

// All yields values until the socket is closed or the loop ends. A message that cannot be decoded is yielded as an error,
// and the loop continues. If ctx ends, All yields its error, once, and ends.
func (r TypedReceiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for m, err := range messages(ctx, r.R.RecvMsg) {
			var v T
			if err == nil {
				v, err = decode(r.C, m.Bytes())
				err = opErr("recv", err)
				m.Release()
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// A Caller makes requests of type Q and decodes their replies as R. It has no state of its own: it may be copied, and used
// by several goroutines at once.
type Caller[Q, R any] struct {
	Req     *Req     // the socket; not nil
	Request Codec[Q] // encodes requests; nil = JSON
	Reply   Codec[R] // decodes replies; nil = JSON
}

// NewCaller returns a Caller that exchanges JSON over req. Set its fields for other codecs.
func NewCaller[Q, R any](req *Req) Caller[Q, R] { return Caller[Q, R]{Req: req} }

// Call sends q as a request and waits for the reply, until ctx ends. See [Req.Do].
func (c Caller[Q, R]) Call(ctx context.Context, q Q) (r R, err error) {
	if c.Req == nil {
		return r, opErr("request", engine.NilError("Req"))
	}
	m, err := encode(c.Request, q)
	if err != nil {
		return r, opErr("request", err)
	}
	reply, err := c.Req.DoMsg(ctx, m)
	if err != nil {
		return r, err
	}
	defer reply.Release()
	r, err = decode(c.Reply, reply.Bytes())
	return r, opErr("request", err)
}

// A TypedHandler is a [Handler] that decodes requests as Q and replies with the encoding of R. It calls [Request.Fail] with
// errors of decoding, of Func and of the reply.
type TypedHandler[Q, R any] struct {
	// Func answers one request. Several goroutines may call it at once.
	Func    func(ctx context.Context, q Q) (R, error)
	Request Codec[Q] // decodes requests; nil = JSON
	Reply   Codec[R] // encodes replies; nil = JSON
}

// HandleTyped returns a [TypedHandler] of f that exchanges JSON. Set its fields for other codecs.
func HandleTyped[Q, R any](f func(ctx context.Context, q Q) (R, error)) TypedHandler[Q, R] {
	return TypedHandler[Q, R]{Func: f}
}

// Handle implements [Handler].
func (h TypedHandler[Q, R]) Handle(ctx context.Context, r *Request) { r.Fail(h.answer(ctx, r)) }

func (h TypedHandler[Q, R]) answer(ctx context.Context, r *Request) error {
	if h.Func == nil {
		return engine.NilError("Func of the TypedHandler")
	}
	q, err := decode(h.Request, r.Bytes())
	if err != nil {
		return err
	}
	answer, err := h.Func(ctx, q)
	if err != nil {
		return err
	}
	m, err := encode(h.Reply, answer)
	if err != nil {
		return err
	}
	return r.ReplyMsg(ctx, m)
}
