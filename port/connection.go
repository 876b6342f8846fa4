// SPDX-License-Identifier: MIT

package port

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/sprymq/spry/internal/unfinished"
)

// A connection is undecided, and belongs to a goroutine of its own.
type connection struct {
	port     *Port
	conn     net.Conn // as it was accepted
	deadline time.Time
	entry    unfinished.Entry[*connection] // under the port's lock
	evicted  bool                          // under the port's lock
}

// A refusal is why a connection is not delivered.
type refusal struct {
	reason Reason
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }

// begin decides about a connection, beside others.
func (p *Port) begin(conn net.Conn) {
	c := &connection{port: p, conn: conn, deadline: time.Now().Add(p.config.Timeout)}
	c.entry.Value, c.entry.From = c, unfinished.SourceOf(conn.RemoteAddr(), nil)
	p.mu.Lock()
	p.stats.Accepted++
	evicted := p.undecided.Add(&c.entry, p.config.MaxUndecided)
	if evicted != nil {
		evicted.Value.evicted = true
		p.stats.refuse(ReasonEvicted)
	}
	p.mu.Unlock()
	if evicted != nil {
		_ = evicted.Value.conn.Close()
	}
	if p.scope.Go(c.run) != nil {
		_ = conn.Close()
		_ = c.leave(&refusal{ReasonClosed, net.ErrClosed})
	}
}

// leave takes the connection out of those that are undecided and counts it as refused. If it was evicted, which counted it, it
// returns that refusal instead.
func (c *connection) leave(no *refusal) *refusal {
	c.port.mu.Lock()
	defer c.port.mu.Unlock()
	if c.evicted {
		return &refusal{ReasonEvicted, fmt.Errorf("more than %d connections are undecided, and this one made room: its address had the most, and of those it was silent for the longest", c.port.config.MaxUndecided)}
	}
	c.port.undecided.Remove(&c.entry)
	c.port.stats.refuse(no.reason)
	return no
}

func (c *connection) run() {
	no := c.decide()
	if no == nil {
		return
	}
	_ = c.conn.Close()
	if c.port.scope.Context().Err() != nil {
		no = &refusal{ReasonClosed, net.ErrClosed}
	}
	no = c.leave(no)
	if report := c.port.config.Refused; report != nil {
		remote := c.conn.RemoteAddr()
		c.port.scope.Callback(func() { report(remote, no.reason, no.err) })
	}
}

// decide delivers the connection or refuses it.
func (c *connection) decide() *refusal {
	_ = c.conn.SetDeadline(c.deadline)
	o, w := opening{}, newWindow(c.conn)
	for {
		t, index, err := c.identify(&o, w)
		if err != nil {
			return refusalFor(err)
		}
		if index < len(t.claims) && index >= 0 {
			err := c.deliver(t.claims[index], w)
			if errors.Is(err, errGone) {
				continue // others may claim it
			}
			if errors.Is(err, errFull) {
				c.refuse(w, languageOf(o), o, true)
				return &refusal{ReasonOverflow, err}
			}
			return refusalFor(err)
		}
		spoken := languageOf(o)
		if spoken != speaksTLS || c.port.tls == nil {
			c.refuse(w, spoken, o, false)
			return &refusal{ReasonUnclaimed, fmt.Errorf("no listener claims a connection that began with % x", o.first[:min(len(o.first), 8)])}
		}
		_ = c.conn.SetDeadline(c.deadline) // not that of a silence
		secure := tls.Server(w.whole(), c.port.tls)
		if err := secure.HandshakeContext(c.port.scope.Context()); err != nil {
			c.linger() // the client is to read the alert
			no := refusalFor(err)
			if no.reason == ReasonIO {
				no.reason = ReasonSecurity
			}
			return no
		}
		state := secure.ConnectionState()
		o = opening{secure: true, server: state.ServerName, alpn: state.NegotiatedProtocol}
		w = &window{conn: secure, secure: secure}
	}
}

// refusalFor is the refusal for an error of reading or delivering, with its reason. It is nil for nil.
func refusalFor(err error) *refusal {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{ReasonTimeout, fmt.Errorf("the client did not say in time what it speaks: %w", err)}
	case errors.Is(err, io.EOF):
		return &refusal{ReasonEarlyEOF, fmt.Errorf("the client left before it said what it speaks: %w", err)}
	default:
		return &refusal{ReasonIO, err}
	}
}

// identify reads until a protocol is certain, or none can be.
func (c *connection) identify(o *opening, w *window) (t *table, index int, err error) {
	start := time.Now()
	for {
		t = c.port.table.Load()
		o.first = w.first()
		index, more := dispatch(t.all, *o)
		switch {
		case !more && index < 0 && o.final:
			return nil, 0, err
		case !more:
			return t, index, nil
		}
		until, patience := c.deadline, silence(t.all, *o)
		if patience > 0 && len(o.first) == 0 && start.Add(patience).Before(until) {
			until = start.Add(patience)
		}
		if err = c.conn.SetReadDeadline(until); err == nil {
			err = w.more()
		}
		switch {
		case err == nil:
			c.heard()
		case len(o.first) > 0:
			o.final = true
		case errors.Is(err, os.ErrDeadlineExceeded) && until.Before(c.deadline):
			o.silent = patience
		default:
			return nil, 0, err
		}
	}
}

func (c *connection) heard() {
	c.port.mu.Lock()
	defer c.port.mu.Unlock()
	c.port.undecided.Heard(&c.entry)
}

// deliver passes the connection to the listener that claims it.
func (c *connection) deliver(l *Listener, w *window) error {
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.port.mu.Lock()
	defer c.port.mu.Unlock()
	if c.evicted {
		return net.ErrClosed
	}
	if err := l.putLocked(w.whole()); err != nil {
		return err
	}
	c.port.undecided.Remove(&c.entry)
	return nil
}
