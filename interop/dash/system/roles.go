// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

var (
	body  = make([]byte, 100)
	large = make([]byte, 20<<10) // the operating system keeps few of these
)

// A feed over tcp and ws, with one reader that is too slow: its messages are dropped.

func feed(ctx context.Context, p *process) {
	s := spry.NewPub(&spry.PubOptions{Options: p.options()})
	p.listens(ctx, s, "web", "ws://127.0.0.1:0/feed")
	p.listens(ctx, s, p.name, "tcp://127.0.0.1:0")
	p.every(5*time.Millisecond, func() error { return s.Send(ctx, body) })
}

func reader(ctx context.Context, p *process) { readFeed(ctx, p, "feed", 0) }

func slowReader(ctx context.Context, p *process) { readFeed(ctx, p, "feed", 50*time.Millisecond) }

func webReader(ctx context.Context, p *process) { readFeed(ctx, p, "web", 0) }

func readFeed(ctx context.Context, p *process, from string, pause time.Duration) {
	o := p.options()
	if pause > 0 {
		o.RecvQueue = 10
	}
	s := spry.NewSub(&spry.SubOptions{Options: o})
	must(s.Subscribe(""))
	p.dials(ctx, s, from)
	p.receive(pause, func() error { _, err := s.Recv(ctx); return err })
}

// Jobs over ipc, which come faster than the workers take them: Send is blocked.

func jobs(ctx context.Context, p *process) {
	o := p.options()
	o.SendQueue = 20
	s := spry.NewPush(&spry.PushOptions{Options: o})
	p.listens(ctx, s, p.name, "ipc://DIR/jobs.sock")
	p.every(0, func() error { return s.Send(ctx, large) })
}

func worker(ctx context.Context, p *process) {
	o := p.options()
	o.RecvQueue = 20
	s := spry.NewPull(&spry.PullOptions{Options: o})
	p.dials(ctx, s, "jobs")
	p.receive(2*time.Millisecond, func() error { _, err := s.Recv(ctx); return err })
}

// Requests over tls+tcp.

func rpc(ctx context.Context, p *process) {
	s := spry.NewRep(&spry.RepOptions{Options: p.options()})
	p.listens(ctx, s, p.name, "tls+tcp://127.0.0.1:0")
	serve(ctx, p, s)
}

// A server replies to requests.
type server interface {
	Serve(ctx context.Context, workers int, h spry.Handler) error
}

func serve(ctx context.Context, p *process, s server) {
	go func() {
		_ = s.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			p.received.Add(1)
			if r.Reply(ctx, body) == nil {
				p.sent.Add(1)
			}
		}))
	}()
}

func client(ctx context.Context, p *process) {
	s := spry.NewReq(&spry.ReqOptions{Options: p.options()})
	p.dials(ctx, s, "rpc")
	p.every(10*time.Millisecond, func() error {
		_, err := s.Do(ctx, body)
		if err == nil {
			p.received.Add(1)
		}
		return err
	})
}

// Surveys over ws.

func respondent(ctx context.Context, p *process) {
	s := spry.NewRespondent(&spry.RespondentOptions{Options: p.options()})
	p.listens(ctx, s, p.name, "ws://127.0.0.1:0/crew")
	serve(ctx, p, s)
}

func surveyor(ctx context.Context, p *process) {
	s := spry.NewSurveyor(&spry.SurveyorOptions{Options: p.options()})
	p.dials(ctx, s, "crew")
	p.every(50*time.Millisecond, func() error {
		within, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		for m, err := range s.Survey(within, body) {
			if err != nil {
				break
			}
			p.received.Add(1)
			m.Release()
		}
		return nil
	})
}

// A bus over ipc.

func bus(ctx context.Context, p *process) {
	s := spry.NewBus(&spry.BusOptions{Options: p.options()})
	if p.name == "bus1" {
		p.listens(ctx, s, p.name, "ipc://DIR/bus.sock")
	} else {
		p.dials(ctx, s, "bus1")
	}
	p.every(20*time.Millisecond, func() error {
		if err := s.WaitPipes(ctx, 1); err != nil { // a message without a receiver counts at no socket
			return err
		}
		return s.Send(ctx, body)
	})
	p.receive(0, func() error { _, err := s.Recv(ctx); return err })
}

// ZeroMQ's dialect over tcp: a Dealer and a Router.

func router(ctx context.Context, p *process) {
	s := zmq.NewRouter(&zmq.RouterOptions{Options: p.options()})
	p.listens(ctx, s, p.name, "tcp://127.0.0.1:0")
	p.receive(0, func() error {
		from, frames, err := s.RecvFrom(ctx)
		if err == nil && s.SendTo(ctx, from, frames...) == nil {
			p.sent.Add(1)
		}
		return err
	})
}

func dealer(ctx context.Context, p *process) {
	o := p.options()
	o.Identity = "dealer-1"
	s := zmq.NewDealer(&zmq.DealerOptions{Options: o})
	p.dials(ctx, s, "router")
	p.every(20*time.Millisecond, func() error { return s.Send(ctx, body) })
	p.receive(0, func() error { _, err := s.Recv(ctx); return err })
}

// An exchange between a publisher and a subscriber of ZeroMQ, over tls+tcp and ipc.

func exchange(ctx context.Context, p *process) {
	in, out := zmq.NewXSub(&zmq.XSubOptions{Options: p.options()}), zmq.NewXPub(&zmq.XPubOptions{Options: p.options()})
	p.listens(ctx, out, "quotes", "ipc://DIR/quotes.sock")
	p.listens(ctx, in, p.name, "tcp://127.0.0.1:0")
	go func() { _ = zmq.Proxy(ctx, in, out, nil) }()
}

func quotes(ctx context.Context, p *process) {
	s := zmq.NewPub(&zmq.PubOptions{Options: p.options()})
	p.dials(ctx, s, "exchange")
	p.every(20*time.Millisecond, func() error {
		if err := s.WaitSubscribers(ctx, "", 1); err != nil { // a message without a receiver counts at no socket
			return err
		}
		return s.Send(ctx, body)
	})
}

func ticker(ctx context.Context, p *process) {
	s := zmq.NewSub(&zmq.SubOptions{Options: p.options()})
	must(s.Subscribe(""))
	p.dials(ctx, s, "quotes")
	p.receive(0, func() error { _, err := s.Recv(ctx); return err })
}

// Two Pairs within one process.

func pairs(ctx context.Context, p *process) {
	a, b := spry.NewPair(&spry.PairOptions{Options: p.options()}), spry.NewPair(&spry.PairOptions{Options: p.options()})
	p.listens(ctx, a, p.name, "inproc://pairs")
	p.dials(ctx, b, "pairs")
	p.every(10*time.Millisecond, func() error { return a.Send(ctx, body) })
	p.receive(0, func() error { _, err := b.Recv(ctx); return err })
}
