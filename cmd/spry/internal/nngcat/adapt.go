// SPDX-License-Identifier: MIT

package nngcat

import (
	"context"
	"iter"
	"sync"

	"github.com/sprymq/spry"
)

// oneWay adapts sockets without requests and replies: push, pull, pub, sub, pair and bus.
type oneWay struct {
	sender interface {
		Send(ctx context.Context, body []byte) error
	}
	receiver interface {
		Recv(ctx context.Context) ([]byte, error)
	}
}

func (s oneWay) send(ctx context.Context, body []byte) error { return s.sender.Send(ctx, body) }
func (s oneWay) recv(ctx context.Context) ([]byte, error)    { return s.receiver.Recv(ctx) }
func (s oneWay) reply(context.Context, []byte) error         { return errDone } // never called

// lossy adapts the sending of pub and bus, which in nngcat never blocks: without a peer the message is discarded.
type lossy struct {
	socket interface {
		Send(ctx context.Context, body []byte) error
		Pipes() iter.Seq[*spry.Pipe]
	}
}

// Send sends to the connected peers.
func (s lossy) Send(ctx context.Context, body []byte) error {
	for range s.socket.Pipes() {
		return s.socket.Send(ctx, body)
	}
	return nil
}

// requester adapts a Req. As in the C API, sending begins a request and receiving waits for its reply.
type requester struct {
	req  *spry.Req
	call *spry.Call
}

func (s *requester) send(ctx context.Context, body []byte) (err error) {
	// A request without a peer would wait in the call: here it is sending that waits.
	if err := s.req.WaitPipes(ctx, 1); err != nil {
		return err
	}
	m := spry.NewMessage(len(body))
	m.Write(body)
	s.call, err = s.req.Start(m)
	return err
}

func (s *requester) recv(ctx context.Context) ([]byte, error) {
	if s.call == nil {
		return nil, errDone
	}
	m, err := s.call.Wait(ctx)
	if err != nil {
		return nil, err
	}
	s.call = nil
	return m.Detach(), nil
}

func (s *requester) reply(context.Context, []byte) error { return errDone }

// surveyor adapts a Surveyor: sending begins a survey, and receiving takes its answers until the deadline. A new survey
// ends the one before.
type surveyor struct {
	surveyor *spry.Surveyor
	answers  chan result
	cancel   context.CancelFunc
	asking   sync.WaitGroup
}

type result struct {
	body []byte
	err  error
}

func (s *surveyor) send(ctx context.Context, body []byte) error {
	s.end()
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	answers := make(chan result)
	s.answers, s.cancel = answers, cancel
	s.asking.Go(func() {
		defer close(answers)
		for m, err := range s.surveyor.Survey(asking, body) {
			r := result{err: err}
			if err == nil {
				r.body = m.Detach()
			}
			select {
			case answers <- r:
			case <-asking.Done():
				return
			}
		}
	})
	return nil
}

func (s *surveyor) recv(ctx context.Context) ([]byte, error) {
	select {
	case r, more := <-s.answers:
		if !more {
			return nil, errDone
		}
		return r.body, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *surveyor) reply(context.Context, []byte) error { return errDone }

// end gives up the current survey.
func (s *surveyor) end() {
	if s.cancel != nil {
		s.cancel()
		s.asking.Wait()
	}
}

// replier adapts a Rep or a Respondent.
type replier struct {
	from interface {
		Recv(ctx context.Context) (*spry.Request, error)
	}
	request *spry.Request
}

func (s *replier) send(context.Context, []byte) error { return errDone } // never called

// recv abandons the request before, if that was not answered.
func (s *replier) recv(ctx context.Context) ([]byte, error) {
	if s.request != nil {
		s.request.Discard()
		s.request = nil
	}
	request, err := s.from.Recv(ctx)
	if err != nil {
		return nil, err
	}
	s.request = request
	return request.Bytes(), nil
}

func (s *replier) reply(ctx context.Context, body []byte) error {
	request := s.request
	s.request = nil
	return request.Reply(ctx, body)
}
