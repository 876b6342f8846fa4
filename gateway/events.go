// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/sse"
	"github.com/sprymq/spry/internal/textform"
)

// EventOptions are the options of [NewEvents]. A field that is not above 0 means the default.
type EventOptions struct {
	Options

	// MaxEvents and MaxBytes limit the events that are kept for clients that come back. An event costs about twice its body and 128
	// bytes. They default to 1024 events and 4 MiB. The latest event is kept whatever its size.
	MaxEvents int
	MaxBytes  int

	// KeepAlive is the time after which a stream without events gets an empty line. So proxies do not take it for idle, and clients
	// that have gone are noticed. Defaults to 15 s.
	KeepAlive time.Duration
}

// A Receiver is a Sub, a Pull or another socket that receives.
type Receiver interface {
	RecvMsg(ctx context.Context) (*spry.Message, error)
}

// Events is a handler whose answer to a GET is a stream of server-sent events, as EventSource of a page reads it: each message
// that the socket receives is an event of each stream.
//
//	id: 4x7kq2m1c9za-17
//	data: {"body":"hello"}
//
// The data is {"body":"text"}, {"body_base64":"…"} if the body is not UTF-8, or {"frames":[…]} for several frames. These parameters change
// a stream:
//
//	topic=a&topic=b    only messages that begin with one of these
//	format=text        the data is the body itself, a line for each of its lines. A message that is no such text is an event
//	                   of type binary with the object as data
//	from=oldest        a client without an id gets the events that are kept first; otherwise it begins with the next one
//	last_event_id=…    as the header Last-Event-ID, for a client that cannot set it
//
// # Resuming
//
// An id is an epoch, which is new for each Events, and an offset. A client that comes back with the header Last-Event-ID, as EventSource
// does by itself, gets the messages since then. If some are not kept any more, an event of type gap comes first, with the data
// {"epoch":"4x7kq2m1c9za","missed":3}. If the id is of another epoch, because the program was restarted, missed is not there, and
// all events of this epoch that are kept follow. A stream whose client takes events more slowly than they come gets a gap in the same way.
//
// Each stream begins with a position: an id without an event, which EventSource remembers too. Such ids also come when messages pass that
// the stream's topics leave out.
type Events struct {
	*Handler
	epoch     string
	keepAlive time.Duration
	scope     *scope.Scope
	missed    atomic.Uint64

	mu    lock.Mutex[lock.GatewayEvents]
	ring  *sse.Ring[event]
	more  chan struct{} // closed when there is an event, or the end
	ended bool
}

// EventStats are the counters of [Events].
type EventStats struct {
	Stats // of the streams

	Received uint64 // messages that the socket received
	Kept     int    // of these, for clients that come back
	Bytes    int    // that the kept ones cost
	Missed   uint64 // events that streams did not get because they were not kept any more, counted for each stream
}

// NewEvents returns a handler with the messages of a socket, which it receives from now on. Close ends that; the socket is still the
// caller's. If the socket is closed, the streams end and later requests get 503. o may be nil.
func NewEvents(s Receiver, o *EventOptions) *Events {
	if o == nil {
		o = &EventOptions{}
	}
	e := &Events{
		epoch: strings.ToLower(rand.Text()[:12]), keepAlive: or(o.KeepAlive, 15*time.Second), scope: scope.New(), more: make(chan struct{}),
		ring: sse.NewRing(or(o.MaxEvents, 1024), or(o.MaxBytes, 4<<20), eventCost, (*event).cost),
	}
	e.Handler = newHandler(&o.Options, http.MethodGet, e.stream)
	_ = e.scope.Go(func() { e.receive(s) }) // a new scope is open
	return e
}

// Close ends the streams and stops receiving. It returns when no message is received any more. A second Close does nothing.
//
// Shutdown of a server waits for the streams, so have it call Close:
//
//	server.RegisterOnShutdown(func() { events.Close() })
//
// Then the server accepts no connection any more when the streams end. A Close before that is answered with 503 to an EventSource that
// comes back, which then gives up for good.
func (e *Events) Close() error {
	e.scope.Close(spry.ErrClosed)
	return nil
}

// Stats returns the counters.
func (e *Events) Stats() EventStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return EventStats{Stats: e.Handler.Stats(), Received: e.ring.Next() - 1, Kept: e.ring.Len(), Bytes: e.ring.Bytes(), Missed: e.missed.Load()}
}

func (e *Events) receive(s Receiver) {
	for {
		m, err := s.RecvMsg(e.scope.Context())
		e.add(m, err)
		if err != nil {
			return
		}
		m.Release()
	}
}

// add adds a message, or ends the events with an error.
func (e *Events) add(m *spry.Message, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.ended = true
	} else {
		e.ring.Add(newEvent(m, sse.Position{Epoch: e.epoch, Offset: e.ring.Next()}))
	}
	close(e.more)
	e.more = make(chan struct{})
}

// An event is a message, and the text that streams have of it.
type event struct {
	offset uint64
	body   string
	frames int
	text   []byte // of the default format, with its id
}

// eventCost is what an event costs beyond its body and text.
const eventCost = 128

func (e *event) cost() int { return len(e.body) + cap(e.text) + eventCost }

// newEvent is the event of a message.
func newEvent(m *spry.Message, at sse.Position) event {
	e := event{offset: at.Offset, body: string(m.Bytes())}
	var frames []string
	for _, f := range m.Frames() {
		frames = append(frames, string(f))
	}
	e.frames = len(frames)
	e.text = at.AppendTo(make([]byte, 0, 2*sse.MaxPosition+len(e.body)+len(e.body)/8))
	e.text = appendObject(e.text, frames)
	return e
}

// appendObject appends a message as an object, and the end of the event.
func appendObject(dst []byte, frames []string) []byte {
	data, _ := json.Marshal(textform.ContentsOf(frames...)) // always possible
	dst = append(dst, "data: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// appendText appends the event in the format text.
func (e *event) appendText(dst []byte, epoch string) []byte {
	if e.frames > 1 || !utf8.ValidString(e.body) || strings.ContainsRune(e.body, '\r') {
		return append(append(dst, "event: binary\n"...), e.text...)
	}
	dst = sse.Position{Epoch: epoch, Offset: e.offset}.AppendTo(dst)
	for line := range strings.SplitSeq(e.body, "\n") {
		dst = append(append(append(dst, "data: "...), line...), '\n')
	}
	return append(dst, '\n')
}

// wanted reports whether an event is one of these topics.
func (e *event) wanted(topics []string) bool {
	for _, topic := range topics {
		if strings.HasPrefix(e.body, topic) {
			return true
		}
	}
	return len(topics) == 0
}

// appendGap appends the event that says that others are missing: missed of them, or an unknown number.
func appendGap(dst []byte, at sse.Position, missed uint64, unknown bool) []byte {
	gap := gapData{Epoch: at.Epoch}
	if !unknown {
		gap.Missed = &missed
	}
	data, _ := json.Marshal(gap) // always possible
	dst = append(at.AppendTo(dst), "event: "+gapEvent+"\ndata: "...)
	return append(append(dst, data...), "\n\n"...)
}

// gapEvent is the type of the events that [appendGap] makes.
const gapEvent = "gap"

// gapData is the data of a gap.
type gapData struct {
	Epoch  string  `json:"epoch"`
	Missed *uint64 `json:"missed,omitempty"`
}

// keepAliveLine is a comment.
var keepAliveLine = []byte(":\n\n")
