// SPDX-License-Identifier: MIT

package testkit

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sprymq/spry"
)

// An End is a socket of some pattern, described by its operations: sending, receiving, or both. An unsupported operation is
// nil.
type End struct {
	Socket
	Send, Recv func(context.Context) error
}

// Kinds is how many kinds of pairs there are.
const Kinds = 6

// Pair returns two sockets that talk with each other, of a kind.
func Pair(kind int, o spry.Options) (a, b End) {
	switch kind % Kinds {
	case 0:
		push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		return End{push, sending(push), nil}, End{pull, nil, receiving(pull)}
	case 1:
		pub, sub := spry.NewPub(&spry.PubOptions{Options: o, Overflow: spry.Overflow(rand.IntN(4))}), spry.NewSub(&spry.SubOptions{Options: o})
		_ = sub.Subscribe("")
		return End{pub, sending(pub), nil}, End{sub, nil, receiving(sub)}
	case 2:
		req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
		ask := func(ctx context.Context) error { _, err := req.Do(ctx, pairBody); return err }
		return End{req, ask, nil}, End{rep, nil, answering(rep)}
	case 3:
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: time.Millisecond})
		respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
		return End{surveyor, surveying(surveyor), nil}, End{respondent, nil, answering(respondent)}
	case 4:
		p, q := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
		return End{p, sending(p), receiving(p)}, End{q, sending(q), receiving(q)}
	}
	p, q := spry.NewBus(&spry.BusOptions{Options: o}), spry.NewBus(&spry.BusOptions{Options: o})
	return End{p, sending(p), receiving(p)}, End{q, sending(q), receiving(q)}
}

var pairBody = []byte("storm")

func sending(s interface {
	Send(context.Context, []byte) error
},
) func(context.Context) error {
	return func(ctx context.Context) error { return s.Send(ctx, pairBody) }
}

func receiving(s interface {
	Recv(context.Context) ([]byte, error)
},
) func(context.Context) error {
	return func(ctx context.Context) error { _, err := s.Recv(ctx); return err }
}

func answering(s interface {
	Recv(context.Context) (*spry.Request, error)
},
) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := s.Recv(ctx)
		if err == nil {
			err = r.Reply(ctx, pairBody)
		}
		return err
	}
}

func surveying(s *spry.Surveyor) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, err := range s.Survey(ctx, pairBody) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
