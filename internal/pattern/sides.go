// SPDX-License-Identifier: MIT

// Package pattern has what makes a socket a Push, a Rep or a Bus: routing, filtering and the state of requests
// and surveys. A pattern sees pipes and messages, never bytes on a wire or connections.
//
// A pattern has two sides. Each is one of a few parts:
//
//	Recv  <──  receiver  from all pipes in turn     <──  Pipe  <──
//	           or none
//
//	           balancer  to one pipe, in turn
//	Send  ──>  fanout    to all pipes               ──>  Pipe  ──>
//	           sender    to the pipe that is named
//	           or none
//
// A Bus is a receiver and a fanout, a Dealer a receiver and a balancer. A pattern embeds both parts, which have the methods
// that the application calls, and [sides], which has those that the engine calls and passes them on. No message passes
// another interface than engine.Pattern.
//
// Each file is one pattern, or a part that patterns are made of: a side, a set of topics, a table of requests.
package pattern

import (
	"math"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/transport"
)

// A sendingSide is a balancer, a fanout or a sender. It has no method that sends: each sends with arguments of its own, and a
// message would cost the call of an interface.
type sendingSide interface {
	add(p *engine.Pipe) error
	remove(p *engine.Pipe, unsent []msg.Message)
	writable(p *engine.Pipe)

	// reroutes reports whether one pipe's unsent messages may go to another.
	reroutes() bool

	// bind says which socket the pattern is of.
	bind(s *engine.Socket)

	// refuse makes every present and future attempt to send fail.
	refuse(err error)

	// blocked returns how long calls have been blocked for lack of room, and how many were.
	blocked() (time.Duration, uint64)

	// pending is how many messages wait in no pipe's queue, and drop forgets them and returns how many they were.
	pending() int
	drop() int
}

// sides implements [engine.Pattern] and [engine.Drainer] by the two sides of a pattern. A pattern that differs defines those
// methods itself.
type sides struct {
	traits engine.Traits
	in     receiver
	out    sendingSide
}

// A receiver is the receiving side of a pattern: an inbox with one source for each pipe. A full source stops its pipe's
// reader, which is the back-pressure that the peer feels. The zero receiver is that of a pattern that only sends.
type receiver struct{ *queue.Inbox }

// Unreceive puts a message that was received, and that the application has not seen, back to the front of its queue.
func (r receiver) Unreceive(m *msg.Message) {
	if p := engine.PipeOf(m); p != nil {
		p.Unreceive(r.Inbox, m)
		return
	}
	m.Release()
}

// newest limits a queue, with the policy DropOldest, to the newest message.
var newest = queue.Limits{Messages: 1, Bytes: math.MaxInt64}

// newReceiver returns a receiver, which with conflate keeps the newest message of each pipe only.
func newReceiver(o engine.Options, conflate bool) receiver {
	if conflate {
		return receiver{queue.NewInbox(newest, queue.DropOldest)}
	}
	return receiver{queue.NewInbox(o.RecvLimits(), queue.Wait)}
}

// newSides returns the sides of a pattern. The zero receiver receives nothing, and a nil out sends nothing.
func newSides(hello transport.Hello, in receiver, out sendingSide) sides {
	if out == nil {
		return sides{traits: engine.Traits{Hello: hello}, in: in, out: new(sender)} // unused
	}
	reroutes := out.reroutes()
	return sides{traits: engine.Traits{Hello: hello, ReturnsUnsent: reroutes, FlushesEnded: !reroutes}, in: in, out: out}
}

// Bind implements engine.Binder.
func (s *sides) Bind(socket *engine.Socket) {
	s.out.bind(socket)
	if s.in.Inbox != nil {
		s.in.Explain(func(err error) error { return socket.Late(err, engine.NothingFrom) })
	}
}

// Traits implements engine.Pattern.
func (s *sides) Traits() engine.Traits { return s.traits }

// Attach implements engine.Pattern.
func (s *sides) Attach(p *engine.Pipe) error {
	if err := s.out.add(p); err != nil {
		return err
	}
	if s.in.Inbox != nil {
		p.SetState(p.NewSource(s.in.Inbox))
		s.in.AddReadable(p.Reader())
	}
	return nil
}

// Detach implements engine.Pattern.
func (s *sides) Detach(p *engine.Pipe, unsent []msg.Message) {
	if s.in.Inbox != nil {
		s.in.RemoveReadable(p.Reader())
	}
	s.out.remove(p, unsent)
}

// Receive implements engine.Pattern. Messages from a peer that should only receive are dropped.
func (s *sides) Receive(p *engine.Pipe, run []msg.Message) int {
	if s.in.Inbox != nil {
		return p.State().(*queue.Source).Put(run)
	}
	return p.Drop(reasons.Unwanted, run)
}

// Writable implements engine.Pattern.
func (s *sides) Writable(p *engine.Pipe) { s.out.writable(p) }

// Refuse implements engine.Pattern.
func (s *sides) Refuse(err error) {
	s.out.refuse(err)
	s.EndReceiving(err)
}

// Pending implements engine.Pattern.
func (s *sides) Pending() int { return s.out.pending() }

// Blocked returns how long calls that send have been blocked for lack of room, and how many were.
func (s *sides) Blocked() (time.Duration, uint64) { return s.out.blocked() }

// Close implements engine.Pattern.
func (s *sides) Close() int { return s.out.drop() }

// Drain implements engine.Drainer.
func (s *sides) Drain(err error, progress func()) {
	s.out.refuse(err)
	s.in.Drain(progress)
}

// Owed implements engine.Drainer, for patterns without replies.
func (s *sides) Owed(*engine.Pipe) int { return 0 }

// Empty implements engine.Drainer.
func (s *sides) Empty() bool { return s.in.Empty() }

// EndReceiving implements engine.Drainer.
func (s *sides) EndReceiving(err error) {
	if s.in.Inbox != nil {
		s.in.Close(err)
	}
}
