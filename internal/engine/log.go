// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
)

const (
	logWindow = time.Second
	logBurst  = 5 // lines of a kind, endpoint and reason within a window, before others are merged into one
)

// A logger writes events to the user's log. Peers cause events, and must not fill it: of events of one kind, endpoint and reason,
// or callback, no more than a few a second have a line of their own. The others are merged: one line, at the end of the second, has their
// number and is otherwise about the last of them.
type logger struct {
	socket *Socket
	timer  *scope.Timer // runs while there are windows; nil until there was one

	mu      lock.Mutex[lock.Logger]
	windows map[logKey]*logEntry
	due     bool // the timer has fired
}

type logKey struct {
	kind     EventKind
	endpoint *Endpoint
	reason   reasons.Reason
	callback string
}

// A logEntry records the lines of one key within the window.
type logEntry struct {
	lines  int
	merged uint64 // events, or messages where events count those
	missed uint64
	last   Event
}

// write writes an event, or keeps it to be merged. It is called by one goroutine at a time, without locks.
func (l *logger) write(e Event) {
	if !l.merge(e) {
		l.line(e)
	}
}

// merge reports whether the event is one of too many.
func (l *logger) merge(e Event) bool {
	key := logKey{e.Kind, e.Endpoint, e.Reason, e.callback}
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[key]
	if w == nil {
		w = &logEntry{}
		if l.windows == nil {
			l.windows = make(map[logKey]*logEntry)
		}
		l.windows[key] = w
		l.armLocked()
	}
	if w.lines < logBurst {
		w.lines++
		return false
	}
	w.merged += max(e.Count, 1)
	w.missed += e.Missed
	w.last = e
	return true
}

func (l *logger) armLocked() {
	switch {
	case len(l.windows) > 1 || l.due: // it runs, or will be armed by flush
	case l.timer == nil:
		l.timer = l.socket.scope.AfterFunc(logWindow, l.ended)
	default:
		l.timer.Reset(logWindow)
	}
}

// ended makes the feeder write merged events: only one goroutine calls the log.
func (l *logger) ended() {
	l.mu.Lock()
	l.due = true
	l.mu.Unlock()
	l.socket.events.startFeed()
}

// isDue reports whether flush has something to do.
func (l *logger) isDue() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.due
}

// flush ends the window. Keys with merged events begin another, the others are removed.
func (l *logger) flush() {
	l.mu.Lock()
	l.due = false
	var merged []Event
	for key, w := range l.windows {
		if w.merged == 0 {
			delete(l.windows, key)
			continue
		}
		w.last.Count, w.last.Missed = w.merged, w.missed
		merged = append(merged, w.last)
		*w = logEntry{lines: logBurst}
	}
	if len(l.windows) > 0 {
		l.timer.Reset(logWindow)
	}
	l.mu.Unlock()
	for _, e := range merged {
		l.line(e)
	}
}

// stop writes the remaining events. No event comes after it.
func (l *logger) stop() {
	l.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

// line writes one line.
func (l *logger) line(e Event) {
	level := slog.LevelInfo
	switch e.Kind {
	case EventDialing:
		level = slog.LevelDebug
	case EventDialFailed, EventBackoff, EventAcceptFailed, EventReject, EventDrop, EventPanic, EventGaveUp, EventAbandoned,
		EventRequestFailed:
		level = slog.LevelWarn
	}
	attrs := append([]slog.Attr{slog.String("socket", l.socket.Name())}, e.Attrs()...)
	l.socket.options.Logger.LogAttrs(context.Background(), level, "spry "+e.Kind.String(), attrs...)
}

// Attrs are the fields of an event that apply, but for its kind and time.
func (e Event) Attrs() (attrs []slog.Attr) {
	if e.Endpoint != nil {
		attrs = append(attrs, slog.String("endpoint", e.Endpoint.URL()))
	}
	switch {
	case e.Pipe != nil:
		attrs = append(attrs, slog.Uint64("pipe", uint64(e.Pipe.id)), slog.String("peer", addrString(e.Pipe.link.RemoteAddr())))
	case e.RemoteAddr != nil:
		attrs = append(attrs, slog.String("peer", e.RemoteAddr.String()))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(e.Reason)))
	}
	if e.Count > 0 {
		attrs = append(attrs, slog.Uint64("count", e.Count))
	}
	if e.Missed > 0 {
		attrs = append(attrs, slog.Uint64("missed", e.Missed))
	}
	if e.Wait > 0 {
		attrs = append(attrs, slog.Duration("wait", e.Wait))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}
