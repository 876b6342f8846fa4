// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"errors"
	"fmt"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
)

// ProxyOptions are the options of [Proxy].
type ProxyOptions struct {
	// Capture, if not nil, is sent a copy of every message that is passed on: a [Pub], a [Push], a [Pair]. It waits where
	// Capture does.
	Capture spry.Sender

	// Control, if not nil, pauses and resumes the proxy and reports its counters. It is for one proxy.
	Control *ProxyControl
}

// ProxyFlow counts the messages that a [Proxy] has forwarded in one direction.
type ProxyFlow struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`

	// Dropped counts messages that were received and could not be forwarded: a Router had no peer of that identity, the
	// peer's queue was full, no peer's link carries the message, or the other socket has no multipart messages. The
	// statistics of the receiving socket count them too.
	Dropped uint64 `json:"dropped"`
}

// ProxyStats are the figures of a [Proxy].
type ProxyStats struct {
	AToB ProxyFlow `json:"a_to_b"`
	BToA ProxyFlow `json:"b_to_a"`
}

// A ProxyControl steers a [Proxy]. Its zero value is ready for use, by any number of goroutines. A proxy ends with its ctx, or
// when one of its sockets is closed.
type ProxyControl struct {
	mu     lock.Mutex[lock.Proxy]
	paused chan struct{} // closed by Resume; nil while the proxy runs
	stats  ProxyStats
}

// Pause stops the proxy from passing on more than the message of each direction that it has in hand. Messages then wait in
// the sockets' queues.
func (c *ProxyControl) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		c.paused = make(chan struct{})
	}
}

// Resume resumes the proxy.
func (c *ProxyControl) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused != nil {
		close(c.paused)
		c.paused = nil
	}
}

// Stats returns the figures so far.
func (c *ProxyControl) Stats() ProxyStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// wait waits while the proxy is paused.
func (c *ProxyControl) wait(ctx context.Context) error {
	for {
		c.mu.Lock()
		paused := c.paused
		c.mu.Unlock()
		if paused == nil {
			return ctx.Err()
		}
		select {
		case <-paused:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *ProxyControl) count(f *ProxyFlow, size int, dropped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dropped {
		f.Dropped++
		return
	}
	f.Messages++
	f.Bytes += uint64(size)
}

// Proxy forwards messages between a and b, with all their frames, in each direction that both sockets support. It returns
// when ctx ends or one of the sockets is closed, with the reason. Typical pairs are a [Router] and a [Dealer], an [XSub] and
// an [XPub], or a [Pull] and a [Push]. The caller closes the sockets.
//
// A direction blocks while its sending socket does, except for a Router: a peer that does not read must not delay the
// others, so messages for which it has no room are dropped and counted.
//
// For proxies between the Scalability Protocols and ZeroMQ see [spry.Proxy] and [spry.Raw]. o may be nil.
func Proxy(ctx context.Context, a, b ProxySocket, o *ProxyOptions) error {
	switch {
	case engine.IsNil(a):
		return opErr("proxy", engine.NilError("first socket"))
	case engine.IsNil(b):
		return opErr("proxy", engine.NilError("second socket"))
	case o != nil && o.Capture != nil && engine.IsNil(o.Capture):
		return opErr("proxy", engine.NilError("Capture"))
	}
	options := orZero(o)
	if options.Control == nil {
		options.Control = new(ProxyControl)
	}
	var ways []func(context.Context) error
	for _, w := range []struct {
		from, to ProxySocket
		flow     *ProxyFlow
	}{{a, b, &options.Control.stats.AToB}, {b, a, &options.Control.stats.BToA}} {
		if recv, send := w.from.proxied().recv, w.to.proxied().send; recv != nil && send != nil {
			ways = append(ways, func(ctx context.Context) error { return options.forward(ctx, recv, send, w.flow) })
		}
	}
	if len(ways) == 0 {
		return opErr("proxy", fmt.Errorf("%w: neither a %T nor a %T receives messages that the other could send", spry.ErrConfig, a, b))
	}
	ctx, cancel := context.WithCancelCause(scope.OrBackground(ctx))
	defer cancel(nil)
	owner := scope.New()
	for _, way := range ways {
		forward := func() error { return engine.Protect("a socket of the proxy", func() error { return way(ctx) }) }
		if err := owner.Go(func() { cancel(forward()) }); err != nil {
			cancel(err)
		}
	}
	<-ctx.Done()
	owner.Close(spry.ErrClosed)
	return opErr("proxy", context.Cause(ctx))
}

// forward passes messages on, in one direction, until that fails.
func (o *ProxyOptions) forward(
	ctx context.Context, recv func(context.Context) (*spry.Message, error), send func(context.Context, *spry.Message) error, flow *ProxyFlow,
) error {
	for {
		if err := o.Control.wait(ctx); err != nil {
			return err
		}
		m, err := recv(ctx)
		if err != nil {
			return err
		}
		err = o.capture(ctx, m)
		if err != nil {
			lose(m, reasons.Closed)
			return err
		}
		size := m.Len()
		err = send(ctx, m)
		reason, dropped := notPassed(err)
		if err != nil {
			lose(m, reason)
		}
		if err != nil && !dropped {
			return err
		}
		o.Control.count(flow, size, dropped)
	}
}

// notPassed says why a message was not passed on, and whether that concerns it alone.
func notPassed(err error) (reason reasons.Reason, alone bool) {
	switch {
	case errors.Is(err, spry.ErrNoPeer):
		return reasons.NoPeer, true
	case errors.Is(err, spry.ErrPipeClosed):
		return reasons.PipeClosed, true
	case errors.Is(err, spry.ErrWouldBlock):
		return reasons.Overflow, true
	case errors.Is(err, spry.ErrTooLarge):
		return reasons.TooLarge, true
	case errors.Is(err, ErrFrames):
		return reasons.Multipart, true
	}
	return reasons.Closed, false
}

// lose counts a message that was received for nothing.
func lose(m *spry.Message, reason reasons.Reason) {
	if p := engine.PipeOf(inner(m)); p != nil { // a subscription has no sender
		p.Undeliver(reason)
	}
	m.Release()
}

func (o *ProxyOptions) capture(ctx context.Context, m *spry.Message) error {
	if o.Capture == nil {
		return nil
	}
	c := m.Clone()
	err := o.Capture.SendMsg(ctx, c)
	if err != nil {
		c.Release()
	}
	return err
}
