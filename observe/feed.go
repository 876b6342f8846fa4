// SPDX-License-Identifier: MIT

package observe

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/sse"
)

const (
	keptEvents = 1024
	keptBytes  = 1 << 20
	eventCost  = 64              // of a kept event beyond its text, in bytes
	followOn   = 1 * time.Minute // after the last stream: clients come back
)

// A feed has the recent events of all sockets, for streams of /events. It follows the sockets while there are streams, and a while longer
// for clients that come back. It has no goroutine of its own: whichever stream is idle fetches the events for all.
type feed struct {
	scope *scope.Scope // of the timer

	mu       lock.Mutex[lock.ObserveEvents]
	follower *engine.Follower // nil while no events are followed
	epoch    string           // of the ring: new for each follower
	ring     *sse.Ring[[]byte]
	more     chan struct{} // closed when the ring has more
	fetching bool          // a stream is
	again    bool          // it is to do so once more
	streams  int
	idle     *scope.Timer                     // ends the follower
	servers  map[*http.Server]<-chan struct{} // closed when they shut down
}

func newFeed() *feed {
	return &feed{scope: scope.New(), more: make(chan struct{}), servers: make(map[*http.Server]<-chan struct{})}
}

// join makes a stream one of the feed's, which has at most limit. It reports false if there is no room.
func (f *feed) join(limit int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams >= limit {
		return false
	}
	f.streams++
	if f.idle != nil {
		f.idle.Stop()
	}
	if f.follower == nil {
		f.follower = engine.Follow()
		f.epoch = strings.ToLower(rand.Text()[:12])
		f.ring = sse.NewRing(keptEvents, keptBytes, eventCost, func(text *[]byte) int { return cap(*text) + eventCost })
	}
	return true
}

// leave is the end of a stream.
func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams--; f.streams > 0 {
		return
	}
	if f.idle == nil {
		f.idle = f.scope.AfterFunc(followOn, f.rest)
	} else {
		f.idle.Reset(followOn)
	}
}

// rest stops following the sockets unless there are streams again.
func (f *feed) rest() {
	f.mu.Lock()
	follower := f.follower
	if f.streams > 0 {
		follower = nil
	} else {
		f.follower, f.ring = nil, nil
	}
	f.mu.Unlock()
	if follower != nil {
		follower.Close()
	}
}

// fetch takes the events that wait at the sockets into the ring.
func (f *feed) fetch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fetching {
		f.again = true
		return
	}
	f.fetching = true
	defer func() { f.fetching = false }()
	for f.again = true; f.again; {
		f.again = false
		follower, next := f.follower, sse.Position{Epoch: f.epoch, Offset: f.ring.Next()}
		texts := f.unlocked(func() (texts [][]byte) {
			for _, e := range follower.Take() {
				texts = append(texts, appendEvent(next, newEvent(e)))
				next.Offset++
			}
			return texts
		})
		for _, text := range texts {
			f.ring.Add(text)
		}
		if len(texts) > 0 {
			close(f.more)
			f.more = make(chan struct{})
		}
	}
}

// unlocked calls do without the lock: errors in events may be the application's.
func (f *feed) unlocked(do func() [][]byte) [][]byte {
	f.mu.Unlock()
	defer f.mu.Lock()
	return do()
}

// shutdown returns a channel that is closed when a server shuts down.
func (f *feed) shutdown(s *http.Server) <-chan struct{} {
	if s == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	down, known := f.servers[s]
	if !known {
		closed := make(chan struct{})
		s.RegisterOnShutdown(func() { close(closed) })
		down = closed
		f.servers[s] = down
	}
	return down
}
