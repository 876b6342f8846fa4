// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
)

// Dial starts a dialing endpoint. With wait, the first attempt is made before Dial returns: if it fails, there is no
// endpoint. Without wait, all attempts are in the background.
func (s *Socket) Dial(ctx context.Context, url string, c EndpointConfig, wait bool) (*Endpoint, error) {
	ctx = scope.OrBackground(ctx) // in the caller's goroutine
	if err := ctx.Err(); err != nil && wait {
		return nil, wrap("dial", url, err)
	}
	e, err := s.dialEndpoint(url, c)
	if err == nil {
		err = e.scope.Go(func() { e.dialLoop(ctx, wait) })
	}
	if err == nil && wait {
		err = e.outcome(ctx)
	}
	if err != nil {
		e.abandon(err)
		return nil, wrap("dial", url, err)
	}
	return e, nil
}

// outcome waits for the first attempt. A callback that does not heed its context does not hold the caller up.
func (e *Endpoint) outcome(ctx context.Context) (err error) {
	select {
	case err = <-e.first:
	case <-ctx.Done():
		err = ctx.Err()
		e.abandon(err)
		select {
		case first := <-e.first:
			if errors.Is(first, err) { // says the same, and more
				err = first
			}
		default:
		}
	}
	return err
}

func (s *Socket) dialEndpoint(url string, c EndpointConfig) (*Endpoint, error) {
	e, err := s.endpointAt(false, url, c)
	if err != nil {
		return nil, err
	}
	if c.Backoff != nil {
		b, err := c.Backoff.resolve()
		if err != nil {
			return e, err
		}
		e.config.Backoff = &b
	}
	if e.url.Scheme == inprocScheme {
		err = checkInprocName(e.url.Address)
	} else if t, terr := s.transport(e.url.Scheme); terr != nil {
		err = terr
	} else {
		e.dialer, err = t.Dialer(e.url, c.Dial)
	}
	if err == nil {
		err = e.register()
	}
	return e, err
}

// transport returns the one that serves a scheme. One that lists it precedes one that only serves it.
func (s *Socket) transport(scheme string) (transport.Transport, error) {
	var known []string
	for _, t := range s.options.Transports {
		if slices.Contains(t.Schemes(), scheme) {
			return t, nil
		}
		known = append(known, t.Schemes()...)
	}
	for _, t := range s.options.Transports {
		if more, ok := t.(transport.SchemeMatcher); ok && more.Serves(scheme) {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: this socket has %s, %s; %s", ErrScheme, inprocScheme, strings.Join(known, ", "), schemeRemedy(scheme))
}

// dialLoop makes a connection, waits for its end and for the back-off, and redials. ctx and wait concern the first attempt;
// its result goes to e.first.
func (e *Endpoint) dialLoop(ctx context.Context, wait bool) {
	backoff := e.socket.options.Backoff
	if e.config.Backoff != nil {
		backoff = *e.config.Backoff
	}
	if !wait {
		ctx = e.scope.Context()
	}
	dice := diceOf(e.dialer)
	for failures := 0; ; {
		e.attempt()
		e.socket.Emit(Event{Kind: EventDialing, Endpoint: e})
		p, lived, err := e.connect(ctx, !wait)
		if wait {
			if err != nil {
				return
			}
			ctx, wait = e.scope.Context(), false
		}
		if e.scope.Context().Err() != nil || e.retired() {
			e.stop(ErrClosed)
			return
		}
		if lived >= stableAfter {
			failures = 0 // a peer that accepts and closes at once is backed off from as one that refuses
		}
		pause := backoff.wait(failures, dice)
		if reasonOf(err) == reasons.PeerError {
			pause = backoff.refused(dice)
		}
		failures++
		e.backOff(err, pause)
		if e.givesUp(p, err) {
			return
		}
		e.socket.Emit(Event{Kind: EventBackoff, Endpoint: e, Err: err, Wait: pause})
		if !e.scope.Sleep(pause) {
			return
		}
	}
}

// attempt counts an attempt that begins.
func (e *Endpoint) attempt() {
	e.mu.Lock()
	e.attempts++
	e.next = time.Time{}
	e.mu.Unlock()
}

// backOff stores when the next attempt begins, and why the last one failed; err is nil if it did not.
func (e *Endpoint) backOff(err error, pause time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = time.Now().Add(pause)
	if err != nil {
		e.err = err
		e.failed.add(failureOf(err), 1)
	}
}

// retired reports whether the socket is closing and has nothing to deliver.
func (e *Endpoint) retired() bool {
	e.mu.Lock()
	quiet := e.quiet
	e.mu.Unlock()
	return quiet && e.socket.pattern.Pending() == 0
}

// givesUp calls the user's GiveUp after a failed attempt, or an ended pipe. It ends the endpoint if GiveUp returns true, or if no
// further attempt can succeed.
func (e *Endpoint) givesUp(p *Pipe, err error) (done bool) {
	giveUp := e.config.GiveUp
	done = errors.Is(err, transport.ErrNoRedial)
	if giveUp == nil && !done {
		return false
	}
	if err == nil {
		err = p.Err()
	}
	if !done {
		_ = e.ask(e.scope.Context(), "GiveUp", func(context.Context) error { done = giveUp(err); return nil })
	}
	if done {
		e.socket.Emit(Event{Kind: EventGaveUp, Endpoint: e, Err: err, Reason: reasonOf(err)})
		e.stop(err)
	}
	return done
}

// connect makes one connection and returns when it has ended, with its duration; an error says that no connection was made.
// patient says whether to wait for a listener on a name in process.
func (e *Endpoint) connect(ctx context.Context, patient bool) (p *Pipe, lived time.Duration, err error) {
	defer func() {
		if err != nil {
			e.reportFirst(err)
		}
	}()
	if e.dialer == nil {
		return e.connectInproc(ctx, patient)
	}
	link, err := e.dial(ctx)
	if err != nil {
		if cause := context.Cause(e.scope.Context()); errors.Is(cause, ErrClosed) {
			err = cause // the transport reports that its context ended, although the caller's did not
		}
		err = wrap("dial", e.URL(), err)
		e.socket.Emit(Event{Kind: EventDialFailed, Endpoint: e, Err: err})
		return nil, 0, err
	}
	if p, err = e.establish(ctx, link); err != nil {
		return nil, 0, err
	}
	e.reportFirst(nil)
	up := time.Now()
	p.run()
	return p, time.Since(up), nil
}

// dial makes the transport's connection, bounded by ctx and by the life of the endpoint.
func (e *Endpoint) dial(ctx context.Context) (transport.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, e.socket.options.HandshakeTimeout)
	defer cancel()
	stop := scope.Watch(e.scope.Context(), cancel)
	defer stop()
	var link transport.Link
	err := e.socket.Guard("Dial", func() (err error) { // it may call a DialContext of the user
		link, err = e.dialer.Dial(ctx)
		return err
	})
	return link, err
}

func (e *Endpoint) reportFirst(err error) {
	select {
	case e.first <- err:
	default: // only the first attempt has a receiver
	}
}
