// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

var errNoListener = errors.New("no socket in this process listens on that name: listen first, or use Connect, which waits")

func (e *Endpoint) listenInproc() error {
	if err := checkInprocName(e.url.Address); err != nil {
		return err
	}
	l, err := e.socket.options.Network.listen(e.url.Address, e)
	if err != nil {
		return err
	}
	e.inproc, e.shown = l, e.named+e.url.String() // the name as it is, whatever it looks like: a peer is to dial it
	return e.register()
}

// connectInproc makes one connection in process and returns when it has ended, with its duration.
func (e *Endpoint) connectInproc(ctx context.Context, patient bool) (p *Pipe, lived time.Duration, err error) {
	l, appeared := e.socket.options.Network.find(e.url.Address)
	for l == nil {
		if !patient {
			return nil, 0, wrap("dial", e.URL(), errNoListener)
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
	e.reportFirst(nil)
	up := time.Now()
	<-p.Done()
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
	if err := e.admittedBy(ctx, l, q); err != nil {
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

// admittedBy has a listener admit its end of a pipe, in a goroutine of its own: its Authorize may close it, or this endpoint.
func (e *Endpoint) admittedBy(ctx context.Context, l *Endpoint, q *Pipe) error {
	admitted := make(chan error, 1)
	if l.scope.Go(func() { admitted <- l.admit(ctx, q) }) != nil {
		return ErrClosed
	}
	select {
	case err := <-admitted:
		return err
	case <-e.scope.Done():
		return ErrClosed
	}
}

// common is a dialect that both ends have, so that they agree on the form of their messages.
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

const inprocScheme = "inproc"

// maxInprocName is the longest name within the process, in bytes.
const maxInprocName = 256

// A Network is a space of names for sockets of one process. Sockets reach each other by inproc://name if they
// share a Network.
type Network struct {
	mu        lock.Mutex[lock.Network]
	listeners map[string]*inprocListener
	appeared  chan struct{} // closed and forgotten when a name appears; made by waiting dialers
}

// DefaultNetwork is the process's.
var DefaultNetwork = NewNetwork()

// NewNetwork returns an empty Network.
func NewNetwork() *Network { return &Network{listeners: make(map[string]*inprocListener)} }

// An inprocListener is a name that a socket listens on.
type inprocListener struct {
	network  *Network
	name     string
	endpoint *Endpoint
}

type inprocAddr string

func (inprocAddr) Network() string  { return inprocScheme }
func (a inprocAddr) String() string { return inprocScheme + "://" + string(a) }

func checkInprocName(name string) error {
	if name == "" || len(name) > maxInprocName {
		return fmt.Errorf("%w: the name has %d bytes and must have 1 to %d; write it like inproc://feed", transport.ErrURL, len(name), maxInprocName)
	}
	return nil
}

var errNameTaken = errors.New("another socket of this process listens on that name")

func (n *Network) listen(name string, e *Endpoint) (*inprocListener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[name] != nil {
		return nil, errNameTaken
	}
	l := &inprocListener{network: n, name: name, endpoint: e}
	n.listeners[name] = l
	if n.appeared != nil {
		close(n.appeared)
		n.appeared = nil
	}
	return l, nil
}

// find returns the listener of a name, or a channel that is closed when a name appears.
func (n *Network) find(name string) (*inprocListener, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listeners[name]; l != nil {
		return l, nil
	}
	if n.appeared == nil {
		n.appeared = make(chan struct{})
	}
	return nil, n.appeared
}

func (l *inprocListener) close() {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.network.listeners[l.name] == l {
		delete(l.network.listeners, l.name)
	}
}
