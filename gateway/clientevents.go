// SPDX-License-Identifier: MIT

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/sse"
	"github.com/sprymq/spry/internal/textform"
)

// EventConfig has settings for [Client.Events].
type EventConfig struct {
	// Topics select messages that begin with one of them. Defaults to all.
	Topics []string

	// After is the ID of the last event that is known, from which the loop goes on. Defaults to none: the loop begins with the next
	// event, or the oldest one that is kept if Oldest is set.
	After  string
	Oldest bool

	// Silence is the time without a sign of life after which the connection is made again. It must be more than the gateway's KeepAlive.
	// Defaults to 1 min.
	Silence time.Duration

	// MinBackoff and MaxBackoff are the bounds of the random wait before a connection is made again. They default to 100 ms and 10 s.
	MinBackoff, MaxBackoff time.Duration

	// GiveUp, if not nil, is called with the error of each connection that failed or ended. If it returns true, the loop yields the error and
	// ends. Defaults to going on for ever, except after an answer with a status from 400 to 499 other than 408
	// and 429. Malformed addresses, answers that are no stream of events, and events above MaxBody, end the loop as well.
	GiveUp func(err error) bool
}

// An Event is a message, or a gap.
type Event struct {
	ID     string   // for After
	Frames [][]byte // at least one, and one only of messages of the Scalability Protocols; nil for a gap

	// Gap says that messages are missing before this point: Missed of them, of all topics, or an unknown number if that is -1.
	Gap    bool
	Missed int64
}

// Body is the message: its frames, joined.
func (e *Event) Body() []byte {
	if len(e.Frames) == 1 {
		return e.Frames[0]
	}
	return bytes.Join(e.Frames, nil)
}

// Events yields the events of a handler until ctx ends. It makes the connection again when it ends, and goes on after the last event. An error
// ends the loop, and is yielded once. config may be nil.
func (c *Client) Events(ctx context.Context, address string, config *EventConfig) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := newFeed(c, address, config)
		for backoff := f.MinBackoff; ; {
			before, began := f.After, time.Now()
			err := f.follow(ctx, func(e Event) bool { return yield(e, nil) })
			if errors.Is(err, errLeft) {
				return
			}
			if ctx.Err() != nil {
				yield(Event{}, ctx.Err())
				return
			}
			if f.ends(err) {
				yield(Event{}, err)
				return
			}
			if f.After != before || time.Since(began) > f.MaxBackoff { // a quiet stream is as good as one with events
				backoff = f.MinBackoff
			}
			select {
			case <-ctx.Done():
			case <-time.After(rand.N(backoff) + 1):
			}
			backoff = min(2*backoff, f.MaxBackoff)
		}
	}
}

// A feed is the state of a loop over Events.
type feed struct {
	EventConfig
	client  *Client
	address string
}

func newFeed(c *Client, address string, config *EventConfig) *feed {
	f := &feed{client: c, address: address}
	if config != nil {
		f.EventConfig = *config
	}
	f.Silence = or(f.Silence, time.Minute)
	f.MinBackoff = or(f.MinBackoff, 100*time.Millisecond)
	f.MaxBackoff = max(or(f.MaxBackoff, 10*time.Second), f.MinBackoff)
	return f
}

// ends reports whether a loop ends with an error.
func (f *feed) ends(err error) bool {
	if f.GiveUp != nil {
		return f.GiveUp(err)
	}
	if errors.As(err, new(*unusableError)) {
		return true
	}
	status := new(StatusError)
	return errors.As(err, &status) && status.Status < http.StatusInternalServerError &&
		status.Status != http.StatusRequestTimeout && status.Status != http.StatusTooManyRequests
}

var (
	errLeft   = errors.New("the loop was left")
	errSilent = errors.New("no sign of life from the gateway")
	errEnd    = errors.New("the gateway has ended the stream")
)

// follow reads one connection to its end.
func (f *feed) follow(ctx context.Context, yield func(Event) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := scope.New()
	silence := watch.AfterFunc(f.Silence, func() { cancel(errSilent) })
	defer func() {
		silence.Stop()
		cancel(nil)
		watch.Close(nil)
	}()
	r, err := f.request(ctx)
	if err != nil {
		return err
	}
	answer, err := f.client.do(r)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer answer.Body.Close()
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != sse.ContentType {
		return &unusableError{fmt.Sprintf("the answer is no stream of events, but of type %.60q", kind)}
	}
	parser := sse.Parser{Lines: bufio.NewReader(answer.Body), Limit: f.client.textLimit()}
	for {
		raw, err := parser.Next()
		if errors.Is(err, sse.ErrTooLong) {
			return tooLong("event", int64(parser.Limit))
		}
		if err != nil {
			return causeOf(ctx, err)
		}
		silence.Stop() // the loop's own work is no silence
		if raw.ID != "" {
			f.After = raw.ID
		}
		if raw.Data != nil { // otherwise it is a position, or a comment
			e, err := eventOf(&raw)
			if err != nil {
				return err
			}
			if !yield(e) {
				return errLeft
			}
		}
		silence.Reset(f.Silence)
	}
}

// causeOf is why a connection ended.
func causeOf(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == io.EOF: //nolint:errorlint // io.Reader returns it as it is
		return errEnd
	}
	return err
}

func (f *feed) request(ctx context.Context) (*http.Request, error) {
	u, err := url.Parse(f.address)
	if err != nil {
		return nil, &unusableError{err.Error()}
	}
	query := u.Query()
	for _, topic := range f.Topics {
		query.Add("topic", topic)
	}
	if f.Oldest {
		query.Set("from", "oldest")
	}
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", sse.ContentType)
	if f.After != "" {
		r.Header.Set("Last-Event-ID", f.After)
	}
	return r, nil
}

// eventOf is what an event with data says.
func eventOf(e *sse.Event) (Event, error) {
	if e.Kind != gapEvent {
		frames, err := textform.ParseFrames(e.Data)
		if err != nil {
			return Event{}, &unusableError{"the data of an event is no message: " + err.Error()}
		}
		return Event{ID: e.ID, Frames: frames}, nil
	}
	var gap gapData
	if err := json.Unmarshal(e.Data, &gap); err != nil {
		return Event{}, &unusableError{"the data of a gap is no JSON: " + err.Error()}
	}
	event := Event{ID: e.ID, Gap: true, Missed: -1}
	if gap.Missed != nil {
		event.Missed = int64(min(*gap.Missed, 1<<62))
	}
	return event, nil
}
