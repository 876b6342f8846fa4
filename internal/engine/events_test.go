// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/reasons"
)

func TestDropEventsAreMerged(t *testing.T) {
	a, b := new(Pipe), new(Pipe)
	drop := func(p *Pipe, reason reasons.Reason, n uint64) Event {
		return Event{Kind: EventDrop, Pipe: p, Reason: reason, Count: n}
	}
	r := &eventReceiver{}
	for range 1_000_000 {
		r.add(drop(a, "overflow", 1))
		r.add(drop(b, "overflow", 2))
		r.add(drop(a, "ttl", 3))
	}
	var counts []uint64
	for _, e := range r.pending {
		counts = append(counts, e.Count)
	}
	if !slices.Equal(counts, []uint64{1_000_000, 2_000_000, 3_000_000}) || r.missed != 0 {
		t.Errorf("drops of %v messages and %d missed events", counts, r.missed)
	}
	for range eventMerge { // other news come between
		r.add(Event{Kind: EventPipeUp})
	}
	r.add(drop(a, "overflow", 1))
	if n := len(r.pending); n != 3+eventMerge+1 || r.pending[n-1].Count != 1 {
		t.Errorf("%d events: a drop after much else is not news of its own", n)
	}
}

// A receiver that lags behind is told how much it missed, with the next event that it gets.
func TestMissedEventsAreCounted(t *testing.T) {
	r := &eventReceiver{}
	for range eventBuffer + 10 {
		r.add(Event{Kind: EventPipeUp})
	}
	if len(r.pending) != eventBuffer {
		t.Fatalf("%d events wait, the limit is %d", len(r.pending), eventBuffer)
	}
	for _, e := range r.pending {
		if e.Missed != 0 {
			t.Fatal("an event that came before the gap speaks of it")
		}
	}
	r.pending = nil
	r.add(Event{Kind: EventPipeDown})
	r.add(Event{Kind: EventPipeUp})
	if r.pending[0].Missed != 10 || r.pending[1].Missed != 0 {
		t.Errorf("missed %d and %d, want 10 and 0", r.pending[0].Missed, r.pending[1].Missed)
	}
}

func TestEventsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := testSocket(Options{}, &recorder{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var byContext, byClose, byBreak []EventKind
		var all sync.WaitGroup
		collect := func(into *[]EventKind, ctx context.Context, most int) {
			events := s.Events(ctx) // registered here, not when the goroutine begins
			all.Go(func() {
				for e := range events {
					if *into = append(*into, e.Kind); len(*into) == most {
						return
					}
				}
			})
		}
		collect(&byContext, ctx, 100)
		collect(&byClose, context.Background(), 100)
		collect(&byBreak, context.Background(), 1)
		s.Emit(Event{Kind: EventDialing})
		synctest.Wait()
		s.Emit(Event{Kind: EventBackoff})
		time.Sleep(2 * time.Hour)
		s.Emit(Event{Kind: EventDialFailed})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		if want := []EventKind{EventDialing, EventBackoff}; !slices.Equal(byContext, want) {
			t.Errorf("until the context's end: %v", byContext)
		}
		if want := []EventKind{EventDialing, EventBackoff, EventDialFailed}; !slices.Equal(byClose, want) {
			t.Errorf("until the socket's end: %v", byClose)
		}
		if want := []EventKind{EventDialing}; !slices.Equal(byBreak, want) {
			t.Errorf("until a break: %v", byBreak)
		}
		if n := len(s.events.receivers); n != 0 {
			t.Errorf("%d receivers are remembered", n)
		}
		for range s.Events(context.Background()) {
			t.Error("an event of a closed socket")
		}
	})
}

// The hook hears everything in order, one at a time, may take its time, may panic and may close the socket.
func TestTraceHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Socket
		var heard []reasons.Reason
		inside := 0
		s, _ = testSocket(Options{Trace: func(e Event) {
			if inside++; inside > 1 {
				t.Error("the hook is called while it is running")
			}
			defer func() { inside-- }()
			heard = append(heard, e.Reason)
			time.Sleep(time.Second)
			switch e.Reason {
			case "panic":
				panic("user's")
			case "close":
				_ = s.Close()
			}
		}}, &recorder{})
		for _, reason := range []reasons.Reason{"a", "panic", "b"} {
			s.Emit(Event{Kind: EventRetry, Reason: reason})
		}
		time.Sleep(time.Minute)
		s.Emit(Event{Kind: EventRetry, Reason: "close"})
		time.Sleep(time.Minute)
		s.Emit(Event{Kind: EventRetry, Reason: "late"})
		time.Sleep(time.Minute)
		if want := []reasons.Reason{"a", "panic", "b", "close"}; !slices.Equal(heard, want) {
			t.Errorf("the hook heard %v, want %v", heard, want)
		}
		if n := s.Stats().Panics; n != 1 {
			t.Errorf("%d panics are counted", n)
		}
	})
}

func TestGuard(t *testing.T) {
	s, _ := testSocket(Options{}, &recorder{})
	if err := s.Guard("Callback", func() error { return io.EOF }); err != io.EOF {
		t.Errorf("an error became %v", err)
	}
	err := s.Guard("Callback", func() error { panic("oops") })
	if err == nil || err.Error() != "Callback panicked: oops" {
		t.Errorf("a panic became %v", err)
	}
	if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestUnknownKindHasAText(t *testing.T) {
	if got := EventKind(200).String(); got != "event 200" {
		t.Errorf("got %q", got)
	}
}
