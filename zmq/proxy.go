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
	// Capture, if not nil, is sent a copy of every message before it is forwarded, even if it is then dropped. It may be a
	// [Pub], a [Push] or a [Pair]. The proxy blocks while Capture does, and ends with the error if Capture fails.
	Capture spry.Sender

	// Control, if not nil, pauses and resumes the proxy and reports its counters. Each proxy needs one of its own.
	Control *ProxyControl
}

// ProxyFlow counts the messages that a [Proxy] has forwarded in one direction.
type ProxyFlow struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`

	// Dropped counts messages that were received and could not be forwarded. Perhaps a Router had no peer of that identity, or
	// its queue was full. Or the message was too large for every peer's link, or had more frames than the other socket
	// supports. The statistics of the receiving socket count them too.
	Dropped uint64 `json:"dropped"`
}

// ProxyStats are the counters of a [Proxy], by direction: from its first socket to its second, and back.
type ProxyStats struct {
	AToB ProxyFlow `json:"a_to_b"`
	BToA ProxyFlow `json:"b_to_a"`
}

// A ProxyControl pauses and resumes a [Proxy] and reports its counters. Its zero value is ready for use. It is safe for
// concurrent use. To end a proxy, end its ctx.
type ProxyControl struct {
	mu     lock.Mutex[lock.Proxy]
	paused chan struct{} // closed by Resume; nil while the proxy runs
	stats  ProxyStats
}

// Pause pauses the proxy. It returns at once: each direction may still forward one message. All others wait in the sockets'
// queues.
func (c *ProxyControl) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		c.paused = make(chan struct{})
	}
}

// Resume resumes the proxy. It does nothing if the proxy is not paused.
func (c *ProxyControl) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused != nil {
		close(c.paused)
		c.paused = nil
	}
}

// Stats returns the counters so far.
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

// Proxy forwards messages between a and b, with all their frames, in each direction that both sockets support. Typical pairs
// are a [Router] and a [Dealer], an [XSub] and an [XPub], or a [Pull] and a [Push].
//
// Proxy returns when ctx ends, or when receiving, sending or Capture fails, as after a socket is closed. Its error is never
// nil. Failures that [ProxyFlow] counts as Dropped do not end it. A message that was received and not sent by then is dropped
// and counted. Proxy does not close the sockets.
//
// A direction that waits for a message notices only with the next one that the socket it sends to is closed. A paused proxy
// notices no closed socket before it is resumed.
//
// A direction blocks while its sending socket does, except for a Router, with or without Mandatory: a peer that does not read
// must not delay the others, so messages for which its queue has no room are dropped and counted.
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
	for _, s := range []ProxySocket{a, b} { // with invalid options it would refuse each message
		if err := s.(interface{ Err() error }).Err(); err != nil {
			return err
		}
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

// forward passes messages on, in one direction, until that fails. It takes Messages, one by one: they have frames, a lost one is
// counted where it came from, and the control and Capture are asked before each.
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
	case errors.Is(err, spry.ErrNotText):
		return reasons.NotText, true
	case errors.Is(err, ErrFrames):
		return reasons.Multipart, true
	case errors.Is(err, spry.ErrConfig): // a group that no Radio has
		return reasons.Envelope, true
	case errors.Is(err, spry.ErrNotSubscribed): // an XSub was sent the end of a subscription
		return reasons.Unwanted, true
	}
	return reasons.Closed, false
}

// lose counts a message that was received for nothing.
func lose(m *spry.Message, reason reasons.Reason) {
	if p := engine.PipeOf(inner(m)); p != nil { // a subscription has no sender
		p.Undeliver(reason, 1)
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
