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

// Options are the options of all sockets. The constructor reads them; later changes have no effect. A zero field means the
// default, a negative limit or time means unlimited or off. Invalid options are reported by Socket.Err, and by every call
// that makes a connection, sends or receives, with an error that wraps [ErrConfig].
type Options struct {
	// Name of the socket in logs and statistics. Defaults to the protocol and a number: "push-7".
	Name string

	// Unlisted leaves the socket out of [Sockets], and so out of the statistics of the process.
	Unlisted bool

	// SendQueue and SendQueueBytes limit the messages queued to be sent on one pipe; both apply. A message larger than
	// SendQueueBytes may enter an empty queue. They default to 16384 messages and 4 MiB; negative means no limit. A message
	// costs its bytes and 64 more, and 24 for each frame after the first. A queue uses at most twice its bytes of memory,
	// plus one read buffer.
	SendQueue      int
	SendQueueBytes int64

	// RecvQueue and RecvQueueBytes limit the messages received on one pipe and not yet delivered, in the same way.
	RecvQueue      int
	RecvQueueBytes int64

	// MaxMessageSize is the size in bytes of the largest message accepted from a peer, including the routing header. A
	// larger one closes the peer's pipe. It does not apply to inproc. Defaults to 16 MiB.
	MaxMessageSize int64

	// TTL is the maximum number of hops, pipes between sockets, of a request, a survey or a PAIR 1 message: 1 to 255.
	// Messages with more hops are dropped and counted. Defaults to 8.
	TTL int

	// Linger limits how long Close sends queued messages and waits for peers to close their side. Defaults to 1 s; negative
	// means not at all. To wait without a limit, call Shutdown with a ctx that does not end.
	Linger time.Duration

	// HandshakeTimeout limits a connection attempt and, separately, the handshake of a new connection, from its first byte
	// to its last. Defaults to 10 s. It cannot be switched off.
	HandshakeTimeout time.Duration

	// MaxHandshakes is the maximum number of unfinished handshakes of one listener. Beyond it, an unfinished one is closed
	// to make room. Defaults to 256.
	MaxHandshakes int

	// Backoff sets how long dialers wait between attempts.
	Backoff Backoff

	// Heartbeat is how long a peer may be silent before it gets a ping, and then again before its pipe ends. It applies to
	// ZeroMQ's protocol and to WebSocket, which have pings. A peer that does not read, or is behind a slow link, keeps its pipe while its machine
	// acknowledges data. Defaults to 10 s; negative means no pings.
	Heartbeat time.Duration

	// CloseOnExpiry ends a pipe when the TLS certificate of its peer expires, or one of the authorities above it in its verified
	// chain. The reason is [ReasonExpired]; a dialer then makes a new handshake. Defaults to false: certificates matter in
	// the handshake only.
	CloseOnExpiry bool

	// Dialects of the socket: "sp", "zmtp". It dials the first for URLs that name none. Defaults to both, in this order.
	Dialects []string

	// Security secures connections of dialects with their own security, which is ZeroMQ's: see package zmq. Other dialects
	// are then allowed only if a URL, a DialConfig or a ListenConfig names them. Nil means none. The Scalability Protocols
	// have no security except that of tls+tcp.
	Security Security

	// Identity is the name under which ROUTER sockets address this socket: up to 255 bytes, not beginning with a zero byte.
	// REQ, DEALER and ROUTER sockets send it; others have none. Defaults to none.
	Identity string

	// Metadata has further properties that the socket sends to ZeroMQ peers, which find them in [Pipe.Metadata]. Names begin
	// with "X-" and have 3 to 255 bytes. All names and values together have at most 4 KiB.
	Metadata map[string]string

	// Authorize, if not nil, is called for every new pipe after its handshake; an error refuses the peer. It runs in a
	// goroutine of its connection and delays no other, so several calls may run at once. Its context ends with the time for
	// the handshake, or when the endpoint closes; Authorize should return then.
	Authorize func(ctx context.Context, p *Pipe) error

	// Transports of the socket in addition to inproc. Defaults to ipc, tcp and tls+tcp.
	Transports []transport.Transport

	// Budget bounds the memory and the pipes of all sockets that share it. Defaults to [DefaultBudget], which the whole
	// process shares.
	Budget *Budget

	// Network holds the names of inproc addresses. Defaults to one that the whole process shares.
	Network *Network

	// Logger, if not nil, logs the events of the socket. Of one kind, endpoint and reason it logs at most 5 a second, and one
	// line for all further ones, with their number. Failures, drops and back-offs have level Warn, dialing has Debug, others
	// have Info.
	Logger *slog.Logger

	// Interceptors see what the application sends, receives and handles, the first outermost. See [Interceptor]. They do not
	// see what a [Proxy] forwards. Defaults to none, which costs nothing.
	Interceptors []Interceptor

	// Trace, if not nil, is called on the events of the socket, one at a time and in order, in a goroutine of the socket. Close
	// calls it with the last ones, perhaps while an earlier call still runs. A slow Trace delays its later calls and Close,
	// but nothing else. It may call any method, including Close. If it falls behind by more than 256 events, it misses some,
	// and Missed of the next one says how many.
	Trace func(Event)
}

