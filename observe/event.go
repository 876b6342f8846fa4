// SPDX-License-Identifier: MIT

package observe

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/sse"

	"github.com/sprymq/spry"
)

// An Event is what /events shows of an event of a socket. Fields that do not apply are zero, and left out of the JSON.
type Event struct {
	ID string `json:"-"` // of the event in its stream: see [Node].After

	Time     time.Time     `json:"time,omitzero"`
	Socket   uint64        `json:"socket,omitempty"`   // number of the socket in the process
	Name     string        `json:"name,omitempty"`     // of the socket
	Protocol string        `json:"protocol,omitempty"` // as "push"
	Kind     string        `json:"kind"`               // as "pipe_up": see [spry.EventKind]; or KindMissed
	Endpoint string        `json:"endpoint,omitempty"` // URL, without secrets
	Pipe     uint32        `json:"pipe,omitempty"`     // number of the pipe in the socket
	Remote   string        `json:"remote,omitempty"`   // address of the peer
	Reason   spry.Reason   `json:"reason,omitempty"`
	Count    uint64        `json:"count,omitempty"`   // messages or requests
	Wait     time.Duration `json:"wait_ns,omitempty"` // until the next attempt
	Error    string        `json:"error,omitempty"`
	Missed   uint64        `json:"missed,omitempty"` // events before this one that the stream does not have
}

// KindMissed is the kind of an event that is of no socket: the stream does not have the Missed events before it. If Missed is 0, their
// number is not known. The client was too slow, or came back too late.
const KindMissed = "missed"

// Events yields the events of all listed sockets of this process from the call on, as /events has them, until ctx ends or the loop is left.
// The caller must range over the result, once.
func Events(ctx context.Context) iter.Seq[Event] {
	f := engine.Follow()
	return func(yield func(Event) bool) {
		defer f.Close()
		for {
			select {
			case <-f.More():
			case <-ctx.Done():
				return
			}
			for _, v := range f.Take() {
				if !yield(newEvent(v)) {
					return
				}
			}
		}
	}
}

func newEvent(v engine.SocketEvent) Event {
	e := Event{
		Time: v.Time, Socket: v.Socket.ID(), Name: v.Socket.Name(), Protocol: spry.Protocol(v.Socket.Pattern().Traits().Hello.Protocol).String(),
		Kind: v.Kind.String(), Reason: v.Reason, Count: v.Count, Wait: v.Wait, Missed: v.Missed,
	}
	if v.Endpoint != nil {
		e.Endpoint = v.Endpoint.URL()
	}
	remote := v.RemoteAddr
	if v.Pipe != nil {
		e.Pipe, remote = v.Pipe.ID(), v.Pipe.Link().RemoteAddr()
	}
	if remote != nil {
		e.Remote = remote.String()
	}
	if v.Err != nil {
		e.Error = v.Err.Error()
	}
	return e
}

// appendEvent is an event as a stream has it.
func appendEvent(at sse.Position, e Event) []byte {
	data, _ := json.Marshal(e) // always possible
	text := at.AppendTo(make([]byte, 0, sse.MaxPosition+len(e.Kind)+len(data)))
	text = append(append(text, "event: "...), e.Kind...)
	text = append(append(text, "\ndata: "...), data...)
	return append(text, "\n\n"...)
}
