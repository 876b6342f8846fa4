// SPDX-License-Identifier: MIT

package dash

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/observe"
)

const (
	keptEvents = 500 // for new pages
	eventRate  = 50  // events of a process per second; beyond, it says how many were missed
)

// eventsOf follows the events of a process while it answers.
type eventsOf struct {
	instance string
	cancel   context.CancelFunc // nil while none are followed
	after    string             // ID of the last one
	done     chan struct{}
}

// follow follows the events of a process, unless it does already.
func (e *eventsOf) follow(d *Dash, w *watched, instance string) {
	if e.cancel != nil && e.instance == instance {
		select {
		case <-e.done: // the stream has ended, and goes on
		default:
			return
		}
	}
	e.stop()
	other := e.instance != instance
	e.instance = instance
	ctx, cancel := context.WithCancel(d.scope.Context())
	done, before := make(chan struct{}), e.done
	if d.scope.Go(func() {
		defer close(done)
		if before != nil {
			<-before // after is its own until then
		}
		if other {
			e.after = ""
		}
		e.run(ctx, d, w.node, instance)
	}) != nil {
		cancel()
		return
	}
	e.cancel, e.done = cancel, done
}

// stop ends it, and does not wait.
func (e *eventsOf) stop() {
	if e.cancel != nil {
		e.cancel()
		e.cancel = nil
	}
}

// run gives the pages the events of a process, until ctx or the stream ends.
func (e *eventsOf) run(ctx context.Context, d *Dash, n *observe.Node, instance string) {
	allowed, second := eventRate, time.Now()
	put := func(v observe.Event) bool {
		d.events.put(d.store, instance, v)
		if allowed--; allowed > 0 {
			return true
		}
		// The stream waits, and says later how many events it has left out.
		wait := time.NewTimer(time.Second - time.Since(second))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return false
		}
		allowed, second = eventRate, time.Now()
		return true
	}
	if n == nil {
		for v := range observe.Events(ctx) {
			if !put(v) {
				return
			}
		}
		return
	}
	for v, err := range (&observe.Node{URL: n.URL, Client: n.Client, Header: n.Header, After: e.after}).Events(ctx) {
		if err != nil {
			return // the next report of the process begins again
		}
		if e.after = v.ID; !put(v) {
			return
		}
	}
}

// An eventLog numbers the events of all processes.
type eventLog struct{ n atomic.Uint64 }

func (l *eventLog) put(s *store, instance string, v observe.Event) {
	for _, text := range []*string{&v.Name, &v.Protocol, &v.Kind, &v.Endpoint, &v.Remote, (*string)(&v.Reason), &v.Error} {
		*text = clip(*text)
	}
	v.Time = v.Time.UTC() // the page compares the texts of processes in several time zones
	data, err := json.Marshal(struct {
		Instance string `json:"instance"`
		observe.Event
	}{instance, v})
	if err == nil { // else the process made up a time
		s.put(fmt.Sprint("event/", (l.n.Add(1)-1)%keptEvents), data)
	}
}
