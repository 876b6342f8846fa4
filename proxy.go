// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/scope"
)

// ProxyOptions are the options of [Proxy].
type ProxyOptions struct {
	// Tap, if not nil, is called with every forwarded message, in the proxy's goroutine, so it delays later messages. The
	// message is read-only and valid until Tap returns.
	Tap func(from *Raw, m *Message)
}

// proxyBatch is the number of messages that a proxy takes at a time.
const proxyBatch = 64

// Proxy forwards messages between a and b, in both directions if the protocols have two. It blocks until ctx ends or one of
// the sockets is closed, and returns ctx's error or [ErrClosed]. A panic of Tap ends it too.
//
// The protocols of a and b must be counterparts: REP and REQ, PULL and PUSH, SUB and PUB, RESPONDENT and SURVEYOR, PAIR, BUS.
// Otherwise it fails with [ErrConfig] at once. If b is nil, messages of a, a BUS or PAIR, go back to a.
//
// Requests, surveys and PAIR 1 messages count their hops, and are dropped if they exceed a socket's TTL, so that a loop of
// proxies is harmless. PUB, BUS and PUSH have no such count on the wire: do not build loops of them.
//
// A message of several frames, which only ZeroMQ peers send, can go to ZeroMQ peers only. For a peer of the Scalability
// Protocols it is dropped and counted as multipart. A message that no link on the other side can carry is dropped and
// counted as too_large or not_text.
//
// Proxy does not close the sockets. o may be nil.
func Proxy(ctx context.Context, a, b *Raw, o *ProxyOptions) error {
	if a == nil {
		return opErr("proxy", engine.NilError("first socket"))
	}
	if b == nil {
		b = a
	}
	if a.protocol.peer() != b.protocol {
		return opErr("proxy", fmt.Errorf("%w: %v on one side needs %v on the other, which has %v", ErrConfig, a.protocol, a.protocol.peer(), b.protocol))
	}
	if o == nil {
		o = new(ProxyOptions)
	}
	ctx, cancel := context.WithCancelCause(scope.OrBackground(ctx))
	defer cancel(nil)
	for _, s := range []*Raw{a, b} { // a direction that waits on one socket must learn that the other is closed
		stop := scope.Watch(s.core.Scope().Context(), func() { cancel(ErrClosed) })
		defer stop()
	}
	ways := a.core.Scope().Child()
	var working sync.WaitGroup
	for _, way := range [][2]*Raw{{a, b}, {b, a}} {
		from, to := way[0], way[1]
		if !from.pattern.Protocol().Receives || to.pattern.Protocol().Route == pattern.RouteNone {
			continue
		}
		working.Add(1)
		if ways.Go(func() { defer working.Done(); cancel(forward(ctx, ways, from, to, o)) }) != nil {
			working.Done()
			cancel(ErrClosed)
		}
		if a == b {
			break
		}
	}
	working.Wait()
	ways.Close(ErrClosed)
	return opErr("proxy", context.Cause(ctx))
}

// forward forwards messages in one direction until that fails.
func forward(ctx context.Context, owner *scope.Scope, from, to *Raw, o *ProxyOptions) error {
	var batch [proxyBatch]*msg.Message
	pass := passer{owner: owner, from: from, to: to, tap: o.Tap}
	for {
		n, err := from.pattern.RecvBatch(ctx, batch[:])
		rest := batch[:n]
		for err == nil && len(rest) > 0 {
			n, err = pass.some(ctx, rest)
			rest = rest[n:]
			if reason, alone := unfit(err); alone { // caused by a peer, so it must not end the proxy
				drop(rest[0], reason)
				rest, err = rest[1:], nil
			}
		}
		if err != nil {
			dropRest(rest)
			return err
		}
	}
}

// A passer passes messages on in one direction.
type passer struct {
	owner    *scope.Scope
	from, to *Raw
	tap      func(from *Raw, m *Message)
	header   [256]byte
}

// some passes the first of ms on, or more: those without headers may go together if there is no Tap. It returns how many it has
// passed on. An error is of the next one.
func (p *passer) some(ctx context.Context, ms []*msg.Message) (n int, err error) {
	if p.tap == nil && !p.from.pattern.Protocol().Names {
		return p.to.pattern.SendBatch(ctx, ms)
	}
	if p.tap != nil {
		err = p.look(ms[0])
	}
	if err == nil {
		err = p.to.pattern.Send(ctx, true, p.from.pattern.AppendHeader(p.header[:0], ms[0]), ms[0])
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// unfit reports whether an error concerns a message alone, which its destination cannot carry, and why.
func unfit(err error) (reason reasons.Reason, alone bool) {
	switch {
	case errors.Is(err, ErrMultipart):
		return reasons.Multipart, true
	case errors.Is(err, ErrTooLarge):
		return reasons.TooLarge, true
	case errors.Is(err, ErrNotText):
		return reasons.NotText, true
	}
	return "", false
}

// look calls the user's Tap with a message.
func (p *passer) look(m *msg.Message) (err error) {
	open := p.owner.Callback(func() {
		err = p.from.core.Guard("Tap", func() error { p.tap(p.from, received(m)); return nil })
	})
	if !open {
		return ErrClosed
	}
	return err
}

// dropRest counts messages that were taken from a socket and could not be forwarded.
func dropRest(ms []*msg.Message) {
	for _, m := range ms {
		if m != nil {
			drop(m, reasons.Closed)
		}
	}
}

func drop(m *msg.Message, reason reasons.Reason) {
	if p := engine.PipeOf(m); p != nil {
		p.Undeliver(reason, 1)
	}
	m.Release()
}
