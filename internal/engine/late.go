// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
)

// A lateError is the end of a call at its deadline, and why nothing happened until then, as far as it is known.
type lateError struct {
	err    error    // the context's
	why    string   // what the call waited for
	alone  bool     // no peer was connected
	causes []error  // the last errors of endpoints
	silent []string // endpoints without an error, and what is missing there
	more   int      // endpoints that are not named
}

// The bounds of an error's text: endpoints or peers that are named, bytes of the text of one cause, and endpoints that are
// looked at.
const (
	maxNamed      = 3
	maxCause      = 300
	maxConsidered = 64
)

func (e *lateError) Error() string {
	text := e.err.Error() + ": " + e.why
	separator := ": "
	add := func(s string) {
		if len(s) > maxCause {
			s = strings.ToValidUTF8(s[:maxCause], "") + "..."
		}
		text += separator + s
		separator = "; "
	}
	for _, c := range e.causes {
		add(plain(c))
	}
	for _, s := range e.silent {
		add(s)
	}
	if e.more > 0 {
		add(fmt.Sprintf("and %d more endpoints", e.more))
	}
	return text
}

// plain is the text of an error without the name of this package, for one within another.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "spry: ") }

// Unwrap returns the context's error, and the causes that say no more than what went wrong: an orderly end, or the end of
// something of this process, must not be taken for that of the call.
func (e *lateError) Unwrap() []error {
	all := []error{e.err}
	for _, c := range e.causes {
		if !errors.Is(c, net.ErrClosed) && !errors.Is(c, io.EOF) && !errors.Is(c, context.Canceled) {
			all = append(all, c)
		}
	}
	return all
}

// Is makes the error ErrNoPeer where no peer was connected.
func (e *lateError) Is(target error) bool { return target == ErrNoPeer && e.alone }

// late is err with why, and the errors of some endpoints.
func late(err error, why string, endpoints ...*Endpoint) *lateError {
	e := &lateError{err: err, why: why}
	for _, p := range endpoints {
		cause, silent := p.trouble()
		switch {
		case len(e.causes)+len(e.silent) == maxNamed && (cause == nil || len(e.silent) == 0):
			e.more++
		case cause != nil && len(e.causes)+len(e.silent) == maxNamed: // which says more
			e.silent = e.silent[1:]
			e.more++
			e.causes = append(e.causes, cause)
		case cause != nil:
			e.causes = append(e.causes, cause)
		default:
			e.silent = append(e.silent, silent)
		}
	}
	return e
}

// trouble is the last thing that went wrong on an endpoint, or else what is missing there.
func (e *Endpoint) trouble() (cause error, silent string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.err != nil:
		return e.err, ""
	case e.listen && e.established == 0:
		return nil, "nobody has connected to " + e.shown
	case e.listen:
		return nil, "the peers of " + e.shown + " have gone"
	}
	return nil, "no answer yet from " + e.shown
}

// late says why a Wait came to its deadline.
func (e *Endpoint) late(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return lateWithoutPeer(err, e)
}

// Late adds to the error of a call at its deadline what the call waited for. Other errors are returned unchanged. connected
// describes it where the socket has n peers; it is called with a few of them. Late takes locks of the engine.
func (s *Socket) Late(err error, connected func(peers []*Pipe, n int) string) error {
	if s == nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.mu.Lock()
	var few []*Pipe
	for _, p := range s.pipes {
		if len(few) < maxNamed && p.known.at(pipeAttached) {
			few = append(few, p)
		}
	}
	n, endpoints := s.ready, s.someEndpointsLocked()
	s.mu.Unlock()
	if len(few) > 0 {
		return late(err, connected(few, n))
	}
	return lateWithoutPeer(err, endpoints...)
}

// lateWait says why WaitPipes came to its deadline.
func (s *Socket) lateWait(err error, wanted int) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.mu.Lock()
	ready, endpoints := s.ready, s.someEndpointsLocked()
	s.mu.Unlock()
	endpoints = slices.DeleteFunc(endpoints, func(e *Endpoint) bool { return len(e.Pipes()) > 0 })
	if ready == 0 {
		return lateWithoutPeer(err, endpoints...)
	}
	return late(err, fmt.Sprintf("%d of %d peers are connected", ready, wanted), endpoints...)
}

// lateWithoutPeer is late if no peer is connected.
func lateWithoutPeer(err error, endpoints ...*Endpoint) error {
	why := ErrNoPeer.Error()
	if len(endpoints) == 0 {
		why += ", and the socket has no endpoint: call Dial or Listen first"
	}
	e := late(err, why, endpoints...)
	e.alone = true
	return e
}

// someEndpointsLocked returns as many endpoints as an error may look at.
func (s *Socket) someEndpointsLocked() (some []*Endpoint) {
	for e := range s.endpoints {
		if some = append(some, e); len(some) == maxConsidered {
			break
		}
	}
	return some
}

// PeerNames names a few of n peers: "10.0.0.1:5555, 10.0.0.2:5555 and 7 others".
func PeerNames(few []*Pipe, n int) string {
	var names []string
	for _, p := range few[:min(len(few), maxNamed)] {
		names = append(names, p.peerName())
	}
	switch last := len(names) - 1; {
	case n > len(names):
		names = append(names, fmt.Sprintf("%d others", n-len(names)))
		fallthrough
	case last > 0:
		last = len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

// peerName is the peer's address, or that of the endpoint where peers have none.
func (p *Pipe) peerName() string {
	if name := addrString(p.link.RemoteAddr()); name != "" && name != "@" {
		return name
	}
	return "the peer at " + p.endpoint.URL()
}

// FullQueues says which of a socket's peers leave no room in their send queues. It takes locks of the engine.
func (s *Socket) FullQueues([]*Pipe, int) string {
	var full []*Pipe
	for _, p := range s.Pipes() {
		if _, room, _ := p.Room(1); room <= 0 {
			full = append(full, p)
		}
	}
	return FullQueueOf(full...)
}

// FullQueueOf says that the send queues of these peers are full.
func FullQueueOf(full ...*Pipe) string {
	switch len(full) {
	case 0:
		return "no peer had room"
	case 1:
		return "the send queue of " + PeerNames(full, 1) + " is full"
	}
	return "the send queues of " + PeerNames(full, len(full)) + " are full"
}

// NothingFrom says that these peers, of n, have sent nothing.
func NothingFrom(few []*Pipe, n int) string { return "no message arrived from " + PeerNames(few, n) }
