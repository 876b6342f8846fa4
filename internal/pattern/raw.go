// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// A Route says where a raw socket sends a message.
type Route uint8

// The routes.
const (
	RouteNone     Route = iota // the protocol only receives
	RouteBalance               // to one of the pipes: PUSH, REQ, PAIR
	RouteFan                   // to all: PUB, SURVEYOR, and BUS, where not back to the pipe it came from
	RouteDirected              // to the pipe that the header names: REP, RESPONDENT
)

// A RawProtocol describes how a raw socket handles messages and their routing headers.
type RawProtocol struct {
	Hello    transport.Hello
	Envelope wire.Envelope
	Route    Route
	Receives bool
	Names    bool // received messages get the id of their pipe as the first word of the header
	Single   bool // one pipe at a time
	Topics   bool // peers of dialects that filter get one topic, which is everything, or send theirs

	Reliable, Ordered bool // what every link must promise
}

// Raw shows routing headers and keeps no state of requests: it is what proxies are made of.
type Raw struct {
	sides
	receiver
	protocol RawProtocol
	socket   *engine.Socket
	balancer *balancer // of RouteBalance
	fanout   *fanout   // of RouteFan
}

// NewRaw returns the pattern.
func NewRaw(s *engine.Socket, protocol RawProtocol, overflow engine.Overflow) *Raw {
	r := &Raw{protocol: protocol, socket: s}
	r.receiver = newReceiver(s.Options(), false)
	in := r.receiver
	if !protocol.Receives {
		r.receiver.Close(errOnlySends)
		in = receiver{}
	}
	var out sendingSide
	switch protocol.Route {
	case RouteBalance:
		r.balancer = &balancer{single: protocol.Single}
		out = r.balancer
	case RouteFan:
		r.fanout = newFanout(s, overflow)
		r.fanout.filtering = protocol.Topics
		out = r.fanout
	}
	r.sides = newSides(protocol.Hello, in, out)
	r.traits = protocol.traits()
	return r
}

// traits of the protocol. Only a pipeline's messages mean the same to every peer.
func (r RawProtocol) traits() engine.Traits {
	returns := r.Route == RouteBalance && r.Envelope == wire.EnvelopeNone && !r.Single
	asks := r.Route == RouteBalance && r.Envelope != wire.EnvelopeNone && !r.Single ||
		r.Route == RouteFan && r.Receives && !r.Names // requests and surveys, which would not be answered
	return engine.Traits{
		Hello: r.Hello, Reliable: r.Reliable, Ordered: r.Ordered, ReturnsUnsent: returns, FlushesEnded: !returns && !asks,
		Replies: r.Route == RouteDirected,
	}
}

// Protocol describes the socket.
func (s *Raw) Protocol() RawProtocol { return s.protocol }

// wordLen is the length of a pipe id in a header.
const wordLen = 4

// AppendHeader appends the routing header that the application sees of a received message.
func (s *Raw) AppendHeader(dst []byte, m *msg.Message) []byte {
	if s.protocol.Names {
		if p := engine.PipeOf(m); p != nil {
			dst = binary.BigEndian.AppendUint32(dst, p.ID())
		}
	}
	return append(dst, m.Header()...)
}

// Show makes a received message's header the one that the application sees.
func (s *Raw) Show(m *msg.Message) *msg.Message {
	if m != nil && s.protocol.Names {
		m.SetHeader(s.AppendHeader(nil, m))
	}
	return m
}

// Unreceive puts a message that Show has had back to the front of its queue, as it was.
func (s *Raw) Unreceive(m *msg.Message) {
	if s.protocol.Names {
		m.SetHeader(m.Header()[wordLen:])
	}
	s.receiver.Unreceive(m)
}

// Send routes the contents of m with the routing header header. A message for a full or ended pipe is dropped and counted:
// waiting for one peer would delay all others.
func (s *Raw) Send(ctx context.Context, wait bool, header []byte, m *msg.Message) error {
	if err := scope.Ended(ctx); err != nil {
		return err
	}
	var first uint32
	if len(header) >= wordLen {
		first = binary.BigEndian.Uint32(header)
	}
	switch s.protocol.Route {
	case RouteBalance:
		if s.protocol.Envelope == wire.EnvelopeHops {
			header = hopOn(header)
		}
		return s.balancer.do(ctx, wait, nil, func() (bool, engine.PendingWrite, error) {
			return s.balancer.tryLocked(header, nil, m)
		})
	case RouteFan:
		var except *engine.Pipe
		if s.protocol.Names {
			except, header = s.socket.PipeByID(first), nil
		}
		return s.fanout.send(ctx, wait, header, nil, m, except, nil)
	case RouteDirected:
		return s.sendDirected(s.socket.PipeByID(first), header[min(wordLen, len(header)):], m)
	}
	return errOnlyReceives
}

// SendBatch is Send for each of ms with its own header, and returns how many it sent. Messages of a pipeline are queued together if
// there is only one pipe for them. Of several, each gets one message in turn, because messages are often jobs.
func (s *Raw) SendBatch(ctx context.Context, ms []*msg.Message) (n int, err error) {
	routed := func(m *msg.Message) bool { return len(m.Header()) > 0 }
	if len(ms) > 1 && s.balancer != nil && s.protocol.Envelope == wire.EnvelopeNone && s.balancer.only.Load() != nil && !slices.ContainsFunc(ms, routed) {
		return s.balancer.SendBatch(ctx, ms)
	}
	return oneByOne(len(ms), func(i int) error { return s.Send(ctx, true, ms[i].Header(), ms[i]) })
}

var (
	errOnlyReceives = fmt.Errorf("%w: sockets of this protocol only receive", errors.ErrUnsupported)
	errOnlySends    = fmt.Errorf("%w: sockets of this protocol only send", errors.ErrUnsupported)
)

func (s *Raw) sendDirected(p *engine.Pipe, header []byte, m *msg.Message) error {
	if p == nil {
		m.Release()
		s.socket.DropOut(reasons.NoPeer, 1)
		return nil
	}
	if err := engine.NoneFits(msg.ShapeOf(header, nil, m), p); err != nil {
		return err
	}
	own := m.Take()
	w, _ := p.Offer(header, nil, &own, nil, engine.DropNewest)
	w.Write()
	return nil
}

// hopOn returns the header of a message that goes one hop further.
func hopOn(header []byte) []byte {
	if len(header) != wordLen {
		return firstHop
	}
	return []byte{0, 0, 0, min(header[3], 254) + 1}
}

// Attach implements engine.Pattern.
func (s *Raw) Attach(p *engine.Pipe) error {
	if s.protocol.Route == RouteNone && s.protocol.Topics {
		p.QueueControl(wire.Control{Kind: wire.ControlSubscribe}) // written when the pipe is attached
	}
	return s.sides.Attach(p)
}

// Control implements engine.Controller.
func (s *Raw) Control(p *engine.Pipe, c wire.Control) {
	if s.fanout != nil {
		s.fanout.Control(p, c)
	}
}
