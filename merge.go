// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/scope"
)

// A Received is a message from [Merge], with its socket.
type Received struct {
	*Message
	From Receiver
}

// Merge yields messages of several sockets, fairly: if all of them are busy, none is more than one message ahead of another.
// It ends when all sockets are closed, when ctx ends, or when the loop is left. At the end of ctx it yields ctx's error,
// once. A nil Receiver, or one that panics or fails, ends it with an error; From says which.
//
// At the end, received messages that were not yielded, at most one of each socket, return to the front of the socket's
// queue. Those of Receivers that are no sockets of package spry or zmq are dropped and counted under the reason closed.
//
// Requests of a [Rep] or [Respondent] are replied to by their [Message.Request].
//
// All sockets of this package have TryRecvMsg. Receivers without it are served as fairly as goroutines are scheduled.
func Merge(ctx context.Context, rs ...Receiver) iter.Seq2[Received, error] {
	ctx = scope.OrBackground(ctx)
	return func(yield func(Received, error) bool) {
		if slices.ContainsFunc(rs, func(r Receiver) bool { return engine.IsNil(r) }) {
			yield(Received{}, opErr("recv", engine.NilError("Receiver")))
			return
		}
		within, cancel := context.WithCancel(ctx)
		waits := scope.New()
		ready := make(chan struct{}, 1)
		var sources []*mergeSource
		for _, r := range rs {
			s := &mergeSource{r: r, ask: make(chan struct{}, 1), got: make(chan mergeItem, 1)}
			s.trier, _ = r.(interface{ TryRecvMsg() (*Message, error) })
			_ = waits.Go(func() { s.wait(within, ready) })
			sources = append(sources, s)
		}
		defer func() {
			cancel()
			for _, s := range sources {
				close(s.ask)
			}
			waits.Close(nil)
			for _, s := range sources {
				s.giveBack()
			}
		}()
		for open := slices.Clone(sources); len(open) > 0; {
			still, idle := open[:0], true
			for _, s := range open { // a round: one message from every socket that has one
				if err := ctx.Err(); err != nil {
					yield(Received{}, opErr("recv", err))
					return
				}
				it, ok := s.next()
				switch {
				case ok && it.err != nil && ended(it.err):
					idle = false
					continue
				case ok:
					idle = false
					if !yield(Received{it.m, s.r}, it.err) || it.err != nil {
						return
					}
				}
				still = append(still, s)
			}
			if open = still; idle {
				<-ready
			}
		}
	}
}

// A mergeSource is one socket of a Merge. Messages are taken from it directly while it has some; otherwise its goroutine
// waits for the next one.
type mergeSource struct {
	r     Receiver
	trier interface{ TryRecvMsg() (*Message, error) } // r, or nil

	asked bool
	ask   chan struct{}
	got   chan mergeItem // at most one: the answer
}

type mergeItem struct {
	m   *Message
	err error
}

// next returns the next message, or arranges that ready is signalled when there is one.
func (s *mergeSource) next() (it mergeItem, ok bool) {
	if s.asked {
		select {
		case it = <-s.got:
			s.asked = false
			return it, true
		default:
			return it, false
		}
	}
	if s.trier != nil {
		if it.m, it.err = s.trier.TryRecvMsg(); !errors.Is(it.err, ErrWouldBlock) {
			return it, true
		}
	}
	s.asked = true
	s.ask <- struct{}{}
	return mergeItem{}, false
}

// wait receives a message whenever it is asked to.
func (s *mergeSource) wait(ctx context.Context, ready chan<- struct{}) {
	for range s.ask {
		var it mergeItem
		it.err = engine.Protect("Receiver", func() (err error) { // it may be any implementation
			it.m, err = s.r.RecvMsg(ctx)
			return err
		})
		s.got <- it
		select {
		case ready <- struct{}{}:
		default: // already signalled
		}
	}
}

// giveBack returns a received message that was not yielded, or counts it as dropped. The goroutine has ended.
func (s *mergeSource) giveBack() {
	select {
	case it := <-s.got:
		if it.m == nil {
			return
		}
		if r, ok := s.r.(interface{ putBack(m *Message) }); ok {
			r.putBack(it.m)
			return
		}
		if face.PutBack != nil && face.PutBack(s.r, it.m) {
			return
		}
		dropRest(innerMessages([]*Message{it.m}))
	default:
	}
}
