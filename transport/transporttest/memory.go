// SPDX-License-Identifier: MIT

package transporttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/transport"
)

// A Memory is a transport whose links move messages within the process, for tests of what runs over message links. It is safe
// for concurrent use. Its URLs are memory://NAME with any name; a listener on "memory://*" gets a new name. Links are reliable
// and ordered, have no maximum message size, and hold 64 messages in each direction. A Memory can be used in a bubble of
// testing/synctest, because its calls make all their channels and start no goroutines.
type Memory struct {
	mu        lock.Mutex[lock.Memory]
	listeners map[string]*memoryListener
	named     int // names given so far
}

// memoryBacklog is how many links wait to be accepted, memoryDepth how many messages a direction holds.
const (
	memoryBacklog = 128
	memoryDepth   = 64
)

// NewMemory returns a transport that reaches only its own listeners.
func NewMemory() *Memory { return &Memory{listeners: make(map[string]*memoryListener)} }

// Schemes returns "memory".
func (*Memory) Schemes() []string { return []string{"memory"} }

// Dialer returns a dialer for the listener of that name. An empty name, or *, is an error that wraps [transport.ErrURL].
func (m *Memory) Dialer(u transport.URL, _ transport.DialOptions) (transport.Dialer, error) {
	if u.Address == "" || u.Address == "*" {
		return nil, fmt.Errorf("%s: %w: no name to dial", u, transport.ErrURL)
	}
	return &memoryDialer{memory: m, url: u}, nil
}

// Listen takes the name until the listener is closed. For a name that is taken, the error wraps
// [syscall.EADDRINUSE].
func (m *Memory) Listen(ctx context.Context, u transport.URL, _ transport.ListenOptions) (transport.Listener, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", u, err)
	}
	if u.Address == "" {
		return nil, fmt.Errorf("%s: %w: no name to listen on", u, transport.ErrURL)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if u.Address == "*" {
		m.named++
		u.Address = "*" + strconv.Itoa(m.named)
	}
	if m.listeners[u.Address] != nil {
		return nil, fmt.Errorf("%s: %w", u, syscall.EADDRINUSE)
	}
	l := &memoryListener{
		memory: m,
		url:    u,
		queue:  make(chan *memoryLink, memoryBacklog),
		closed: make(chan struct{}),
	}
	m.listeners[u.Address] = l
	return l, nil
}

func (m *Memory) listener(name string) *memoryListener {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.listeners[name]
}

func (m *Memory) forget(l *memoryListener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners[l.url.Address] == l {
		delete(m.listeners, l.url.Address)
	}
}

type memoryDialer struct {
	memory *Memory
	url    transport.URL
}

func (d *memoryDialer) Dial(ctx context.Context) (transport.Link, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.url, err)
	}
	l := d.memory.listener(d.url.Address)
	if l == nil {
		return nil, fmt.Errorf("%s: %w", d.url, syscall.ECONNREFUSED)
	}
	dialed, accepted := memoryLinks(memoryAddr(d.url.Address))
	select {
	case l.queue <- accepted:
		if l.isClosed() { // and has perhaps looked through its queue already
			_ = accepted.Close()
			return nil, fmt.Errorf("%s: %w", d.url, syscall.ECONNREFUSED)
		}
		return dialed, nil
	case <-l.closed:
		return nil, fmt.Errorf("%s: %w", d.url, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", d.url, ctx.Err())
	}
}

type memoryListener struct {
	memory *Memory
	url    transport.URL
	queue  chan *memoryLink
	closed chan struct{}
	once   sync.Once
}

func (l *memoryListener) Accept() (transport.Link, error) {
	if l.isClosed() { // which goes before the links that still wait
		return nil, fmt.Errorf("%s: %w", l.url, net.ErrClosed)
	}
	select {
	case link := <-l.queue:
		return link, nil
	case <-l.closed:
		return nil, fmt.Errorf("%s: %w", l.url, net.ErrClosed)
	}
}

func (l *memoryListener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.url.Address) }
func (l *memoryListener) URL() string    { return l.url.String() }

func (l *memoryListener) Close() error {
	l.once.Do(func() {
		l.memory.forget(l)
		close(l.closed)
		for {
			select {
			case link := <-l.queue:
				_ = link.Close()
			default:
				return
			}
		}
	})
	return nil
}

// memoryAddr is the address of both ends of a link: the listener's name.
type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

// A memoryHalf is one direction of a link.
type memoryHalf struct {
	hellos   chan []transport.Offer
	messages chan []byte
	ended    chan struct{} // closed by the writer: nothing more comes
	end      func()
}

