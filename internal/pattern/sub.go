// SPDX-License-Identifier: MIT

package pattern

import (
	"errors"
	"slices"
	"sync"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// ErrNotSubscribed is returned for taking a topic back that is not there.
var ErrNotSubscribed = errors.New("no such subscription")

// Sub receives messages that match its subscriptions. It has one subscription from the start and any number of further ones,
// each with topics and a queue of its own.
type Sub struct {
	sides  // its subscriptions are what it receives by
	socket *engine.Socket
	limits queue.Limits
	policy queue.Policy
	first  *Subscription
	groups bool // instead of prefixes

	mu            lock.RWMutex[lock.Sub]
	subscriptions []*Subscription
	wanted        topics // of all subscriptions, as sent to peers that filter
	pipes         map[*engine.Pipe]struct{}
	err           error
}

// A Subscription is a set of topics and the queue of the messages that begin with one of them.
type Subscription struct {
	receiver
	sub *Sub

	// Under sub.mu.
	topics  topics
	sources map[*engine.Pipe]*queue.Source
	closed  bool
}

// NewSub returns the pattern. With engine.Conflate, it keeps only the newest message of each pipe. With groups, it is a
// Dish, which joins groups: the first frame of a message is its group.
func NewSub(hello transport.Hello, o engine.Options, overflow engine.Overflow, groups bool) *Sub {
	s := &Sub{
		sides:  newSides(hello, receiver{}, nil),
		limits: o.RecvLimits(), policy: queue.DropOldest, groups: groups, pipes: make(map[*engine.Pipe]struct{}),
	}
	switch overflow {
	case engine.Conflate:
		s.limits = newest
	case engine.DropNewest:
		s.policy = queue.DropNewest
	case engine.Block:
		s.policy = queue.Wait
	}
	s.wanted.exact = groups
	s.first = s.Open()
	return s
}

// asking is the control event for a topic that is new to the peer, or for one that it may forget.
func (s *Sub) asking(more bool) wire.ControlKind {
	switch {
	case s.groups && more:
		return wire.ControlJoin
	case s.groups:
		return wire.ControlLeave
	case more:
		return wire.ControlSubscribe
	}
	return wire.ControlCancel
}

// First is the subscription that the socket has from the start.
func (s *Sub) First() *Subscription { return s.first }

// Open adds a subscription.
func (s *Sub) Open(prefixes ...string) *Subscription {
	n := &Subscription{
		receiver: receiver{queue.NewInbox(s.limits, s.policy)}, sub: s, sources: make(map[*engine.Pipe]*queue.Source),
		topics: topics{exact: s.groups},
	}
	n.Explain(n.late)
	var writes []engine.PendingWrite
	defer func() { writeAll(writes) }() // after the lock is released
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		n.receiver.Close(s.err)
		return n
	}
	for p := range s.pipes {
		n.sources[p] = p.NewSource(n.Inbox)
	}
	s.subscriptions = append(s.subscriptions, n)
	for _, t := range prefixes {
		writes = append(writes, n.addLocked(t)...)
	}
	return n
}

// addLocked adds a topic, and sends it to peers if it is new.
func (n *Subscription) addLocked(topic string) (writes []engine.PendingWrite) {
	n.topics.add(topic)
	if n.sub.wanted.add(topic) {
		writes = n.sub.announceLocked(n.sub.asking(true), topic)
	}
	return writes
}

// announceLocked queues a change of topics to every peer that filters.
func (s *Sub) announceLocked(kind wire.ControlKind, topic string) (writes []engine.PendingWrite) {
	for p := range s.pipes {
		writes = append(writes, p.QueueControl(wire.Control{Kind: kind, Data: []byte(topic)}))
	}
	return writes
}

func writeAll(writes []engine.PendingWrite) {
	for _, w := range writes {
		w.Write()
	}
}

// changeTopics has one called for each topic, under the lock, and then writes what each call has queued. It fails if the socket
// is closed, as ended says.
func changeTopics(l sync.Locker, ended *error, topics []string, one func(topic string) ([]engine.PendingWrite, error)) error {
	var writes []engine.PendingWrite
	defer func() { writeAll(writes) }() // after the lock is released
	l.Lock()
	defer l.Unlock()
	if *ended != nil {
		return *ended
	}
	for _, t := range topics {
		more, err := one(t)
		if err != nil {
			return err
		}
		writes = append(writes, more...)
	}
	return nil
}

// Subscribe adds topics. Each addition must be removed by one Unsubscribe.
func (n *Subscription) Subscribe(prefixes ...string) error {
	return changeTopics(&n.sub.mu, &n.sub.err, prefixes, func(t string) ([]engine.PendingWrite, error) {
		if n.closed {
			return nil, engine.ErrClosed
		}
		return n.addLocked(t), nil
	})
}

// Unsubscribe removes topics. Messages that are queued already stay.
func (n *Subscription) Unsubscribe(prefixes ...string) error {
	return changeTopics(&n.sub.mu, &n.sub.err, prefixes, func(t string) ([]engine.PendingWrite, error) {
		if n.closed {
			return nil, engine.ErrClosed
		}
		if was, _ := n.topics.remove(t); !was {
			return nil, ErrNotSubscribed
		}
		return n.sub.forgetLocked(t), nil
	})
}

