// SPDX-License-Identifier: MIT

package dash

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/sprymq/spry/internal/lock"
)

// A store has the latest message of each topic, for the pages. A page that is slow gets the latest one only: those in between
// cost no memory. It is safe for concurrent use.
type store struct {
	mu      lock.Mutex[lock.DashStore]
	version uint64 // of the latest message
	topics  map[string]*topic
	more    chan struct{} // closed when there is a new message
}

// A topic has the latest message of its name.
type topic struct {
	version uint64
	text    []byte // the message; nil if the topic was removed. It is not changed
}

func newStore() *store { return &store{topics: make(map[string]*topic), more: make(chan struct{})} }

// put makes data the latest message of a topic. It does nothing if it is that already.
func (s *store) put(name string, data []byte) {
	text := append(append(append(make([]byte, 0, len(name)+1+len(data)), name...), '\n'), data...)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[name]
	if t == nil {
		t = new(topic)
		s.topics[name] = t
	} else if bytes.Equal(t.text, text) {
		return
	}
	s.version++
	t.version, t.text = s.version, text
	close(s.more)
	s.more = make(chan struct{})
}

// remove removes a topic.
func (s *store) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[name]; t != nil {
		t.text = nil // for pages that are about to send it
		delete(s.topics, name)
	}
}

// after returns the topics with messages after a version, in their order, the latest version, and what tells that there are more.
func (s *store) after(version uint64) (changed []*topic, latest uint64, more <-chan struct{}) {
	type one struct {
		topic   *topic
		version uint64
	}
	var all []one
	s.mu.Lock()
	for _, t := range s.topics {
		if t.version > version {
			all = append(all, one{t, t.version})
		}
	}
	latest, more = s.version, s.more
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.version, b.version) })
	for _, o := range all {
		changed = append(changed, o.topic)
	}
	return changed, latest, more
}

// take returns the latest message of a topic.
func (s *store) take(t *topic) (text []byte, version uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.text, t.version
}
