// SPDX-License-Identifier: MIT

package zmq

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/msg"
)

// ReqOptions are the options of [NewReq]. See [spry.ReqOptions], LockStep above all.
type ReqOptions = spry.ReqOptions

// A Req sends requests to REP and ROUTER peers, any number at once, and matches the replies. It is a [spry.Req] that
// speaks ZeroMQ only, and whose requests and replies have frames.
type Req struct{ spry.Req }

// NewReq returns a Req without endpoints. o may be nil.
func NewReq(o *ReqOptions) *Req {
	options := orZero(o)
	options.Options = speaking(options.Options)
	return &Req{*spry.NewReq(&options)}
}

// Do sends a request of copies of these frames and waits for its reply, whose frames it returns. If ctx ends first, so does
// the request.
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

// A Rep receives requests of REQ and DEALER peers and replies to each. It is a [spry.Rep] that speaks ZeroMQ only; the frames
// of a request are those of its Message, and ReplyMsg sends a reply of several.
type Rep struct{ spry.Rep }

// NewRep returns a Rep without endpoints. o may be nil.
func NewRep(o *RepOptions) *Rep {
	options := orZero(o)
	options.Options = speaking(options.Options)
	return &Rep{*spry.NewRep(&options)}
}

// NewMessage returns a message of copies of these frames. Without any, it is of one empty frame.
func NewMessage(frames ...[]byte) *spry.Message {
	if len(frames) == 0 {
		return new(spry.Message)
	}
	m := msg.OfFrames(copyFrames(frames))
	return received(&m)
}