// forgetLocked removes a topic of one subscription from the set that peers know.
func (s *Sub) forgetLocked(topic string) (writes []engine.PendingWrite) {
	if _, last := s.wanted.remove(topic); last {
		return s.announceLocked(s.asking(false), topic)
	}
	return nil
}

// Close ends the subscription; queued messages are dropped and counted.
func (n *Subscription) Close() {
	s := n.sub
	s.mu.Lock()
	n.closed = true
	s.subscriptions = slices.DeleteFunc(slices.Clone(s.subscriptions), func(have *Subscription) bool { return have == n })
	sources := n.sources
	n.sources = nil
	var writes []engine.PendingWrite
	for topic, times := range n.topics.each {
		for range times {
			writes = append(writes, s.forgetLocked(topic)...)
		}
	}
	n.topics.clear()
	s.mu.Unlock()
	writeAll(writes)
	n.receiver.Close(engine.ErrClosed)
	for p, src := range sources {
		p.CloseSource(src)
		src.Resume()
	}
}

// Bind implements engine.Binder.
func (s *Sub) Bind(socket *engine.Socket) { s.socket = socket }

// late says why no message came until the deadline.
func (n *Subscription) late(err error) error {
	s := n.sub
	s.mu.RLock()
	none := n.topics.count() == 0
	s.mu.RUnlock()
	return s.socket.Late(err, func(few []*engine.Pipe, all int) string {
		switch {
		case none && s.groups:
			return "no group was joined: call Join first"
		case none:
			return "no topic is subscribed to: call Subscribe first, with an empty prefix for all"
		}
		return engine.NothingFrom(few, all)
	})
}

// Attach implements engine.Pattern.
func (s *Sub) Attach(p *engine.Pipe) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pipes[p] = struct{}{}
	for _, n := range s.subscriptions {
		n.sources[p] = p.NewSource(n.Inbox)
	}
	p.QueueControls(s.wanted.events(s.asking(true))) // written when the pipe is attached
	return nil
}

// Detach implements engine.Pattern.
func (s *Sub) Detach(p *engine.Pipe, _ []msg.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pipes, p)
	for _, n := range s.subscriptions {
		delete(n.sources, p)
	}
}

// Receive implements engine.Pattern.
func (s *Sub) Receive(p *engine.Pipe, run []msg.Message) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, attached := s.pipes[p]; !attached { // its reader was faster than the news of its end
		return p.Drop(reasons.PipeClosed, run)
	}
	if len(s.subscriptions) == 1 {
		return s.receiveOne(p, s.subscriptions[0], run)
	}
	return s.receiveMany(p, run)
}

// receiveOne moves the messages that the only subscription wants to the end of run and offers them to it. Messages that are
// refused because the queue is full are then the rest of run, to be offered again.
func (s *Sub) receiveOne(p *engine.Pipe, n *Subscription, run []msg.Message) int {
	if n.topics.all() {
		return n.sources[p].Put(run)
	}
	from := len(run)
	for i := len(run) - 1; i >= 0; i-- {
		if !n.topics.match(run[i].Body()) {
			continue
		}
		if from--; from != i {
			run[i], run[from] = run[from], run[i]
		}
	}
	msg.ReleaseAll(run[:from])
	p.Filtered(from)
	if from == len(run) {
		return from
	}
	return from + n.sources[p].Put(run[from:])
}

// receiveMany gives each message to every subscription that wants it, as clones of one.
func (s *Sub) receiveMany(p *engine.Pipe, run []msg.Message) int {
	for i := range run {
		if s.policy == queue.Wait && !s.haveRoom(p, &run[i]) {
			return i
		}
		wanted := 0
		for _, n := range s.subscriptions {
			if n.topics.match(run[i].Body()) {
				clone := make([]msg.Message, 1)
				run[i].CloneInto(&clone[0])
				n.sources[p].Put(clone)
				wanted++
			}
		}
		run[i].Release()
		if wanted == 0 {
			p.Filtered(1)
		}
	}
	return len(run)
}

// haveRoom reports whether every subscription that wants m has room for it.
func (s *Sub) haveRoom(p *engine.Pipe, m *msg.Message) bool {
	for _, n := range s.subscriptions {
		if n.topics.match(m.Body()) && !n.sources[p].HasRoom(m.Cost()) {
			return false
		}
	}
	return true
}

// Refuse implements engine.Pattern.
func (s *Sub) Refuse(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.EndReceiving(err)
}

// all returns the subscriptions.
func (s *Sub) all() []*Subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.subscriptions)
}

// Drain implements engine.Drainer.
func (s *Sub) Drain(_ error, progress func()) {
	for _, n := range s.all() {
		n.Drain(progress)
	}
}

// Empty implements engine.Drainer.
func (s *Sub) Empty() bool {
	return !slices.ContainsFunc(s.all(), func(n *Subscription) bool { return !n.Empty() })
}

// EndReceiving implements engine.Drainer.
func (s *Sub) EndReceiving(err error) {
	for _, n := range s.all() {
		n.receiver.Close(err)
	}
}
