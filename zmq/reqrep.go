// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"math"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/msg"
)

// ReqOptions are the options of [NewReq].
type ReqOptions struct {
	Options

	// Correlate sends an id with each request, as ZMQ_REQ_CORRELATE does: a frame before the empty one that begins a request.
	// REP sockets return it, and so do ROUTERs whose programs return all frames before the empty one. A connection then carries
	// any number of requests at once, and an abandoned request costs nothing. Defaults to no id and one request at a time on
	// each connection, as libzmq's REQ sockets do it: further requests wait. A request that is abandoned, or sent again because
	// of Retry, then costs its connection, because a late reply would look like that of the next one.
	Correlate bool

	// Retry is how long a request waits for its reply before it is sent again, perhaps to another peer. Defaults to 1 minute
	// with Correlate, and to no limit without it: a request is then sent again only when its connection ends. Negative means that
	// a request is never sent twice, and fails with [spry.ErrPipeClosed] when its connection ends.
	Retry time.Duration

	// MaxAttempts is as in [spry.ReqOptions]. Defaults to 5; negative means no limit.
	MaxAttempts int

	// FailFast makes requests fail with [spry.ErrNoPeer] if no peer is connected, and with [spry.ErrPipeClosed] when their
	// connection ends. Defaults to waiting for a peer.
	FailFast bool
}

// A Req sends requests to REP and ROUTER peers, and matches the replies. It is a [spry.Req] that speaks ZeroMQ only, unless
// Dialects says otherwise, and whose requests and replies have frames. Any number of requests may be open at once. Each
// connection carries one of them at a time, unless ReqOptions.Correlate is set.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Req struct{ spry.Req }

// NewReq returns a Req without endpoints. o may be nil.
func NewReq(o *ReqOptions) *Req {
	options := orZero(o)
	if options.Retry == 0 && !options.Correlate {
		options.Retry = math.MaxInt64
	}
	return &Req{*spry.NewReq(&spry.ReqOptions{
		Options: speaking(options.Options), Retry: options.Retry, MaxAttempts: options.MaxAttempts, FailFast: options.FailFast,
		LockStep: !options.Correlate,
	})}
}

// Do sends a request with copies of these frames, waits for its reply and returns the reply's frames. If ctx ends first, so
// does the request.
func (s *Req) Do(ctx context.Context, frames ...[]byte) ([][]byte, error) {
	var reply *spry.Message
	err := sendFrames(frames, func(body []byte, m *msg.Message) (err error) {
		if m == nil {
			one := msg.Of(append([]byte(nil), body...))
			m = &one
		}
		reply, err = s.DoMsg(ctx, (*spry.Message)(m))
		return err
	})
	if err != nil {
		return nil, err
	}
	return detach(inner(reply)), nil
}

// RepOptions are the options of [NewRep].
type RepOptions = spry.RepOptions

// A Rep receives requests of REQ and DEALER peers and replies to each. It is a [spry.Rep] that speaks ZeroMQ only, unless
// Dialects says otherwise. The frames of a request are those of its Message, and ReplyMsg sends a reply of several frames.
//
// See [spry.Socket.Dial], [spry.Socket.Listen] and [spry.Socket.Close], which all sockets have.
type Rep struct{ spry.Rep }

// NewRep returns a Rep without endpoints. o may be nil.
func NewRep(o *RepOptions) *Rep {
	options := orZero(o)
	options.Options = speaking(options.Options)
	return &Rep{*spry.NewRep(&options)}
}

// NewMessage returns a message of copies of these frames. Without any, the message is one empty frame.
func NewMessage(frames ...[]byte) *spry.Message {
	if len(frames) == 0 {
		return new(spry.Message)
	}
	m := msg.OfFrames(copyFrames(frames))
	return received(&m)
}
