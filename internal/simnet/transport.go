// SPDX-License-Identifier: MIT

package simnet

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/sprymq/spry/transport"
)

// Schemes of the transport.
const (
	schemeStream  = "sim"
	schemeMessage = "simmsg"
)

// backlog is how many links wait to be accepted before further dials wait.
const backlog = 128

var _ transport.Transport = (*Net)(nil)

// Schemes lists "sim", for streams, and "simmsg", for links that move messages.
func (n *Net) Schemes() []string { return []string{schemeStream, schemeMessage} }

// Dialer returns what connects to a name of this network. It is the order of these calls, per address, that
// names links.
func (n *Net) Dialer(u transport.URL, _ transport.DialOptions) (transport.Dialer, error) {
	if err := check(u); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hostLocked(u.String())
	h.dialers++
	return &dialer{net: n, url: u, number: h.dialers}, nil
}

// Listen takes a name of this network, which must be free.
func (n *Net) Listen(ctx context.Context, u transport.URL, _ transport.ListenOptions) (transport.Listener, error) {
	if err := check(u); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, endpointError("listen", u, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hostLocked(u.String())
	if h.listener != nil {
		return nil, endpointError("listen", u, syscall.EADDRINUSE)
	}
	h.listener = &listener{net: n, url: u}
	n.changed.raise()
	return h.listener, nil
}

func check(u transport.URL) error {
	if u.Scheme != schemeStream && u.Scheme != schemeMessage {
		return fmt.Errorf("simnet: scheme %q of %s is unknown; use sim:// or simmsg://", u.Scheme, u)
	}
	if u.Address == "" {
		return fmt.Errorf("simnet: %s has no name; write it like sim://server", u)
	}
	return nil
}

func endpointError(op string, u transport.URL, err error) error {
	return fmt.Errorf("%s %s: %w", op, u, err)
}

// A dialer makes attempts at one address.
type dialer struct {
	net      *Net
	url      transport.URL
	number   int
	attempts int // guarded by net.mu
}

// Dial takes one round trip, and as long as a partition or a full backlog lasts.
func (d *dialer) Dial(ctx context.Context) (transport.Link, error) {
	n := d.net
	n.mu.Lock()
	defer n.mu.Unlock()
	d.attempts++
	name := linkName{address: d.url.String(), dialer: d.number, attempt: d.attempts}
	there := time.Now().Add(n.toListener.Latency + n.toDialer.Latency)
	for {
		if err := ctx.Err(); err != nil {
			return nil, endpointError("dial", d.url, err)
		}
		var until time.Time
		h := n.hostLocked(name.address)
		switch late := there.After(time.Now()); {
		case late:
			until = there
		case n.held: // until the partition ends
		case h.refuses || !h.drops && h.listener == nil:
			return nil, endpointError("dial", d.url, syscall.ECONNREFUSED)
		case h.drops:
			here, far := n.connectLocked(name)
			if err := n.linkLocked(d.url, far).Close(); err != nil {
				return nil, err
			}
			return n.linkLocked(d.url, here), nil
		case len(h.listener.pending) < backlog:
			here, far := n.connectLocked(name)
			h.listener.pending = append(h.listener.pending, n.linkLocked(d.url, far))
			n.changed.raise()
			return n.linkLocked(d.url, here), nil
		}
		changed := n.changed.await()
		n.mu.Unlock()
		pause(changed, ctx.Done(), until)
		n.mu.Lock()
	}
}

// linkLocked makes an end what its scheme says.
func (n *Net) linkLocked(u transport.URL, e end) transport.Link {
	if u.Scheme == schemeMessage {
		return newMessages(e, n.options)
	}
	framing := transport.FramingLength
	if n.options.Typed {
		framing = transport.FramingTyped
	}
	return &transport.Stream{Conn: &Conn{end: e}, Framing: framing}
}

// A listener holds a name. Its network's mutex guards it.
type listener struct {
	net     *Net
	url     transport.URL
	pending []transport.Link
	closed  bool
}

func (l *listener) Accept() (transport.Link, error) {
	n := l.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if l.closed {
			return nil, endpointError("accept", l.url, net.ErrClosed)
		}
		if len(l.pending) > 0 {
			link := l.pending[0]
			l.pending = l.pending[1:]
			n.changed.raise()
			return link, nil
		}
		changed := n.changed.await()
		n.mu.Unlock()
		pause(changed, nil, time.Time{})
		n.mu.Lock()
	}
}

func (l *listener) Addr() net.Addr { return addr{l.url.Scheme, l.url.Address} }

func (l *listener) URL() string { return l.url.String() }

// Close frees the name. Links that were not accepted yet are closed.
func (l *listener) Close() error {
	n := l.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	n.hostLocked(l.url.String()).listener = nil
	for _, link := range l.pending {
		_ = link.Close() // never fails
	}
	l.pending = nil
	n.changed.raise()
	return nil
}
