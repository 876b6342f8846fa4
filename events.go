// SPDX-License-Identifier: MIT

package spry

import (
	"log/slog"
	"net"
	"time"

	"github.com/sprymq/spry/internal/engine"
)

// An EventKind is the kind of an event. Later versions may add some.
type EventKind uint8

// The kinds of events.
const (
	EventListening     = EventKind(engine.EventListening)     // an endpoint listens
	EventDialing       = EventKind(engine.EventDialing)       // an attempt to connect begins
	EventDialFailed    = EventKind(engine.EventDialFailed)    // the transport could not connect
	EventBackoff       = EventKind(engine.EventBackoff)       // a dialer waits before its next attempt
	EventAcceptFailed  = EventKind(engine.EventAcceptFailed)  // the operating system refused to accept; tried again after Wait
	EventReject        = EventKind(engine.EventReject)        // a connection failed in its handshake, or was refused
	EventPipeUp        = EventKind(engine.EventPipeUp)        // a pipe is established
	EventPipeDown      = EventKind(engine.EventPipeDown)      // a pipe has ended
	EventDrop          = EventKind(engine.EventDrop)          // messages were dropped
	EventRetry         = EventKind(engine.EventRetry)         // requests were sent again
	EventPanic         = EventKind(engine.EventPanic)         // a callback panicked
	EventGaveUp        = EventKind(engine.EventGaveUp)        // a dialer ended: its GiveUp returned true, or its connection cannot be made again
	EventAbandoned     = EventKind(engine.EventAbandoned)     // requests were given up with ErrGivenUp
	EventRequestFailed = EventKind(engine.EventRequestFailed) // Request.Fail discarded a request
)

// String is the kind's name in logs: "pipe_up".
func (k EventKind) String() string { return engine.EventKind(k).String() }

// An Event is an event of a socket. Fields that do not apply are zero.
type Event struct {
	Kind       EventKind     // what happened
	Time       time.Time     // when it happened
	Endpoint   *Endpoint     // where it happened
	Pipe       *Pipe         // which of its connections
	RemoteAddr net.Addr      // of the pipe, or of a connection that failed
	Reason     Reason        // why; empty for panics: their Err names the callback
	Count      uint64        // of messages or requests
	Wait       time.Duration // until the next attempt
	Err        error         // why, in detail; an *OpError
	Missed     uint64        // events that this receiver missed before this one
}

// LogValue implements [slog.LogValuer]: a group of the fields that apply.
func (e Event) LogValue() slog.Value {
	inner := engine.Event{
		Kind: engine.EventKind(e.Kind), Endpoint: e.Endpoint.inner(), Pipe: e.Pipe.inner(), RemoteAddr: e.RemoteAddr,
		Reason: e.Reason, Count: e.Count, Wait: e.Wait, Err: e.Err, Missed: e.Missed,
	}
	return slog.GroupValue(append([]slog.Attr{slog.String("event", e.Kind.String())}, inner.Attrs()...)...)
}

func newEvent(v engine.Event) Event {
	e := Event{
		Kind: EventKind(v.Kind), Time: v.Time, Endpoint: (*Endpoint)(v.Endpoint), Pipe: (*Pipe)(v.Pipe), RemoteAddr: v.RemoteAddr,
		Reason: v.Reason, Count: v.Count, Wait: v.Wait, Err: opErr(v.Kind.String(), v.Err), Missed: v.Missed,
	}
	if v.Pipe != nil {
		e.RemoteAddr = v.Pipe.Link().RemoteAddr()
	}
	return e
}
