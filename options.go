// SPDX-License-Identifier: MIT

package spry

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// Options are what all sockets have in common. They are read by the constructor and have no effect later. A zero
// field means the default, a negative limit or time means unlimited or off. Invalid options are reported
// by Socket.Err, and by every call that makes a connection, sends or receives, with an error that wraps [ErrConfig].
type Options struct {
	// Name of the socket in logs and statistics. Defaults to the protocol and a number: "push-7".
	Name string

	// SendQueue and SendQueueBytes limit the messages queued to be sent on one pipe; both apply. A message larger than
	// SendQueueBytes may enter an empty queue. They default to 16384 messages and 4 MiB; negative means no limit. A message
	// costs its bytes and 64 more, and 24 for each frame after the first. A queue uses at most twice its bytes of memory,
	// plus one read buffer.
	SendQueue      int
	SendQueueBytes int64

	// RecvQueue and RecvQueueBytes bound what is received on one pipe and not yet taken, likewise.
	RecvQueue      int
	RecvQueueBytes int64

	// MaxMessageSize is the largest message taken from a peer, routing header included. A larger one costs the
	// peer its pipe. Defaults to 16 MiB.
	MaxMessageSize int64

	// TTL is the maximum number of hops, pipes between sockets, of a request, a survey or a PAIR 1 message: 1 to 255.
	// Messages with more hops are dropped and counted. Defaults to 8.
	TTL int

	// Linger bounds how long Close goes on sending and waits for peers to end their side. Defaults to 1 s; negative means not
	// at all.
	Linger time.Duration

	// HandshakeTimeout bounds a connection attempt and, once more, the handshake of a new connection, from its
	// first byte to its last. Defaults to 10 s. It cannot be switched off.
	HandshakeTimeout time.Duration

	// MaxHandshakes is how many connections of one listener may be within their handshake. When another comes,
	// the oldest is closed. Defaults to 256.
	MaxHandshakes int

	// Backoff says how long dialers wait between attempts.
	Backoff Backoff

	// Heartbeat is how long a peer may be silent before it gets a ping, and then again before its pipe ends. It applies to
	// dialects with pings: ZeroMQ's. A peer that does not read, or is behind a slow link, keeps its pipe while its machine
	// acknowledges data. Defaults to 10 s; negative means no pings.
	Heartbeat time.Duration

	// Dialects that the socket speaks: "sp", "zmtp". The first is what it dials where a URL names none. Defaults to both, in
	// this order.
	Dialects []string

	// Security secures connections of dialects that do that by themselves, which is ZeroMQ's: see package zmq. Dialects that it
	// does not cover are then spoken only where a URL, a DialConfig or a ListenConfig names them. Nil means none; the
	// Scalability Protocols have none but that of tls+tcp.
	Security Security

	// Identity is the name under which ROUTER sockets address this socket: up to 255 bytes, not beginning with a zero byte.
	// REQ, DEALER and ROUTER sockets send it; others have none. Defaults to none.
	Identity string

	// Metadata is what else the socket says of itself to ZeroMQ peers. Names begin with "X-". The peer sees it in
	// [Pipe.Metadata].
	Metadata map[string]string

	// Authorize, if not nil, is asked about every new pipe after its handshake; an error refuses the peer. It
	// runs in a goroutine of its connection and delays no other; its context ends with the time for the handshake,
	// or when the endpoint closes, and should be heeded.
	Authorize func(ctx context.Context, p *Pipe) error

	// Transports that the socket can use beside inproc. Defaults to ipc, tcp and tls+tcp.
	Transports []transport.Transport

	// Budget bounds the memory and the pipes of all sockets that share it. Defaults to [DefaultBudget], which the whole
	// process shares.
	Budget *Budget

	// Network holds the names of inproc addresses. Defaults to one that the whole process shares.
	Network *Network

	// Logger, if not nil, logs every event.
	Logger *slog.Logger

	// Trace, if not nil, has functions that are called on events. See [Trace].
	Trace *Trace
}

// Backoff says how long a dialer waits after a failed attempt, or after a connection that lived for less than 5 s:
// a random time of at most Min, a bound that grows by Factor with every further failure, up to Max.
type Backoff struct {
	Min    time.Duration // Defaults to 100 ms.
	Max    time.Duration // Defaults to 30 s.
	Factor float64       // Defaults to 2.
}

// An Overflow says what a best-effort pattern does with a message for a full queue.
type Overflow uint8

const (
	// DropOldest drops the oldest message of the queue that is not being written, or, while all of them are, the
	// message itself: a queue of few messages does not always keep the newest. It is the default.
	DropOldest Overflow = iota
	// DropNewest drops the message itself.
	DropNewest
	// Block waits for room: on sending, in every pipe's queue, then it queues to all of them, or to none.
	Block
	// Disconnect drops the message and closes the pipe. On a [Sub] it is refused.
	Disconnect
)

func (o Overflow) check(allowDisconnect bool) error {
	if o > Disconnect || o == Disconnect && !allowDisconnect {
		return fmt.Errorf("%w: Overflow %d is not possible here", ErrConfig, o)
	}
	return nil
}

// A Network is a space of inproc names. Sockets with different Networks do not see each other's.
type Network engine.Network

// NewNetwork returns an empty Network.
func NewNetwork() *Network { return (*Network)(engine.NewNetwork()) }

var (
	defaultTransports = []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}}
	dialects          = []wire.Dialect{sp.Dialect, zmtp.Dialect}
)

