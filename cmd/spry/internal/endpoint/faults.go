// SPDX-License-Identifier: MIT

package endpoint

import (
	"context"
	"fmt"
	"sync"

	"github.com/sprymq/spry"
)

// A fault is why a peer of an endpoint was refused or disconnected. The URL of a listener is "".
type fault struct {
	url    string
	reason spry.Reason
}

// faults are the reported faults.
type faults struct {
	mu   sync.Mutex
	seen map[fault]bool
}

// add adds a fault and reports whether it is new.
func (f *faults) add(url string, reason spry.Reason) (first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = make(map[fault]bool)
	}
	key := fault{url, reason}
	first = !f.seen[key]
	f.seen[key] = true
	return first
}

// reported reports whether a fault was added.
func (f *faults) reported(url string, reason spry.Reason) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[fault{url, reason}]
}

// ReportFaults reports why peers are refused or disconnected: each reason once of each dialer, and once of all listeners. The
// returned function ends the report and waits for its goroutine.
func (s *Set) ReportFaults(socket Socket, say func(form string, args ...any)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s.faults = new(faults)
	events := socket.Events(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for e := range events {
			if text := s.faultText(e); text != "" {
				say("%s", text)
			}
		}
	})
	return func() { cancel(); watching.Wait() }
}

// faultText is the text of an event that refused or disconnected a peer; "" if it was reported before. An orderly end is no fault.
func (s *Set) faultText(e spry.Event) string {
	orderly := e.Reason == "" || e.Reason == spry.ReasonEOF || e.Reason == spry.ReasonClosed || e.Reason == spry.ReasonIO
	if e.Kind != spry.EventPipeDown && e.Kind != spry.EventReject || orderly {
		return ""
	}
	url, dialed := "", e.Endpoint != nil && !e.Endpoint.Listening()
	if dialed {
		url = e.Endpoint.URL()
	}
	if !s.faults.add(url, e.Reason) {
		return ""
	}
	who := "a peer"
	if e.RemoteAddr != nil {
		who = e.RemoteAddr.String()
	}
	why := s.Explain(url, !dialed, e.Err)
	switch {
	case e.Kind == spry.EventPipeDown:
		return fmt.Sprintf("%s was disconnected (%s): %s", who, e.Reason, why)
	case dialed:
		return fmt.Sprintf("%s: %s", url, why)
	}
	return fmt.Sprintf("%s was refused (%s): %s", who, e.Reason, why)
}
