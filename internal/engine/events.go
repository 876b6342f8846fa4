// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"fmt"
	"iter"
	"net"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/scope"
)

// An EventKind says what happened.
type EventKind uint8

// The kinds.
const (
	EventListening     EventKind = iota // an endpoint listens
	EventDialing                        // an attempt to connect begins
	EventDialFailed                     // the transport could not connect
	EventBackoff                        // a dialer waits before its next attempt
	EventAcceptFailed                   // the operating system refused to accept; tried again after Wait
	EventReject                         // a connection failed in its handshake, or was refused
	EventPipeUp                         // a pipe is live
	EventPipeDown                       // a pipe has ended
	EventDrop                           // messages were dropped
	EventRetry                          // a request was sent again
	EventPanic                          // a callback of the user panicked
	EventGaveUp                         // a dialer ended, as its GiveUp said
	EventAbandoned                      // a request was given up, after as many connections as it may end
	EventRequestFailed                  // a received request was discarded because of an error
)

var eventNames = [...]string{
	"listening", "dialing", "dial_failed", "backoff", "accept_failed", "reject", "pipe_up", "pipe_down", "drop", "retry", "panic",
	"gave_up", "abandoned", "request_failed",
}

func (k EventKind) String() string {
	if int(k) >= len(eventNames) {
		return fmt.Sprintf("event %d", uint8(k))
	}
	return eventNames[k]
}

// An Event is one thing that happened on a socket. Fields that do not apply are zero.
type Event struct {
	Kind       EventKind
	Time       time.Time
	Endpoint   *Endpoint
	Pipe       *Pipe
	RemoteAddr net.Addr       // of a connection that has no pipe
	Reason     reasons.Reason // why; empty for panics
	Count      uint64         // of messages
	Wait       time.Duration  // until the next attempt
	Err        error
	Missed     uint64 // events that this receiver missed before this one

	callback string // which one panicked
}

const (
	eventBuffer = 256 // events that one receiver may lag behind
	eventMerge  = 8   // how far back a drop looks for one of its kind to be added to
)

// events sends a socket's events to receivers, to the trace hook and to the log. Emitting an event never blocks.
type events struct {
	socket *Socket
	task   *scope.Task // feeds hook and log
	logger *logger     // nil = none

	mu        lock.Mutex[lock.Events]
	receivers map[*eventReceiver]struct{}
	hook      *eventReceiver // nil if there is neither a hook nor a log
	feeding   bool
	ended     bool
}

// An eventReceiver has the events that a loop or a [Follower] has not had yet.
type eventReceiver struct {
	pending []Event
	missed  uint64
	waiters queue.Waiters // of a loop

	follower *Follower // instead of a loop
	socket   *Socket   // of a follower's receiver
	waits    bool      // the follower knows that there are events
}

// wake tells the receiver that there are events.
func (r *eventReceiver) wake() {
	switch {
	case r.follower == nil:
		r.waiters.Wake(1)
	case !r.waits:
		r.waits = true
		r.follower.add(r)
	}
}

func newEvents(s *Socket) *events {
	v := &events{socket: s, receivers: make(map[*eventReceiver]struct{})}
	if s.options.Trace != nil || s.options.Logger != nil {
		v.hook = &eventReceiver{}
		v.task = s.scope.NewTask(v.feed)
	}
	if s.options.Logger != nil {
		v.logger = &logger{socket: s}
	}
	return v
}

// Emit reports an event to receivers, hook and log.
func (s *Socket) Emit(e Event) {
	v := s.events
	v.mu.Lock()
	if v.ended || len(v.receivers) == 0 && v.hook == nil {
		v.mu.Unlock()
		return
	}
	e.Time = time.Now()
	for r := range v.receivers {
		r.add(e)
		r.wake()
	}
	start := false
	if v.hook != nil {
		v.hook.add(e)
		start = !v.feeding
		v.feeding = true
	}
	v.mu.Unlock()
	v.beginFeed(start)
}

// add queues an event. A drop is added to a recent one of the same pipe and reason: a socket that drops a million messages
// reports few events, with the right sum.
func (r *eventReceiver) add(e Event) {
	if e.Kind == EventDrop {
		for i := len(r.pending) - 1; i >= max(0, len(r.pending)-eventMerge); i-- {
			if p := &r.pending[i]; p.Kind == EventDrop && p.Pipe == e.Pipe && p.Reason == e.Reason {
				p.Count += e.Count
				return
			}
		}
	}
	if len(r.pending) == eventBuffer {
		r.missed++
		return
	}
	e.Missed, r.missed = r.missed, 0
	r.pending = append(r.pending, e)
}

