// SPDX-License-Identifier: MIT

package gateway

import (
	"net/http"
	"net/url"
	"time"

	"github.com/sprymq/spry/internal/sse"
)

const (
	batch    = 16              // how many events a stream takes from the ring at a time,
	batchMax = 64 << 10        // and how many bytes: a slow stream keeps them when the ring does not any more
	silence  = 256             // how many events a stream passes over before it says where it is
	maxTopic = 64              // topics of a stream
	retry    = "retry: 1000\n" // milliseconds after which an EventSource comes back
)

// An eventStream is one stream of [Events].
type eventStream struct {
	*exchange
	events  *Events
	text    bool
	topics  []string
	at      uint64 // offset of the last event that was looked at
	known   uint64 // of the latest that the client knows of
	unknown bool   // events may be missing that cannot be counted
}

func (e *Events) stream(x *exchange) error {
	if x.r.ContentLength != 0 {
		return &StatusError{http.StatusBadRequest, "a request for events has no body"}
	}
	query, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return &StatusError{http.StatusBadRequest, "the query is malformed"}
	}
	s := &eventStream{exchange: x, events: e, topics: query["topic"]}
	switch query.Get("format") {
	case "", "json":
	case "text":
		s.text = true
	default:
		return &StatusError{http.StatusBadRequest, "the format is json or text"}
	}
	if len(s.topics) > maxTopic {
		return &StatusError{http.StatusBadRequest, "too many topics"}
	}
	last := x.r.Header.Get("Last-Event-ID")
	if last == "" {
		last = query.Get("last_event_id")
	}
	if err := s.place(last, query.Get("from")); err != nil {
		return err
	}
	x.w.Header()["Cache-Control"] = noStore
	x.w.Header()["X-Accel-Buffering"] = []string{"no"} // nginx would keep events until there are many
	x.begin(http.StatusOK, sse.ContentType)
	return x.endOf(s.run())
}

// place finds out where the stream begins.
func (s *eventStream) place(last, from string) error {
	e := s.events
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.ended:
		return &StatusError{http.StatusServiceUnavailable, "there are no more events"}
	case last != "":
		seen, err := sse.ParsePosition(last)
		if err != nil {
			seen = sse.Position{} // which is of no epoch
		}
		s.at, s.unknown = e.ring.Resume(e.epoch, seen)
	case from == "oldest":
		s.at = e.ring.First() - 1
	case from == "":
		s.at = e.ring.Next() - 1
	default:
		return &StatusError{http.StatusBadRequest, "from is oldest, or is left out"}
	}
	return nil
}

// run writes events until the client has gone or takes nothing, or the events have ended.
func (s *eventStream) run() error {
	e := s.events
	idle := time.NewTimer(e.keepAlive)
	defer idle.Stop()
	if err := s.write(s.beginning()); err != nil {
		return err
	}
	room := make([]event, 0, batch)
	for {
		e.mu.Lock()
		list, missed := e.ring.After(s.at, room, batchMax)
		more, ended := e.more, e.ended
		e.mu.Unlock()
		wrote, err := s.forward(list, missed)
		if err != nil {
			return err
		}
		if wrote {
			idle.Reset(e.keepAlive)
		}
		clear(list)
		if len(list) > 0 {
			continue
		}
		if ended {
			return nil
		}
		select {
		case <-more:
		case <-s.r.Context().Done():
			return nil
		case <-idle.C:
			if err := s.write(s.sign()); err != nil {
				return err
			}
			idle.Reset(e.keepAlive)
		}
	}
}

// position is where the stream is.
func (s *eventStream) position() sse.Position {
	s.known = s.at
	return sse.Position{Epoch: s.events.epoch, Offset: s.at}
}

// beginning says where the stream begins, and whether events are missing before.
func (s *eventStream) beginning() []byte {
	dst := []byte(retry)
	if s.unknown {
		return appendGap(dst, s.position(), 0, true)
	}
	return append(s.position().AppendTo(dst), '\n')
}

// sign is a sign of life, and says where the stream is if the client does not know.
func (s *eventStream) sign() []byte {
	if s.known == s.at {
		return keepAliveLine
	}
	return append(s.position().AppendTo(nil), '\n')
}

// forward writes events that come after missed others. wrote is false if the stream's topics leave all of them out.
func (s *eventStream) forward(list []event, missed uint64) (wrote bool, err error) {
	if len(list) == 0 {
		return false, nil
	}
	put := func(p []byte) error {
		wrote = true
		s.extend()
		_, err := s.w.Write(p)
		return err
	}
	if missed > 0 {
		s.events.missed.Add(missed)
		s.at = list[0].offset - 1
		if err := put(appendGap(nil, s.position(), missed, false)); err != nil {
			return true, err
		}
	}
	for i := range list {
		e := &list[i]
		s.at = e.offset
		if !e.wanted(s.topics) {
			continue
		}
		s.known = s.at
		text := e.text
		if s.text {
			text = e.appendText(nil, s.events.epoch)
		}
		if err := put(text); err != nil {
			return true, err
		}
	}
	if s.at-s.known >= silence {
		if err := put(s.sign()); err != nil {
			return true, err
		}
	}
	if !wrote {
		return false, nil
	}
	return true, s.flush()
}

func (s *eventStream) write(p []byte) error {
	s.extend()
	if _, err := s.w.Write(p); err != nil {
		return err
	}
	return s.flush()
}