func newMemoryHalf() *memoryHalf {
	h := &memoryHalf{
		hellos:   make(chan []transport.Offer, 1),
		messages: make(chan []byte, memoryDepth),
		ended:    make(chan struct{}),
	}
	h.end = sync.OnceFunc(func() { close(h.ended) })
	return h
}

// memoryLink is one end of a link.
type memoryLink struct {
	addr    memoryAddr
	in, out *memoryHalf

	closed     chan struct{} // this end is closed
	peerClosed chan struct{}
	shut       func()
}

func memoryLinks(addr memoryAddr) (a, b *memoryLink) {
	there, back := newMemoryHalf(), newMemoryHalf()
	a = &memoryLink{addr: addr, in: back, out: there, closed: make(chan struct{})}
	b = &memoryLink{addr: addr, in: there, out: back, closed: make(chan struct{})}
	a.peerClosed, b.peerClosed = b.closed, a.closed
	a.shut = sync.OnceFunc(func() { close(a.closed) })
	b.shut = sync.OnceFunc(func() { close(b.closed) })
	return a, b
}

func (l *memoryLink) LocalAddr() net.Addr  { return l.addr }
func (l *memoryLink) RemoteAddr() net.Addr { return l.addr }

// Info is the same as that of an *[transport.Stream], without a connection.
func (l *memoryLink) Info() transport.Info {
	return transport.Info{Properties: transport.Properties{Reliable: true, Ordered: true}}
}

// Handshake lets the dialing end speak first: it names all of its offers, and the listening end answers with the two that suit
// each other, or, if none do, the first of each end.
func (l *memoryLink) Handshake(ctx context.Context, offers []transport.Offer, listening bool) (transport.Offer, transport.Hello, error) {
	if !listening {
		l.out.hellos <- offers
	}
	var theirs []transport.Offer
	select {
	case theirs = <-l.in.hellos:
	case <-ctx.Done():
		return transport.Offer{}, transport.Hello{}, ctx.Err()
	case <-l.closed:
		return transport.Offer{}, transport.Hello{}, net.ErrClosed
	case <-l.peerClosed:
		return transport.Offer{}, transport.Hello{}, io.ErrUnexpectedEOF
	}
	if !listening {
		return theirs[1], theirs[0].Hello, nil
	}
	ours, peer := suiting(offers, theirs)
	l.out.hellos <- []transport.Offer{ours, peer}
	return ours, peer.Hello, nil
}

// suiting is the first of our offers that talks to one of theirs, and that one.
func suiting(ours, theirs []transport.Offer) (our, their transport.Offer) {
	for _, our := range ours {
		for _, their := range theirs {
			if our.Dialect == their.Dialect && our.Peer == their.Protocol && our.Protocol == their.Peer {
				return our, their
			}
		}
	}
	return ours[0], theirs[0]
}

func (l *memoryLink) ReadMessages(dst [][]byte, alloc func(have []byte, size int) []byte) (int, error) {
	m, err := l.read()
	if err != nil {
		return 0, err
	}
	for n := range dst {
		dst[n] = alloc(nil, len(m))
		copy(dst[n], m)
		if n+1 == len(dst) {
			break
		}
		select {
		case m = <-l.in.messages:
		default:
			return n + 1, nil
		}
	}
	return len(dst), nil
}

// read waits for one message. Messages written before the peer's end are returned before that end.
func (l *memoryLink) read() ([]byte, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case m := <-l.in.messages:
		return m, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-l.in.ended:
	case <-l.peerClosed:
	}
	select {
	case m := <-l.in.messages:
		return m, nil
	default:
		return nil, io.EOF
	}
}

var errWriteEnded = errors.New("written after CloseWrite")

func (l *memoryLink) WriteMessages(ps []transport.Packet) (int, error) {
	for n, p := range ps {
		select {
		case <-l.closed:
			return n, net.ErrClosed
		case <-l.peerClosed:
			return n, syscall.EPIPE
		case <-l.out.ended:
			return n, errWriteEnded
		default:
		}
		m := append(append(make([]byte, 0, len(p.Header)+len(p.Body)), p.Header...), p.Body...)
		select {
		case l.out.messages <- m:
		case <-l.closed:
			return n, net.ErrClosed
		case <-l.peerClosed:
			return n, syscall.EPIPE
		}
	}
	return len(ps), nil
}

func (l *memoryLink) CloseWrite() error {
	l.out.end()
	return nil
}

func (l *memoryLink) Close() error {
	l.shut()
	return nil
}
