// SPDX-License-Identifier: MIT

// Package device joins two sockets that hand each other's messages on: proxies within a family, and bridges between them.
package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/zmq"
)

// A Kind is a pattern that can be proxied. Front is the side that the pattern's clients dial: requesters, publishers, or
// whichever peer begins.
type Kind struct {
	Name        string
	Front, Back spry.Protocol // of the proxy's sockets
	FrontFor    string        // what dials them, in help
	BackFor     string

	zmq func(front, back zmq.Options) (zmqSocket, zmqSocket) // between ZeroMQ peers; nil if ZeroMQ has no such pattern
}

// Kinds are all of them.
var Kinds = []Kind{
	{"reqrep", spry.ProtocolRep, spry.ProtocolReq, "req sockets", "rep sockets", func(front, back zmq.Options) (zmqSocket, zmqSocket) {
		return zmq.NewRouter(&zmq.RouterOptions{Options: front}), zmq.NewDealer(&zmq.DealerOptions{Options: back})
	}},
	{"pubsub", spry.ProtocolSub, spry.ProtocolPub, "pub sockets", "sub sockets", func(front, back zmq.Options) (zmqSocket, zmqSocket) {
		return zmq.NewXSub(&zmq.XSubOptions{Options: front}), zmq.NewXPub(&zmq.XPubOptions{Options: back})
	}},
	{"pipeline", spry.ProtocolPull, spry.ProtocolPush, "push sockets", "pull sockets", func(front, back zmq.Options) (zmqSocket, zmqSocket) {
		return zmq.NewPull(&zmq.PullOptions{Options: front}), zmq.NewPush(&zmq.PushOptions{Options: back})
	}},
	{"survey", spry.ProtocolRespondent, spry.ProtocolSurveyor, "survey sockets", "respond sockets", nil},
	{"pair", spry.ProtocolPair1, spry.ProtocolPair1, "a pair socket", "a pair socket", func(front, back zmq.Options) (zmqSocket, zmqSocket) {
		return zmq.NewPair(&front), zmq.NewPair(&back)
	}},
	{"bus", spry.ProtocolBus, spry.ProtocolBus, "bus sockets", "bus sockets", nil},
}

// Names lists the kinds that [Run] can proxy, with ZeroMQ's sockets or without.
func Names(zmtp bool) (names []string) {
	for _, k := range Kinds {
		if !zmtp || k.zmq != nil {
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	return names
}

// A Side is one of the two sockets.
type Side struct {
	Name string // in what is said of it
	endpoint.Set

	implied []string // addresses that are dialed because they name a host
}

// A sayFunc says a line.
type sayFunc = func(form string, args ...any)

// of prefixes lines with the name of the side.
func (s *Side) of(say sayFunc) sayFunc {
	return func(form string, args ...any) { say(s.Name+": "+form, args...) }
}

func (s *Side) open(ctx context.Context, socket endpoint.Socket, say sayFunc) error {
	if err := s.Open(ctx, socket, s.of(say)); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// Options of [Run].
type Options struct {
	Kind        string
	Front, Back Side
	TTL         int
	ZMTP        bool // both sides speak ZeroMQ, with its own socket types
	Security    endpoint.Security

	Join      bool // make one frame of several for peers that take no more; without it such messages are dropped, and counted
	Separator string

	Every time.Duration    // between two reports of the figures; 0 for none but the last
	Ask   <-chan os.Signal // asks for one now
	Say   sayFunc
	Print sayFunc // of figures that were asked for
}

// A joint is two sockets and what passes messages on between them.
type joint struct {
	front, back endpoint.Socket
	run         func(ctx context.Context) error
	lost        func() (atFront, atBack uint64) // messages that the sockets do not count, by the side they were for
}

// Run passes messages on until ctx ends, which is no error.
func Run(ctx context.Context, o Options) error {
	j, err := newJoint(&o)
	if err != nil {
		return err
	}
	defer j.back.Close()
	defer j.front.Close()
	defer o.Front.ReportFaults(j.front, o.Front.of(o.Say))()
	defer o.Back.ReportFaults(j.back, o.Back.of(o.Say))()
	if err := o.Front.open(ctx, j.front, o.Say); err != nil {
		return err
	}
	if err := o.Back.open(ctx, j.back, o.Say); err != nil {
		return err
	}
	reporting, stop := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() { defer close(reported); o.report(reporting, j) }()
	stopReporting := o.reportTrouble(ctx, j)
	err = j.run(ctx)
	stopReporting()
	stop()
	<-reported
	finish(ctx, j)
	o.figures(j, o.Say)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// reportTrouble reports why a side has no peers.
func (o *Options) reportTrouble(ctx context.Context, j *joint) (stop func()) {
	stopFront := o.Front.reportTrouble(ctx, j.front, o.Say)
	stopBack := o.Back.reportTrouble(ctx, j.back, o.Say)
	return func() { stopFront(); stopBack() }
}

func (s *Side) reportTrouble(ctx context.Context, socket endpoint.Socket, say sayFunc) (stop func()) {
	say = s.of(say)
	return s.ReportTrouble(ctx, socket, func(form string, args ...any) {
		say(form, args...)
		for _, url := range s.implied {
			say("to listen there, write %s=listen:%s", s.Name, url)
		}
	})
}

// grace is how long the end waits until forwarded messages are sent.
const grace = time.Second

// finish sends the sockets' queues, and closes them. Remaining messages are counted as dropped.
func finish(ctx context.Context, j *joint) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, socket := range []endpoint.Socket{j.front, j.back} {
		_ = socket.Shutdown(ending)
	}
}

func newJoint(o *Options) (*joint, error) {
	at := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == o.Kind })
	if at < 0 {
		return nil, exit.Errorf(exit.Usage, "--kind %q is not one of %s", o.Kind, strings.Join(Names(false), ", "))
	}
	kind := Kinds[at]
	security, err := o.Security.Library()
	if err != nil {
		return nil, err
	}
	if o.ZMTP {
		if kind.zmq == nil {
			return nil, exit.Errorf(exit.Usage, "ZeroMQ has no %s; its kinds are %s", kind.Name, strings.Join(Names(true), ", "))
		}
		return newZMQ(kind, spry.Options{Security: security, Transports: endpoint.Transports()}), nil
	}
	secured := false
	var sides [2]*rawSide
	for i, side := range []*Side{&o.Front, &o.Back} {
		options, framed := spry.Options{TTL: o.TTL, Transports: endpoint.Transports()}, onlyZMTP(&side.Set)
		if framed {
			options.Security = security
			secured = true
		}
		if sides[i], err = newRawSide([]spry.Protocol{kind.Front, kind.Back}[i], options, framed); err != nil {
			return nil, err
		}
	}
	if security != nil && !secured {
		return nil, exit.Errorf(exit.Usage, "CURVE and PLAIN secure a side whose addresses all begin with zmtp+, and there is none")
	}
	front, back := sides[0], sides[1]
	return &joint{
		front: front, back: back,
		run: func(ctx context.Context) error {
			return joinRaw(ctx, front, back, joiner{given: o.Join, separator: o.Separator})
		},
		lost: func() (atFront, atBack uint64) { return front.lost.Load(), back.lost.Load() },
	}, nil
}

// onlyZMTP reports whether all peers of a side speak ZeroMQ.
func onlyZMTP(set *endpoint.Set) bool {
	for _, url := range slices.Concat(set.Listen, set.Dial) {
		if !strings.HasPrefix(url, "zmtp+") {
			return false
		}
	}
	return true
}
