// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/scope"
)

// SurveyorOptions are the options of a [Surveyor].
type SurveyorOptions struct {
	Options

	// Deadline is how long a survey receives answers. Defaults to 1 s; it cannot be switched off.
	Deadline time.Duration

	// Overflow is what happens to a survey for a respondent whose queue is full. Defaults to DropOldest.
	Overflow Overflow
}

// A Surveyor sends a question to all its peers, which are [Respondent] sockets, and receives their answers until a deadline.
// Any number of surveys may be open at once. Sending is best effort: see [SurveyorOptions].Overflow. Answers that arrive after
// the deadline, or while the survey's queue for that peer is full, are dropped and counted.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Surveyor struct {
	Socket
	pattern  *pattern.Surveyor
	chain    *intercept.Chain
	deadline time.Duration
}

// NewSurveyor returns a Surveyor without endpoints. o may be nil.
func NewSurveyor(o *SurveyorOptions) *Surveyor {
	if o == nil {
		o = new(SurveyorOptions)
	}
	deadline := o.Deadline
	if deadline == 0 {
		deadline = time.Second
	}
	var p *pattern.Surveyor
	core := engine.NewSocket(o.engineOptions(), func(s *engine.Socket, _ engine.Options) engine.Pattern {
		err := o.Overflow.check(true)
		if deadline < 0 {
			err = fmt.Errorf("%w: Deadline is negative: a survey would never end", ErrConfig)
		}
		if err != nil {
			s.Break(err)
		}
		p = pattern.NewSurveyor(s, ProtocolSurveyor.hello(), engine.Overflow(o.Overflow))
		return p
	})
	return &Surveyor{Socket{core}, p, newChain(core, o.Interceptors, false), deadline}
}

// Survey sends a question and yields the answers, in the order of their arrival. The question, a copy of body, is sent when
// the loop begins, once for each loop over the result. At the deadline, or at an earlier deadline of ctx, the loop yields the
// answers that have arrived and ends without an error. It also ends when the socket is closed. Leaving the loop ends the
// survey. If ctx is cancelled, or the question cannot be sent, the error is yielded, once. The peers do not learn of the
// deadline or of the end.
func (s *Surveyor) Survey(ctx context.Context, body []byte) iter.Seq2[*Message, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func(*Message, error) bool) {
		until := time.Now().Add(s.deadline)
		within, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		v, err := s.open(ctx, within, until, body)
		if err != nil {
			if within.Err() != context.DeadlineExceeded && !ended(err) { // the deadline may pass while there is no room
				yield(nil, opErr("survey", err))
			}
			return
		}
		defer v.Close()
		end, _ := within.Deadline()
		recv := func(ctx context.Context) (*msg.Message, error) {
			if at, ok := ctx.Deadline(); !ok || at.After(end) { // of an interceptor
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, end)
				defer cancel()
			}
			m, err := v.Recv(ctx)
			if err != nil && (within.Err() == context.DeadlineExceeded || within.Err() == nil && !time.Now().Before(end)) {
				if m, err = v.TryRecv(); err != nil { // answers that arrived in time
					err = ErrClosed
				}
			}
			return m, err
		}
		next := func(context.Context) (*Message, error) {
			var m *msg.Message
			var err error
			if s.chain == nil {
				m, err = recv(within)
			} else {
				m, err = s.chain.RecvOne(within, recv, nil)
			}
			return received(m), opErr("survey", err)
		}
		messages(context.Background(), next)(yield)
	}
}

// open sends the question. within is ctx until the deadline.
func (s *Surveyor) open(ctx, within context.Context, until time.Time, body []byte) (v *pattern.Survey, err error) {
	if s.chain == nil {
		return s.pattern.Open(ctx, within, until, body, nil)
	}
	err = s.chain.SendOne(ctx, nil, body, nil, func(ctx context.Context, m *msg.Message) (err error) {
		within, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		v, err = s.pattern.Open(ctx, within, until, nil, m)
		return err
	})
	switch {
	case err == nil && v == nil:
		err = ErrIntercepted
	case err != nil && v != nil:
		v.Close()
	}
	return v, err
}

// RespondentOptions are the options of a [Respondent].
type RespondentOptions struct {
	Options

	// ReplyTimeout is the same as in [RepOptions].
	ReplyTimeout time.Duration
}

// A Respondent receives surveys from its peers, which are [Surveyor] sockets, and sends each answer back the way that its
// survey came. The surveyor drops late answers. A surveyor that does not read its answers is treated as a [Rep] treats such
// a peer.
//
// See [Socket.Dial], [Socket.Listen] and [Socket.Close], which all sockets have.
type Respondent struct {
	Socket
	responding
	draining
}

// NewRespondent returns a Respondent without endpoints. o may be nil.
func NewRespondent(o *RespondentOptions) *Respondent {
	if o == nil {
		o = new(RespondentOptions)
	}
	core, r := newResponder(o.Options, ProtocolRespondent, o.ReplyTimeout)
	return &Respondent{Socket{core}, r, draining{core}}
}
