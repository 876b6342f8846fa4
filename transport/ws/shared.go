// SPDX-License-Identifier: MIT

package ws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// bound has the addresses at which this process listens, so that several listeners can share one by their paths.
var bound struct {
	mu      lock.Mutex[lock.WebSocketPorts]
	all     map[*shared]struct{}
	changes int // of all
	binding map[*attempt]struct{}
}

// An attempt is a listener that is binding an address. Which one is not known before it has: names may be those of one address.
type attempt struct {
	over chan struct{} // closed when the address is bound and among all of them, or is not bound
}

// A shared is an address with the listeners that share it. Its goroutine accepts connections and hands them to the oldest listener,
// whose socket reads their requests. A request for the path of another moves there.
type shared struct {
	inner   transport.Listener
	options transport.ListenOptions
	network string // of the inner address: "tcp", "tls+tcp", "ipc" or "tls+ipc"
	address string // that was asked for
	scope   *scope.Scope
	gone    chan struct{} // closed when the address is free again

	mu      lock.Mutex[lock.WebSocketPort]
	changed *sync.Cond
	members []*listener // the oldest first
	ready   accepted    // waits for the oldest
	full    bool        // ready does
}

// An accepted is what Accept returns.
type accepted struct {
	link *link
	err  error
}

// share makes a listener one of those of its address, which it binds if there is none. An address may be in use by a listener of
// this process that has bound it and is not among all of them yet, or that is leaving: then there is another try.
func (l *listener) share(ctx context.Context, o transport.ListenOptions) error {
	for {
		var after []<-chan struct{} // what the next try waits for
		if s := find(&l.address); s != nil {
			if joined, err := s.join(l, o); joined || err != nil {
				return err
			}
			after = append(after, s.gone)
		} else {
			var err error
			if after, err = l.bind(ctx, o); err == nil || len(after) == 0 || !errors.Is(err, syscall.EADDRINUSE) {
				return err
			}
		}
		for _, over := range after {
			select {
			case <-over:
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", l.address.url.Redacted(), ctx.Err())
			}
		}
	}
}

// bind binds the address of a listener. If that fails, and another listener of this process may be the reason, it returns what is
// over when there can be another try.
func (l *listener) bind(ctx context.Context, o transport.ListenOptions) (after []<-chan struct{}, err error) {
	a, own := &l.address, &attempt{over: make(chan struct{})}
	bound.mu.Lock()
	if bound.all == nil {
		bound.all, bound.binding = make(map[*shared]struct{}), make(map[*attempt]struct{})
	}
	bound.binding[own] = struct{}{}
	before := bound.changes
	bound.mu.Unlock()
	below := o
	below.TLS = forHTTP(o.TLS)
	inner, err := a.network.Listen(ctx, a.inner, below)
	bound.mu.Lock()
	delete(bound.binding, own)
	close(own.over)
	if err != nil {
		defer bound.mu.Unlock()
		if bound.changes != before {
			after = append(after, own.over) // at once
		}
		for other := range bound.binding {
			after = append(after, other.over)
		}
		return after, a.wrap(err)
	}
	s := &shared{
		inner: inner, options: o, network: a.inner.Scheme, address: a.inner.Address, scope: scope.New(), gone: make(chan struct{}),
		members: []*listener{l},
	}
	s.changed = sync.NewCond(&s.mu)
	l.shared = s
	bound.all[s] = struct{}{}
	bound.changes++
	bound.mu.Unlock()
	return nil, s.scope.Go(s.accept)
}

// find returns the shared address with this text, whether that was asked for or is what it is bound to.
func find(a *address) *shared {
	bound.mu.Lock()
	defer bound.mu.Unlock()
	for s := range bound.all {
		_, at, _ := strings.Cut(s.inner.URL(), "://")
		if a.overUnix() != isUnix(s.network) || strings.HasSuffix(a.inner.Address, ":0") && !a.overUnix() {
			continue
		}
		if plain(a.inner.Address) == plain(s.address) || a.inner.Address == at {
			return s
		}
	}
	return nil
}

