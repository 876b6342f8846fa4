// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

var errNobodyListens = errors.New("nobody in this process listens on that name: listen first, or use Connect, which waits")

func (e *Endpoint) listenInproc() error {
	if err := checkInprocName(e.url.Address); err != nil {
		return err
	}
	l, err := e.socket.options.Network.listen(e.url.Address, e)
	if err != nil {
		return err
	}
	e.inproc, e.shown = l, e.named+e.url.String() // the name as it is, whatever it looks like: a peer is to dial it
	if err := e.register(); err != nil {
		l.close()
		return err
	}
	return nil
}

// connectInproc makes one connection within the process and returns when it is over, and how long it lived.
func (e *Endpoint) connectInproc(ctx context.Context, patient bool) (p *Pipe, lived time.Duration, err error) {
	l, appeared := e.socket.options.Network.find(e.url.Address)
	for l == nil {
		if !patient {
			return nil, 0, wrap("dial", e.URL(), errNobodyListens)
		}
		select {
		case <-appeared:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-e.scope.Done():
			return nil, 0, ErrClosed
		}
		l, appeared = e.socket.options.Network.find(e.url.Address)
	}
	if p, err = e.joinInproc(ctx, l.endpoint); err != nil {
		err = &OpError{Op: "handshake", URL: e.URL(), Peer: inprocAddr(l.name).String(), Err: err, Reason: reasonOf(err)}
		e.reject(inprocAddr(l.name), err)
		l.endpoint.reject(inprocAddr(l.name), err)
		return nil, 0, err
	}
	e.tellFirst(nil)
	up := time.Now()
	<-p.done
	return p, time.Since(up), nil
}

// joinInproc makes two pipes that are each other's peer, and attaches both or none.
func (e *Endpoint) joinInproc(ctx context.Context, l *Endpoint) (*Pipe, error) {
	ctx, cancel := context.WithTimeout(ctx, e.socket.options.HandshakeTimeout)
	defer cancel()
	d, err := e.common(l)
	if err != nil {
		return nil, err
	}
	session, theirSession, err := d.Join(e.wireConfig(), l.wireConfig())
	if err != nil {
		return nil, err
	}
	session.Dialect, theirSession.Dialect = inprocScheme, inprocScheme
	link := &inprocLink{name: e.url.Address}
	p, q := e.newPipe(link, session), l.newPipe(link, theirSession)
	carryInproc(p, q)
	if err := l.admit(ctx, q); err != nil {
		q.end(err)
		return nil, err
	}
	if err := e.admit(ctx, p); err != nil {
		p.end(err)
		q.end(fmt.Errorf("%w: %w", ErrRefused, err))
		return nil, err
	}
	q.release()
	p.release()
	return p, nil
}

// common is the dialect whose sockets both ends can be, so that they know what their messages are.
func (e *Endpoint) common(l *Endpoint) (wire.Dialect, error) {
	for _, d := range l.socket.options.Dialects {
		if slices.Contains(e.socket.options.Dialects, d) {
			return d, nil
		}
	}
	return nil, errNothingInCommon
}

var errNothingInCommon = errors.New("the two sockets have no dialect in common")

// An inprocLink stands for the connection of two sockets of the process.
type inprocLink struct{ name string }

func (l *inprocLink) LocalAddr() net.Addr  { return inprocAddr(l.name) }
func (l *inprocLink) RemoteAddr() net.Addr { return inprocAddr(l.name) }
func (l *inprocLink) Info() transport.Info {
	return transport.Info{Properties: transport.Properties{Reliable: true, Ordered: true}}
}
func (l *inprocLink) Close() error { return nil }

var _ transport.Link = (*inprocLink)(nil)
