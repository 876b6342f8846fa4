// SPDX-License-Identifier: MIT

package observe

import (
	"net/http"
	"time"

	"github.com/sprymq/spry/internal/sse"
)

const (
	keepAlive    = 15 * time.Second // after which a stream without events gets a comment
	writeTimeout = 10 * time.Second // in which a client takes what is written
	eventsBatch  = 16               // how many events a stream takes from the ring at a time
	eventsBytes  = 16 << 10         // and how many bytes: a slow stream keeps them when the ring does not any more
)

// A stream is an answer of /events.
type stream struct {
	feed    *feed
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	at      uint64 // offset of the last event that was written
	unknown bool   // events may be missing before the first
}

func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	if !h.feed.join(h.options.MaxStreams) {
		w.Header().Set("Retry-After", "5")
		plain(w, http.StatusServiceUnavailable, "too many streams of events\n")
		return
	}
	defer h.feed.leave()
	h.feed.fetch() // events before the stream are no news to it
	s := &stream{feed: h.feed, w: w, r: r, control: http.NewResponseController(w)}
	s.place(r.Header.Get("Last-Event-ID"))
	header := w.Header()
	header.Set("Content-Type", sse.ContentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep events until there are many
	w.WriteHeader(http.StatusOK)
	s.run()
}

// place finds out where the stream begins: after the last event that the client knows, or with the next one.
func (s *stream) place(last string) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if last == "" {
		s.at = s.feed.ring.Next() - 1
		return
	}
	seen, err := sse.ParsePosition(last)
	if err != nil {
		seen = sse.Position{} // which is of no epoch
	}
	s.at, s.unknown = s.feed.ring.Resume(s.feed.epoch, seen)
}

// run writes events until the client has gone, or takes nothing, or the server shuts down.
func (s *stream) run() {
	server, _ := s.r.Context().Value(http.ServerContextKey).(*http.Server)
	down := s.feed.shutdown(server)
	if s.write(s.beginning()) != nil {
		return
	}
	idle := time.NewTimer(keepAlive)
	defer idle.Stop()
	room := make([][]byte, 0, eventsBatch)
	for {
		list, missed, fresh, more := s.next(room)
		if len(list) > 0 {
			if s.forward(list, missed) != nil {
				return
			}
			clear(list)
			idle.Reset(keepAlive)
			continue
		}
		select {
		case <-more:
		case <-fresh:
			s.feed.fetch()
		case <-idle.C:
			if s.write([]byte(":\n\n")) != nil {
				return
			}
			idle.Reset(keepAlive)
		case <-down:
			return
		case <-s.r.Context().Done():
			return
		}
	}
}

// next returns events that come after missed others, and what tells that there are more: in the ring, and fresh ones at the sockets.
func (s *stream) next(room [][]byte) (list [][]byte, missed uint64, fresh, more <-chan struct{}) {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	list, missed = f.ring.After(s.at, room, eventsBytes)
	return list, missed, f.follower.More(), f.more
}

// beginning says where the stream begins, so that a client comes back there that gets no event.
func (s *stream) beginning() []byte {
	at := sse.Position{Epoch: s.feed.epoch, Offset: s.at} // the epoch is constant while there are streams
	if s.unknown {
		return appendEvent(at, Event{Kind: KindMissed, Time: time.Now()})
	}
	return append(at.AppendTo([]byte("retry: 1000\n")), '\n')
}

func (s *stream) forward(list [][]byte, missed uint64) error {
	if missed > 0 {
		s.at += missed
		gap := appendEvent(sse.Position{Epoch: s.feed.epoch, Offset: s.at}, Event{Kind: KindMissed, Time: time.Now(), Missed: missed})
		if err := s.put(gap); err != nil {
			return err
		}
	}
	for _, text := range list {
		s.at++
		if err := s.put(text); err != nil {
			return err
		}
	}
	return s.flush()
}

func (s *stream) write(text []byte) error {
	if err := s.put(text); err != nil {
		return err
	}
	return s.flush()
}

func (s *stream) put(text []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a writer that has none has its server's
	_, err := s.w.Write(text)
	return err
}

// flush sends what was written. A stream of HTTP/2 would end by its deadline though nothing is written.
func (s *stream) flush() error {
	if err := s.control.Flush(); err != nil {
		return err
	}
	if s.r.ProtoMajor > 1 {
		_ = s.control.SetWriteDeadline(time.Time{})
	}
	return nil
}