// engineOptions are the options as the engine takes them.
func (o Options) engineOptions() engine.Options {
	var err error
	e := engine.Options{
		Name: o.Name, SendQueue: o.SendQueue, RecvQueue: o.RecvQueue,
		SendQueueBytes: o.SendQueueBytes, RecvQueueBytes: o.RecvQueueBytes, MaxMessageSize: o.MaxMessageSize,
		TTL: o.TTL, Linger: o.Linger, HandshakeTimeout: o.HandshakeTimeout, MaxHandshakes: o.MaxHandshakes,
		Backoff:    engine.Backoff(o.Backoff),
		Transports: o.Transports, Network: (*engine.Network)(o.Network),
		Budget: (*budget.Budget)(o.Budget),
		Logger: o.Logger, Heartbeat: o.Heartbeat, Identity: []byte(o.Identity), Metadata: o.Metadata,
	}
	e.Dialects, err = dialectsOf(o.Dialects)
	switch {
	case err != nil || o.Security == nil:
	default:
		e.Security, e.Authenticate, err = resolve(o.Security)
	}
	e.Invalid = err
	if e.Transports == nil {
		e.Transports = defaultTransports
	}
	if authorize := o.Authorize; authorize != nil {
		e.Authorize = func(ctx context.Context, p *engine.Pipe) error { return authorize(ctx, (*Pipe)(p)) }
	}
	if trace := o.Trace; trace != nil {
		e.Trace = func(v engine.Event) { trace.call(newEvent(v)) }
	}
	return e
}

// A DialConfig is an address to dial with settings that Dial and Connect leave at their defaults.
type DialConfig struct {
	// URL to dial.
	URL string

	// TLS configures tls+tcp. Nil means the system's roots and the URL's host name.
	TLS *tls.Config

	// DialContext replaces the way to connect a stream: proxies, overlays, tests.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Dialects that may be spoken: "sp", "zmtp". The first is what the connection begins with. Defaults to those of the
	// socket. A URL that names its dialect, as zmtp+tcp:// does, goes before it.
	Dialects []string

	// Background makes the first attempt in the background, as Connect does.
	Background bool

	// Backoff replaces the socket's.
	Backoff *Backoff

	// GiveUp, if not nil, is asked after each attempt that failed, but for one that Dial waits for, and each time that a
	// connection ended, with the reason. If it returns true, the endpoint ends with that error, and says so by EventGaveUp.
	// It must not wait. Defaults to going on for ever.
	GiveUp func(err error) bool

	// ReadBuffer and WriteBuffer are the sizes in bytes that the operating system is asked for, for what was received and
	// not read, and written and not sent. 0 leaves them to it, which is best for most networks; within the machine, what is
	// not sent is kept small, for the sake of the processor's cache.
	ReadBuffer, WriteBuffer int

	// Nagle leaves Nagle's algorithm on; otherwise TCP_NODELAY is set.
	Nagle bool

	// KeepAlive is the time between TCP keep-alive probes. Defaults to 15 s; negative means none.
	KeepAlive time.Duration
}

// A ListenConfig is an address to listen on with settings that Listen leaves at their defaults.
type ListenConfig struct {
	// URL to listen on. ListenOn ignores it.
	URL string

	// TLS configures tls+tcp, which needs a certificate. With ClientAuth set, peers need one too; see
	// [Pipe.TLS].
	TLS *tls.Config

	// Permissions of the file of an ipc socket. Defaults to what the umask leaves.
	Permissions fs.FileMode

	// ReadBuffer, WriteBuffer, Nagle and KeepAlive are as in [DialConfig].
	ReadBuffer, WriteBuffer int

	Nagle     bool
	KeepAlive time.Duration

	// Dialects that peers may speak: "sp", "zmtp". Defaults to those of the socket; the first bytes of a connection tell which.
	Dialects []string
}

// dialectsOf returns the dialects with these names.
func dialectsOf(names []string) (chosen []wire.Dialect, err error) {
	if len(names) == 0 {
		return dialects, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(dialects, func(d wire.Dialect) bool { return d.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: Dialects: %q is not one: say sp or zmtp", ErrConfig, name)
		}
		chosen = append(chosen, dialects[i])
	}
	return chosen, nil
}

func (d *DialConfig) engineConfig() engine.EndpointConfig {
	c := engine.EndpointConfig{
		Dialects: d.Dialects, ReadBuffer: d.ReadBuffer, WriteBuffer: d.WriteBuffer,
		Dial: transport.DialOptions{TLS: d.TLS, DialContext: d.DialContext, Nagle: d.Nagle, KeepAlive: d.KeepAlive},
	}
	if giveUp := d.GiveUp; giveUp != nil {
		c.GiveUp = func(err error) bool { return giveUp(opErr("dial", err)) }
	}
	if d.Backoff != nil {
		b := engine.Backoff(*d.Backoff)
		c.Backoff = &b
	}
	return c
}

func (l *ListenConfig) engineConfig() engine.EndpointConfig {
	if l == nil {
		return engine.EndpointConfig{}
	}
	return engine.EndpointConfig{
		Dialects: l.Dialects, ReadBuffer: l.ReadBuffer, WriteBuffer: l.WriteBuffer,
		Listen: transport.ListenOptions{TLS: l.TLS, Nagle: l.Nagle, KeepAlive: l.KeepAlive, Permissions: l.Permissions},
	}
}
