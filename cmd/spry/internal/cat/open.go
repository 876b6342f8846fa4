// SPDX-License-Identifier: MIT

package cat

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// work is what a verb does with its socket.
type work func(r *run, ctx context.Context) error

// An opener makes the socket of a verb.
type opener func(o *Options, library spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error)

// openers of all verbs.
var openers = map[string]opener{
	"push": openPush, "pull": openPull, "pub": openPub, "sub": openSub, "req": openReq, "rep": openRep,
	"survey": openSurvey, "respond": openRespond, "pair": openPair, "bus": openBus,

	"dealer": openDealer, "router": openRouter, "xpub": openXPub, "xsub": openXSub, "radio": openRadio, "dish": openDish,
	"client": openClient, "server": openServer, "scatter": openScatter, "gather": openGather, "peer": openPeer,
	"channel": openChannel,
}

// open makes the socket of a verb.
func open(verb string, o *Options) (work, endpoint.Socket, error) {
	options, err := o.Socket.library()
	if err != nil {
		return nil, nil, err
	}
	overflow, err := endpoint.Overflow(o.Socket.Overflow)
	if err != nil {
		return nil, nil, err
	}
	opener, known := openers[verb]
	if !known {
		return nil, nil, exit.Errorf(exit.Usage, "no verb %q", verb)
	}
	return opener(o, options, overflow)
}

func openPush(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewPush(&spry.PushOptions{Options: options})
	return sends(s), s, nil
}

func openPull(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewPull(&spry.PullOptions{Options: options})
	return receives(s), s, nil
}

func openPub(_ *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewPub(&spry.PubOptions{Options: options, Overflow: overflow})
	return func(r *run, ctx context.Context) error {
		r.ready = r.wanted(s.WaitSubscribers)
		return r.sendAll(ctx, through(s))
	}, s, nil
}

func openSub(o *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewSub(&spry.SubOptions{Options: options, Overflow: overflow})
	return receives(s), s, subscribe(s, o.Subscribe)
}

func openReq(o *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewReq(&spry.ReqOptions{Options: options, Retry: o.Retry})
	return func(r *run, ctx context.Context) error { return r.ask(ctx, s) }, s, nil
}

func openRep(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewRep(&spry.RepOptions{Options: options})
	return answers(s), s, nil
}

func openSurvey(o *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewSurveyor(&spry.SurveyorOptions{Options: options, Deadline: o.Deadline})
	return func(r *run, ctx context.Context) error { return r.survey(ctx, s) }, s, nil
}

func openRespond(_ *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewRespondent(&spry.RespondentOptions{Options: options})
	return answers(s), s, nil
}

func openPair(o *Options, options spry.Options, _ spry.Overflow) (work, endpoint.Socket, error) {
	pair := &spry.PairOptions{Options: options}
	if o.Socket.PairV0 {
		pair.Version = spry.PairV0
	}
	s := spry.NewPair(pair)
	return exchanges(s), s, nil
}

func openBus(_ *Options, options spry.Options, overflow spry.Overflow) (work, endpoint.Socket, error) {
	s := spry.NewBus(&spry.BusOptions{Options: options, Overflow: overflow})
	return exchanges(s), s, nil
}

// library makes the library's options.
func (o SocketOptions) library() (spry.Options, error) {
	if o.TTL < 0 || o.TTL > 255 {
		return spry.Options{}, exit.Errorf(exit.Usage, "--ttl %d: it must be from 1 to 255", o.TTL)
	}
	security, err := o.Security.Library()
	if err != nil {
		return spry.Options{}, err
	}
	var dialects []string
	if o.ZMTP || security != nil { // which the Scalability Protocols have no use for
		dialects = []string{"zmtp"}
	}
	return spry.Options{
		Dialects: dialects, Identity: o.Identity, Security: security,
		SendQueue: o.Queue, RecvQueue: o.Queue, SendQueueBytes: o.QueueBytes, RecvQueueBytes: o.QueueBytes,
		MaxMessageSize: o.MaxMessage, TTL: o.TTL,
	}, nil
}

// sends is the work of sockets that only send.
func sends(s spry.Sender) work {
	return func(r *run, ctx context.Context) error { return r.sendAll(ctx, through(s)) }
}

// receives is the work of sockets that only receive.
func receives(s spry.Receiver) work {
	return func(r *run, ctx context.Context) error {
		if r.ConnectTimeout > 0 {
			if err := r.awaitPeers(ctx); err != nil {
				return err
			}
		}
		return r.receiveAll(r.untilDrained(ctx), s, r.Count)
	}
}

// twoWay is a socket that sends and receives.
type twoWay interface {
	spry.Receiver
	spry.Sender
}

// exchanges is the work of sockets that do both, independently.
func exchanges(s twoWay) work {
	return func(r *run, ctx context.Context) error { return r.exchange(ctx, s, through(s)) }
}

// requests is what Rep and Respondent have in common.
type requests interface {
	Recv(ctx context.Context) (*spry.Request, error)
}

// answers is the work of sockets that answer each message.
func answers(s requests) work {
	return func(r *run, ctx context.Context) error {
		return r.answer(ctx, func(ctx context.Context) (request, error) {
			q, err := s.Recv(ctx)
			return q, err
		})
	}
}

// subscribe subscribes to topics, or to everything.
func subscribe(s interface{ Subscribe(...string) error }, topics []string) error {
	if len(topics) == 0 {
		topics = []string{""}
	}
	return s.Subscribe(topics...)
}