// Events yields the socket's events from the call on, until ctx ends or the socket is closed. Each further loop over
// the result yields them from its own beginning on.
func (s *Socket) Events(ctx context.Context) iter.Seq[Event] {
	v := s.events
	var first atomic.Pointer[eventReceiver]
	first.Store(v.newReceiver())
	return func(yield func(Event) bool) {
		r := first.Swap(nil)
		if r == nil {
			r = v.newReceiver()
		}
		defer func() {
			v.mu.Lock()
			delete(v.receivers, r)
			v.mu.Unlock()
		}()
		for {
			batch, ok := v.next(ctx, r)
			for _, e := range batch {
				if !yield(e) {
					return
				}
			}
			if !ok {
				return
			}
		}
	}
}

func (v *events) newReceiver() *eventReceiver {
	r := &eventReceiver{}
	v.mu.Lock()
	v.receivers[r] = struct{}{}
	v.mu.Unlock()
	return r
}

// next waits for events. It reports false if none will come any more.
func (v *events) next(ctx context.Context, r *eventReceiver) (batch []Event, ok bool) {
	if scope.Ended(ctx) != nil {
		return nil, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(r.pending) == 0 && !v.ended {
		if r.waiters.Wait(ctx, &v.mu) != nil {
			return nil, false
		}
	}
	batch, r.pending = r.pending, nil
	return batch, !v.ended
}

// feed calls hook and log, in a goroutine that exists while there are events. They may call any method, including Close.
func (v *events) feed() {
	for {
		v.mu.Lock()
		batch := v.hook.pending
		v.hook.pending = nil
		flush := v.logger != nil && v.logger.isDue()
		if len(batch) == 0 && !flush {
			v.feeding = false
			v.mu.Unlock()
			return
		}
		v.mu.Unlock()
		open := v.socket.scope.Callback(func() {
			v.report(batch)
			if flush {
				v.log((*logger).flush)
			}
		})
		if !open {
			return
		}
	}
}

// The names of hook and log as causes of panics. Their own panics are not reported to them: that would never end.
const (
	traceHook = "Trace"
	logHook   = "Logger"
)

func (v *events) report(batch []Event) {
	for _, e := range batch {
		if e.callback != logHook {
			v.log(func(l *logger) { l.write(e) })
		}
		if trace := v.socket.options.Trace; trace != nil && e.callback != traceHook {
			_ = v.socket.Guard(traceHook, func() error { trace(e); return nil })
		}
	}
}

// close lets receivers finish their events and end. The caller reports the remaining events to hook and log.
func (v *events) close() {
	v.mu.Lock()
	v.ended = true
	var rest []Event
	if v.hook != nil {
		rest, v.hook.pending = v.hook.pending, nil
	}
	for r := range v.receivers {
		r.waiters.WakeAll()
	}
	v.mu.Unlock()
	v.report(rest)
	v.log((*logger).stop)
}

// log calls the user's log, if there is one.
func (v *events) log(f func(l *logger)) {
	if v.logger != nil {
		_ = v.socket.Guard(logHook, func() error { f(v.logger); return nil })
	}
}

// startFeed has hook and log called, as there is something for them.
func (v *events) startFeed() {
	v.mu.Lock()
	start := !v.feeding && !v.ended
	v.feeding = v.feeding || start
	v.mu.Unlock()
	v.beginFeed(start)
}

func (v *events) beginFeed(start bool) {
	if start && v.task.Start() != nil {
		v.mu.Lock()
		v.feeding = false
		v.mu.Unlock()
	}
}

// Guard runs a callback of the user and turns a panic of it into an error and an event.
func (s *Socket) Guard(what string, f func() error) (err error) {
	lock.AssertNone()
	defer func() {
		if r := recover(); r != nil {
			s.panics.Add(1)
			err = fmt.Errorf("%s panicked: %v", what, r)
			s.Emit(Event{Kind: EventPanic, callback: what, Err: err})
		}
	}()
	return f()
}