// plain is an address without the star that stands for all interfaces.
func plain(address string) string { return strings.TrimPrefix(address, "*") }

// join adds a listener. It reports false if the last one is leaving.
func (s *shared) join(l *listener, o transport.ListenOptions) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.members) == 0 {
		return false, nil
	}
	other := s.members[0].address.url.Redacted()
	switch {
	case s.network != l.address.inner.Scheme:
		return false, fmt.Errorf("%s: %w by %s, one of them with TLS: use the same scheme", l.address.url.Redacted(), syscall.EADDRINUSE, other)
	case s.options != o:
		return false, fmt.Errorf("%s: %w by %s, with other settings: listeners that share an address need the same TLS configuration, Nagle, KeepAlive and Permissions", l.address.url.Redacted(), syscall.EADDRINUSE, other)
	}
	for _, m := range s.members {
		if m.address.path == l.address.path {
			return false, fmt.Errorf("%s: %w: another listener has this path", l.address.url.Redacted(), syscall.EADDRINUSE)
		}
	}
	s.members = append(s.members, l)
	l.shared = s
	return true, nil
}

// leave takes a listener out. The last one closes the address.
func (s *shared) leave(l *listener) error {
	s.mu.Lock()
	if l.closed {
		s.mu.Unlock()
		return nil
	}
	l.closed = true
	moved := l.moved
	l.moved = nil
	for i, m := range s.members {
		if m == l {
			s.members = append(s.members[:i:i], s.members[i+1:]...)
			break
		}
	}
	last := len(s.members) == 0
	s.changed.Broadcast()
	s.mu.Unlock()
	for _, k := range moved {
		_ = k.Close()
	}
	if !last {
		return nil
	}
	err := s.inner.Close()
	s.scope.Close(net.ErrClosed)
	bound.mu.Lock()
	delete(bound.all, s)
	bound.changes++
	bound.mu.Unlock()
	close(s.gone)
	return err
}

// accept accepts connections, one at a time, until the last listener has left.
func (s *shared) accept() {
	for {
		var next accepted
		inner, err := s.inner.Accept()
		if next.err = err; err == nil {
			next.link = newLink(inner.(*transport.Stream), false)
		}
		s.mu.Lock()
		for s.full && len(s.members) > 0 {
			s.changed.Wait()
		}
		ended := len(s.members) == 0
		if !ended {
			s.ready, s.full = next, true
			s.changed.Broadcast()
		}
		s.mu.Unlock()
		if ended {
			if err == nil {
				_ = inner.Close()
			}
			s.drop()
			return
		}
	}
}

// drop closes a connection that no listener has taken.
func (s *shared) drop() {
	s.mu.Lock()
	rest := s.ready.link
	s.ready, s.full = accepted{}, false
	s.mu.Unlock()
	if rest != nil {
		_ = rest.Close()
	}
}

// next waits for a connection of a listener: one whose request is for its path or, for the oldest listener, one whose request
// is not known.
func (s *shared) next(l *listener) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, net.ErrClosed
		case len(l.moved) > 0:
			k := l.moved[0]
			l.moved = l.moved[1:]
			return k, nil
		case s.full && s.members[0] == l:
			next := s.ready
			s.ready, s.full = accepted{}, false
			s.changed.Broadcast()
			return next.link, next.err
		}
		s.changed.Wait()
	}
}

// at returns the listener of a path, or nil.
func (s *shared) at(path string) *listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		if m.address.path == path {
			return m
		}
	}
	return nil
}

// move gives a connection with its request to another listener. It reports false if that has been closed.
func (s *shared) move(k *link, to *listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to.closed {
		return false
	}
	to.moved = append(to.moved, k)
	s.changed.Broadcast()
	return true
}