// Backoff sets how long a dialer waits before its next attempt: a random time up to a bound. The bound begins at Min and
// grows by Factor with every failure, up to Max. A failure is an attempt without a connection, or a connection of less than
// 5 s. A longer connection sets the bound to Min again. If the peer sent a reason for refusing, the wait is at least half of
// Max.
type Backoff struct {
	Min    time.Duration // Defaults to 100 ms, or to Max if that is less.
	Max    time.Duration // Defaults to 30 s, or to Min if that is more. At least Min.
	Factor float64       // Defaults to 2. At least 1.
}

// An Overflow is the policy of a best-effort pattern for a message and a full queue.
type Overflow uint8

const (
	// DropOldest drops the oldest message of the queue that is not being written or, if all of them are, the message itself.
	// So a queue of few messages does not always keep the newest. It is the default.
	DropOldest Overflow = iota
	// DropNewest drops the message itself.
	DropNewest
	// Block waits for room. A sender waits until every pipe's queue has room, and then queues the message to all of them; if
	// its ctx ends before, to none. For a [Sub], see [SubOptions].
	Block
	// Disconnect drops the message and closes the pipe. For a [Sub] it is invalid: [ErrConfig].
	Disconnect
)

func (o Overflow) check(allowDisconnect bool) error {
	if o > Disconnect || o == Disconnect && !allowDisconnect {
		return fmt.Errorf("%w: Overflow %d is not possible here", ErrConfig, o)
	}
	return nil
}

// A Network is a name space of inproc addresses. Sockets with different Networks cannot connect.
type Network engine.Network

// NewNetwork returns an empty Network.
func NewNetwork() *Network { return (*Network)(engine.NewNetwork()) }

var (
	defaultTransports = []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}}
	dialects          = []wire.Dialect{sp.Dialect, zmtp.Dialect}
)

