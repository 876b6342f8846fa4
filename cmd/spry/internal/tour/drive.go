// SPDX-License-Identifier: MIT

package tour

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

func drivePush(ctx context.Context, s *stage) error {
	push := spry.NewPush(&spry.PushOptions{Options: options()})
	defer push.Close()
	if err := s.gather(ctx, push); err != nil {
		return err
	}
	sent, fastStart, err := s.stream(ctx, push.Send)
	if err != nil {
		return err
	}
	return s.finishStream(ctx, push, sent, fastStart, 1)
}

func drivePub(ctx context.Context, s *stage) error {
	pub := spry.NewPub(&spry.PubOptions{Options: options(), Overflow: spry.Block}) // the tour shows that nothing is lost
	defer pub.Close()
	if err := s.gather(ctx, pub); err != nil {
		return err
	}
	sent, fastStart, err := s.stream(ctx, pub.Send)
	if err != nil {
		return err
	}
	return s.finishStream(ctx, pub, sent, fastStart, int64(len(s.mates)))
}

func driveReq(ctx context.Context, s *stage) error {
	req := spry.NewReq(&spry.ReqOptions{Options: options()})
	defer req.Close()
	if err := s.gather(ctx, req); err != nil {
		return err
	}
	return s.roundTrips(ctx, req, 16, 1, func(ctx context.Context, body []byte, arrived func()) error {
		reply, err := req.Do(ctx, body)
		if err != nil {
			return err
		}
		if len(reply) != len(body) {
			return fmt.Errorf("a reply of %d bytes to a request of %d", len(reply), len(body))
		}
		arrived()
		return nil
	})
}

func driveSurvey(ctx context.Context, s *stage) error {
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: options()})
	defer surveyor.Close()
	if err := s.gather(ctx, surveyor); err != nil {
		return err
	}
	return s.roundTrips(ctx, surveyor, 4, len(s.mates), func(ctx context.Context, body []byte, arrived func()) error {
		left := len(s.mates)
		for m, err := range surveyor.Survey(ctx, body) {
			if err != nil {
				return err
			}
			m.Release()
			arrived()
			if left--; left == 0 {
				break // all have answered: no need to wait for the deadline
			}
		}
		return nil
	})
}

// roundTrips sends questions with answers: one at a time for latency, then several at once.
func (s *stage) roundTrips(ctx context.Context, socket endpoint.Socket, workers, answers int, ask func(ctx context.Context, body []byte, arrived func()) error) error {
	body := make([]byte, s.size)
	for end := now() + int64(s.steady); now() < end; {
		start := now()
		s.expected += int64(answers)
		err := ask(ctx, body, func() {
			s.arrived++
			s.latency = append(s.latency, now()-start)
		})
		if err != nil {
			return err
		}
	}

	var (
		working       sync.WaitGroup
		asked, gotten atomic.Int64
		failures      = make([]error, workers)
		start         = now()
	)
	for n := range workers {
		working.Go(func() {
			body := make([]byte, s.size)
			for failures[n] == nil && now() < start+int64(s.fast) {
				asked.Add(1)
				failures[n] = ask(ctx, body, func() { gotten.Add(1) })
			}
		})
	}
	working.Wait()
	s.fastNS = now() - start
	s.tally.fast = gotten.Load()
	s.expected += asked.Load() * int64(answers)
	s.arrived += gotten.Load()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	_, err := s.dismiss(socket)
	return err
}

func drivePair(ctx context.Context, s *stage) error {
	pair := spry.NewPair(&spry.PairOptions{Options: options()})
	defer pair.Close()
	if err := s.gather(ctx, pair); err != nil {
		return err
	}
	return s.echoes(ctx, pair, pair)
}

func driveBus(ctx context.Context, s *stage) error {
	bus := spry.NewBus(&spry.BusOptions{Options: options()})
	defer bus.Close()
	if err := s.gather(ctx, bus); err != nil {
		return err
	}
	return s.echoes(ctx, bus, bus)
}

// window is how many messages are under way at once in a leg of echoes at full speed.
const window = 256

// quiet is how long an echo may be missing before it counts as lost.
const quiet = 5 * time.Second

type echoSocket interface {
	Send(ctx context.Context, body []byte) error
	spry.Receiver
}

// echoes sends messages that every mate sends back: one at a time for latency, then a window full of them.
func (s *stage) echoes(ctx context.Context, socket endpoint.Socket, e echoSocket) error {
	copies := int64(len(s.mates))
	body := make([]byte, s.size)
	for end := now() + int64(s.steady); now() < end; {
		start := now()
		if err := e.Send(ctx, body); err != nil {
			return err
		}
		s.expected += copies
		for s.arrived < s.expected {
			if err := s.echo(ctx, e); err != nil {
				return err
			}
			s.latency = append(s.latency, now()-start)
		}
	}

	before, start := s.arrived, now()
	for sending := true; sending || s.arrived < s.expected; {
		sending = sending && now() < start+int64(s.fast)
		if sending && s.expected-s.arrived < window*copies {
			if err := e.Send(ctx, body); err != nil {
				return err
			}
			s.expected += copies
			continue
		}
		if err := s.echo(ctx, e); errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			break // missing messages must have been counted as dropped; the tally shows it
		} else if err != nil {
			return err
		}
	}
	s.fastNS = now() - start
	s.tally.fast = s.arrived - before
	_, err := s.dismiss(socket)
	return err
}

// echo receives one message.
func (s *stage) echo(ctx context.Context, e echoSocket) error {
	waiting, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	m, err := e.RecvMsg(waiting)
	if err != nil {
		return err
	}
	m.Release()
	s.arrived++
	return nil
}
