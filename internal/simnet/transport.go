// SPDX-License-Identifier: MIT

package simnet

import (
	"context"
	"fmt"
	"net"
	"slices"
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
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	d.attempts++
	return d.net.dialLocked(ctx, d.url, linkName{address: d.url.String(), dialer: d.number, attempt: d.attempts})
}

// dialLocked makes a link with a name. u is what is dialed, for errors.
func (n *Net) dialLocked(ctx context.Context, u transport.URL, name linkName) (transport.Link, error) {
	to, back := n.pathsLocked(name)
	there := time.Now().Add(to.faults.Latency + back.faults.Latency)
	fate := newDice(n.seed, name.String()+" dial")
	unlucky := fate.happens(to.faults.Refusal)
	for {
		if err := ctx.Err(); err != nil {
			return nil, endpointError("dial", u, err)
		}
		to, back = n.pathsLocked(name)
		var until time.Time
		h := n.hostLocked(name.address)
		switch late := there.After(time.Now()); {
		case late:
			until = there
		case to.held || back.held: // until the partition ends
		case h.refuses, !h.drops && h.listener == nil, unlucky:
			return nil, endpointError("dial", u, syscall.ECONNREFUSED)
		case h.drops:
			here, far := n.connectLocked(name)
			if err := n.linkLocked(u, far).Close(); err != nil {
				return nil, err
			}
			return n.linkLocked(u, here), nil
		case len(h.listener.pending) < backlog:
			here, far := n.connectLocked(name)
			p := pending{link: n.linkLocked(u, far), due: time.Now()}
			if jitter := to.faults.AcceptJitter; jitter > 0 {
				p.due = p.due.Add(time.Duration(fate.below(int64(jitter) + 1)))
			}
			h.listener.pending = append(h.listener.pending, p)
			n.changed.raise()
			return n.linkLocked(u, here), nil
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
	ofHost  bool // its name is url.Address
	pending []pending
	closed  bool
}

// A pending link waits to be accepted, until it is due.
type pending struct {
	link transport.Link
	due  time.Time
}

// nextLocked is the number of the pending link that is due first, or -1 if there is none.
func (l *listener) nextLocked() int {
	next := -1
	for i, p := range l.pending {
		if next < 0 || p.due.Before(l.pending[next].due) {
			next = i
		}
	}
	return next
}

func (l *listener) Accept() (transport.Link, error) {
	n := l.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if l.closed {
			return nil, endpointError("accept", l.url, net.ErrClosed)
		}
		var until time.Time
		if next := l.nextLocked(); next >= 0 {
			p := l.pending[next]
			if until = p.due; !until.After(time.Now()) {
				l.pending = slices.Delete(l.pending, next, next+1)
				n.changed.raise()
				return p.link, nil
			}
		}
		changed := n.changed.await()
		n.mu.Unlock()
		pause(changed, nil, until)
		n.mu.Lock()
	}
}

// key is the name that the listener holds.
func (l *listener) key() string {
	if l.ofHost {
		return l.url.Address
	}
	return l.url.String()
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
	n.hostLocked(l.key()).listener = nil
	for _, p := range l.pending {
		_ = p.link.Close() // never fails
	}
	l.pending = nil
	n.changed.raise()
	return nil
}
