// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
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

// A RawProtocol says what a raw socket does with messages and their routing headers.
type RawProtocol struct {
	Hello    transport.Hello
	Envelope wire.Envelope
	Route    Route
	Receives bool
	Names    bool // received messages get the id of their pipe as the first word of the header
	Single   bool // one pipe at a time
	Topics   bool // peers of dialects that filter are told a topic, which is everything, or tell theirs
}

// Raw shows routing headers and keeps no state of requests: it is what proxies are made of.
type Raw struct {
	receiver
	protocol RawProtocol
	socket   *engine.Socket
	balancer balancer
	fanout   *fanout
}

// NewRaw returns the pattern.
func NewRaw(s *engine.Socket, protocol RawProtocol, overflow engine.Overflow) *Raw {
	return &Raw{
		receiver: newReceiver(s.Options()), protocol: protocol, socket: s, fanout: newFanout(s, overflow),
	}
}

// Protocol says what the socket does.
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

// Send routes the contents of m, whose routing header is header. A message for a pipe that is gone or full is
// dropped and counted: waiting for one peer would hold up all others.
func (s *Raw) Send(ctx context.Context, wait bool, header []byte, m *msg.Message) error {
	var first uint32
	if len(header) >= wordLen {
		first = binary.BigEndian.Uint32(header)
	}
	switch s.protocol.Route {
	case RouteBalance:
		if s.protocol.Envelope == wire.EnvelopeHops {
			header = hopOn(header)
		}
		return s.sendBalanced(ctx, wait, header, m)
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

var (
	errOnlyReceives = fmt.Errorf("%w: sockets of this protocol only receive", errors.ErrUnsupported)
	errOnlySends    = fmt.Errorf("%w: sockets of this protocol only send", errors.ErrUnsupported)
)

// Recv waits for the next message.
func (s *Raw) Recv(ctx context.Context) (*msg.Message, error) {
	if !s.protocol.Receives {
		return nil, errOnlySends
	}
	return s.receiver.Recv(ctx)
}

// TryRecv returns the next message, or ErrWouldBlock.
func (s *Raw) TryRecv() (*msg.Message, error) {
	if !s.protocol.Receives {
		return nil, errOnlySends
	}
	return s.receiver.TryRecv()
}

// RecvBatch waits for at least one message and fills dst with as many as are at hand.
func (s *Raw) RecvBatch(ctx context.Context, dst []*msg.Message) (int, error) {
	if !s.protocol.Receives {
		return 0, errOnlySends
	}
	return s.receiver.RecvBatch(ctx, dst)
}

func (s *Raw) sendBalanced(ctx context.Context, wait bool, header []byte, m *msg.Message) error {
	b := &s.balancer
	return b.do(ctx, wait, func() (bool, *engine.Pipe, error) { return b.tryLocked(header, nil, m) })
}

func (s *Raw) sendDirected(p *engine.Pipe, header []byte, m *msg.Message) error {
	if p == nil {
		m.Release()
		s.socket.DropOut(engine.DropNoPeer, 1)
		return nil
	}
	if err := p.Unfit(engine.ShapeOf(header, nil, m)); err != nil {
		return err
	}
	own := m.Take()
	if write, _ := p.Offer(header, nil, &own, nil, engine.DropNewest); write {
		p.Write()
	}
	return nil
}

// hopOn returns the header of a message that goes one hop further.
func hopOn(header []byte) []byte {
	if len(header) != wordLen {
		return firstHop
	}
	return []byte{0, 0, 0, min(header[3], 254) + 1}
}

// Traits implements engine.Pattern. Only a pipeline's messages mean the same to every peer.
func (s *Raw) Traits() engine.Traits {
	returns := s.protocol.Route == RouteBalance && s.protocol.Envelope == wire.EnvelopeNone && !s.protocol.Single
	asks := s.protocol.Route == RouteBalance && s.protocol.Envelope != wire.EnvelopeNone && !s.protocol.Single ||
		s.protocol.Route == RouteFan && s.protocol.Receives && !s.protocol.Names // requests and surveys, which nobody would answer
	return engine.Traits{Hello: s.protocol.Hello, ReturnsUnsent: returns, FlushesEnded: !returns && !asks}
}

// Attach implements engine.Pattern.
func (s *Raw) Attach(p *engine.Pipe) error {
	s.attach(p)
	switch s.protocol.Route {
	case RouteDirected:
		s.throttle(p)
	case RouteNone:
		if s.protocol.Topics {
			p.QueueControl(wire.Control{Kind: wire.ControlSubscribe}) // written when the pipe is attached
		}
	case RouteBalance:
		if s.protocol.Single {
			err := s.balancer.addOnly(p)
			if err != nil {
				s.detach(p)
			}
			return err
		}
		s.balancer.add(p)
	case RouteFan:
		if s.protocol.Topics && p.Controls() {
			p.State = new(filter) // nothing is received
		}
		s.fanout.add(p)
	}
	return nil
}

// Control implements engine.Controller.
func (s *Raw) Control(p *engine.Pipe, c wire.Control) {
	if t := filterOf(p); t != nil {
		s.fanout.subscribed(t, c, nil).end(p)
	}
}

// Detach implements engine.Pattern.
func (s *Raw) Detach(p *engine.Pipe, unsent []msg.Message) {
	s.detach(p)
	s.balancer.remove(p, unsent)
	s.fanout.remove(p)
}

// Receive implements engine.Pattern.
func (s *Raw) Receive(p *engine.Pipe, run []msg.Message) int {
	if !s.protocol.Receives {
		return unwanted(p, run)
	}
	return s.receive(p, run)
}

// Writable implements engine.Pattern.
func (s *Raw) Writable(p *engine.Pipe) {
	s.balancer.writable(p)
	s.fanout.wake()
}

// Refuse implements engine.Pattern.
func (s *Raw) Refuse(err error) {
	s.balancer.refuse(err)
	s.fanout.refuse(err)
	s.inbox.Close(err)
}

// Pending implements engine.Pattern.
func (s *Raw) Pending() int { return s.balancer.pending() }

// Close implements engine.Pattern.
func (s *Raw) Close() int { return s.balancer.drop() }
