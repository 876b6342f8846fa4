// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// maxReady is how many streams of a listener wait for Accept before no more connections are accepted.
const maxReady = 64

// An acceptor makes streams, of bytes or of messages, out of the connections of a listener, each beside the others.
type acceptor[S interface{ Close() error }] struct {
	inner   transport.Listener
	attach  func(ctx context.Context, link transport.Link) (S, error) // which closes the link if it fails
	refused func(remote net.Addr, err error)
	timeout time.Duration
	scope   *scope.Scope
	ready   chan S
	slots   chan struct{} // one for each stream in ready
	failed  chan struct{} // closed when the listener has stopped by itself
	err     error         // why; before failed is closed
	pending pending
	close   func() error
}

func newAcceptor[S interface{ Close() error }](inner transport.Listener, o *ListenOptions, attach func(context.Context, transport.Link) (S, error)) *acceptor[S] {
	a := &acceptor[S]{
		inner: inner, attach: attach, refused: o.Refused, timeout: o.HandshakeTimeout, scope: scope.New(),
		slots: make(chan struct{}, maxReady), ready: make(chan S, maxReady), failed: make(chan struct{}),
	}
	if a.timeout <= 0 {
		a.timeout = handshakeTimeout
	}
	a.close = sync.OnceValue(a.closeOnce)
	_ = a.scope.Go(a.run)
	return a
}

// accept waits for the next stream.
func (a *acceptor[S]) accept(ctx context.Context) (s S, err error) {
	select {
	case <-a.scope.Done():
		return s, net.ErrClosed
	default:
	}
	select {
	case s = <-a.ready:
		<-a.slots
		return s, nil
	case <-a.failed:
		return s, a.err
	case <-a.scope.Done():
		return s, net.ErrClosed
	case <-ctx.Done():
		return s, ctx.Err()
	}
}

func (a *acceptor[S]) closeOnce() error {
	a.scope.Cancel(net.ErrClosed)
	err := a.inner.Close()
	a.scope.Close(net.ErrClosed)
	for len(a.ready) > 0 {
		_ = (<-a.ready).Close()
	}
	return err
}

// run accepts connections until the listener is closed.
func (a *acceptor[S]) run() {
	const shortest, longest = 5 * time.Millisecond, time.Second
	for pause := shortest; ; {
		select {
		case a.slots <- struct{}{}: // there is room for one more
			<-a.slots
		case <-a.scope.Done():
			return
		}
		link, err := a.inner.Accept()
		switch {
		case err == nil:
			pause = shortest
			a.begin(link)
			continue
		case a.scope.Context().Err() != nil:
			return
		case errors.Is(err, net.ErrClosed):
			a.err = err
			close(a.failed)
			return
		}
		a.scope.Sleep(pause) // then the loop ends, if the listener is closed
		pause = min(2*pause, longest)
	}
}

// begin attaches the layers of a connection, beside those of others.
func (a *acceptor[S]) begin(link transport.Link) {
	ctx, cancel := context.WithCancelCause(a.scope.Context())
	p := a.pending.add(link.RemoteAddr(), cancel)
	err := a.scope.Go(func() {
		remote := link.RemoteAddr()
		s, err := a.timely(ctx, link)
		a.pending.remove(p)
		if err != nil {
			if a.refused != nil && a.scope.Context().Err() == nil {
				a.refused(remote, err)
			}
			return
		}
		select {
		case a.slots <- struct{}{}:
			a.ready <- s // has room: a slot is taken
		case <-a.scope.Done():
			_ = s.Close()
		}
	})
	if err != nil {
		a.pending.remove(p)
		_ = link.Close()
	}
}

// timely attaches the layers within the time that a client has.
func (a *acceptor[S]) timely(ctx context.Context, link transport.Link) (S, error) {
	timely, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	s, err := a.attach(timely, link)
	if err != nil && errors.Is(context.Cause(ctx), errEvicted) {
		err = fmt.Errorf("%w: %w", errEvicted, err)
	}
	return s, err
}