// engineOptions converts the options for the engine.
func (o Options) engineOptions() engine.Options {
	var err error
	e := engine.Options{
		Name: o.Name, Unlisted: o.Unlisted, SendQueue: o.SendQueue, RecvQueue: o.RecvQueue,
		SendQueueBytes: o.SendQueueBytes, RecvQueueBytes: o.RecvQueueBytes, MaxMessageSize: o.MaxMessageSize,
		TTL: o.TTL, Linger: o.Linger, HandshakeTimeout: o.HandshakeTimeout, MaxHandshakes: o.MaxHandshakes,
		Backoff:    engine.Backoff(o.Backoff),
		Transports: o.Transports, Network: (*engine.Network)(o.Network),
		Budget: (*budget.Budget)(o.Budget),
		Logger: o.Logger, Heartbeat: o.Heartbeat, CloseOnExpiry: o.CloseOnExpiry, Identity: []byte(o.Identity), Metadata: o.Metadata,
	}
	e.Dialects, err = dialectsOf(o.Dialects)
	switch {
	case err != nil || o.Security == nil:
	default:
		e.Security, e.Authenticate, err = resolve(o.Security)
	}
	if err == nil && slices.ContainsFunc(o.Interceptors, func(i Interceptor) bool { return engine.IsNil(i) }) {
		err = engine.NilError("Interceptor")
	}
	e.Invalid = err
	if e.Transports == nil {
		e.Transports = defaultTransports
	}
	if authorize := o.Authorize; authorize != nil {
		e.Authorize = func(ctx context.Context, p *engine.Pipe) error { return authorize(ctx, (*Pipe)(p)) }
	}
	if trace := o.Trace; trace != nil {
		e.Trace = func(v engine.Event) { trace(newEvent(v)) }
	}
	return e
}

// A DialConfig is an address to dial, with settings for which Dial and Connect use the defaults.
type DialConfig struct {
	// URL to dial.
	URL string

	// TLS configures tls+tcp. Nil means the system's roots and the URL's host name.
	TLS *tls.Config

	// GetTLS, if not nil, is called for each connection and returns its configuration, in place of TLS: so certificates and
	// authorities change without a restart. See package certs. The configuration is copied. ctx ends with the attempt. GetTLS
	// may be called by several goroutines at once.
	GetTLS func(ctx context.Context) (*tls.Config, error)

	// DialContext replaces the function that connects: for proxies, overlays and tests.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Dialects that are allowed: "sp", "zmtp". The connection uses the first. Defaults to those of the socket. A dialect in
	// the URL, as in zmtp+tcp://, takes precedence.
	Dialects []string

	// Background makes the first attempt in the background, as Connect does. The ctx of DialWith is then not used.
	Background bool

	// Backoff, if not nil, replaces the socket's.
	Backoff *Backoff

	// GiveUp, if not nil, is called with the error after each failed attempt, except one that Dial waits for, and each time
	// that a connection has ended. If it returns true, the endpoint ends with that error, and reports EventGaveUp. It must
	// not block. Defaults to redialing for ever, unless the transport says that the connection cannot be made again
	// ([transport.ErrNoRedial]).
	GiveUp func(err error) bool

	// ReadBuffer and WriteBuffer are the sizes in bytes of the operating system's receive and send buffers. 0 means the
	// system's choice, which is best for most networks. For connections within the machine, 0 means a small send buffer, so
	// that data stays in the processor's cache.
	ReadBuffer, WriteBuffer int

	// Nagle leaves Nagle's algorithm on; otherwise TCP_NODELAY is set.
	Nagle bool

	// KeepAlive is the time between TCP keep-alive probes. Defaults to 15 s; negative means none.
	KeepAlive time.Duration
}

// A ListenConfig is an address to listen on, with settings for which Listen uses the defaults.
type ListenConfig struct {
	// URL to listen on. ListenOn ignores it.
	URL string

	// TLS configures tls+tcp, which needs a certificate. With ClientAuth set, peers need one too; see
	// [Pipe.TLS].
	TLS *tls.Config

	// Permissions of the file of an ipc socket. By default the umask decides.
	Permissions fs.FileMode

	// ReadBuffer, WriteBuffer, Nagle and KeepAlive are as in [DialConfig].
	ReadBuffer, WriteBuffer int

	Nagle     bool
	KeepAlive time.Duration

	// Dialects that peers may use: "sp", "zmtp". Defaults to those of the socket. The peer's first bytes show its dialect.
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
		Dial: transport.DialOptions{TLS: d.TLS, GetTLS: d.GetTLS, DialContext: d.DialContext, Nagle: d.Nagle, KeepAlive: d.KeepAlive},
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
