// SPDX-License-Identifier: MIT

// Package transport is the interface between Spry's engine and transports, which move bytes.
//
// A [Transport] turns addresses of its URL schemes into links. A link is either a [Stream], which is a net.Conn on which the
// engine does the framing, or [Messages], which moves whole messages and has its own handshake. A transport does not
// interpret messages.
//
// The package depends on the standard library only, so that third parties can write transports without importing Spry
// itself. Package transporttest checks such a transport.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"time"
)

// A Transport knows how to reach the addresses of its schemes. Its methods are safe for concurrent use.
type Transport interface {
	// Schemes lists the URL schemes that the transport serves, in lower case: "tcp", "tcp4", "tcp6".
	Schemes() []string

	// Dialer checks the address and returns a dialer for it. It does no I/O and resolves no names: each Dial does that
	// again. An address that can never work is an error here.
	Dialer(u URL, o DialOptions) (Dialer, error)

	// Listen binds the address and begins to listen. ctx bounds the binding only.
	Listen(ctx context.Context, u URL, o ListenOptions) (Listener, error)
}

// A SchemeMatcher is a [Transport] that serves more schemes than it can list, such as those with any layers before "tcp".
type SchemeMatcher interface {
	Transport

	// Serves reports whether the transport serves a scheme, which is in lower case and without a dialect.
	Serves(scheme string) bool
}

// A Dialer makes connections to one address. It is safe for concurrent use. If it is a rand.Source of math/rand/v2, a socket draws the
// waits between its attempts from it, one at a time: so the runs of a simulated network can be repeated.
type Dialer interface {
	// Dial makes one attempt. It returns when the link is connected, when the attempt has failed, or when ctx ends. It does no
	// further handshake with the peer: that is for [Handshaker] and Messages.Handshake.
	Dial(ctx context.Context) (Link, error)
}

// A Listener yields the links of one bound address.
type Listener interface {
	// Accept waits for the next link. After Close it returns an error for which
	// errors.Is(err, net.ErrClosed) holds. Any other error is taken as temporary, and Accept is called again
	// after a pause. Accept must not wait for a peer's bytes: handshakes run elsewhere, many at a time.
	Accept() (Link, error)

	// Addr is the bound address.
	Addr() net.Addr

	// URL is the address that a local peer can dial, with port 0 and wildcards resolved where that is
	// possible: "tcp://127.0.0.1:40123".
	URL() string

	// Close stops listening and makes a blocked Accept return. Links that were accepted before stay open.
	Close() error
}

// A Link is one connection: a *[Stream], or something that implements [Messages].
type Link interface {
	// LocalAddr and RemoteAddr are the addresses of the two ends. They are never nil.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr

	// Info describes the link. It may be called at any time, also after Close, and is cheap.
	Info() Info

	// Close ends the link at once and makes every blocked call on it return. A second Close does nothing.
	Close() error
}

// Info describes a [Link].
type Info struct {
	Properties
	Framing Framing              // of a [Stream]
	TLS     *tls.ConnectionState // nil without TLS, and until its handshake is done
	Creds   *Creds               // who the peer's process is, where the operating system says so; else nil
	Conn    net.Conn             // the innermost connection of the link, such as the operating system's; may be nil
	Request any                  // what the dialing end asked for, such as the *http.Request of a WebSocket; nil elsewhere

	// HalfCloses says that a [Stream] can end its outgoing direction and still read; all Messages can.
	HalfCloses bool
}

// A Framing says how a stream marks the frames of the Scalability Protocols. Other dialects ignore it.
type Framing uint8

const (
	// FramingLength is an 8-byte length before every message: tcp, tls+tcp.
	FramingLength Framing = iota
	// FramingTyped is a type byte of 1 before the 8-byte length: ipc.
	FramingTyped
)

// A Stream is a link that is a reliable, ordered stream of bytes.
//
// If Conn implements [Handshaker] (as *tls.Conn does), the engine calls it within the handshake's deadline.
// If Conn implements CloseWrite() error, [Stream.CloseWrite] ends the stream in an orderly way by it.
// If Conn implements syscall.Conn, its writes of a handshake are taken to return without the peer's help. If it is a
// *net.TCPConn or a *net.UnixConn, the engine also reads and writes the descriptor itself.
type Stream struct {
	net.Conn

	// Framing is the framing that the Scalability Protocols prescribe for this kind of stream.
	Framing Framing

	// Creds identifies the peer's process, if the operating system reports it; else nil.
	Creds *Creds
}

// Info implements [Link]. TLS is the result of the method ConnectionState of Conn, such as that of *tls.Conn.
func (s *Stream) Info() Info {
	info := Info{Properties: Properties{Reliable: true, Ordered: true}, Framing: s.Framing, Creds: s.Creds, Conn: innermost(s.Conn)}
	if c, ok := s.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		if state := c.ConnectionState(); state.HandshakeComplete {
			info.TLS = &state
		}
	}
	_, info.HalfCloses = s.Conn.(closeWriter)
	return info
}

// CloseWrite ends the outgoing direction; reading continues. A Conn that cannot do that (see Info) is closed.
func (s *Stream) CloseWrite() error {
	if half, ok := s.Conn.(closeWriter); ok {
		return half.CloseWrite()
	}
	return s.Conn.Close()
}

type closeWriter interface{ CloseWrite() error }

// innermost is the innermost connection of c. Connections that wrap others, such as *tls.Conn, return them by a method
// NetConn() net.Conn.
func innermost(c net.Conn) net.Conn {
	for {
		over, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = over.NetConn()
	}
}

// A Handshaker has a security handshake to do before the first byte of a dialect.
type Handshaker interface {
	// HandshakeContext does the handshake. It returns when the handshake is complete or has failed, or when ctx ends. After a complete
	// handshake it returns nil at once.
	HandshakeContext(ctx context.Context) error
}

// Creds identify the process at the other end of a local connection. A value of -1 is unknown.
type Creds struct {
	PID, UID, GID int
}

// Messages is a link that moves whole messages, such as WebSocket frames or datagrams.
//
// One goroutine calls ReadMessages and one calls WriteMessages, at the same time.
type Messages interface {
	Link

	// Handshake sends the offers of the local socket to the peer, in the transport's own way. It returns the chosen offer,
	// and the peer's protocol. There is at least one offer, and the first is the best. A listening end chooses one that
	// suits its peer, or any if none does: the engine checks that the two ends fit. listening is true at the end that
	// accepted the link. A link that implements [Handshaker] does that handshake before. When ctx ends, the link is closed.
	Handshake(ctx context.Context, offers []Offer, listening bool) (chosen Offer, peer Hello, err error)

	// ReadMessages waits for at least one message and fills dst with all that have arrived. Each lies at the beginning of
	// memory that alloc returned for it, and belongs to the caller. alloc is called in the order of the messages, before
	// ReadMessages returns. io.EOF is the peer's orderly end.
	//
	// alloc(nil, size) returns memory for the next message. alloc(have, size) returns larger memory for the message that it
	// was last called for, and copies have to its beginning: so memory can grow as the bytes of a message arrive.
	ReadMessages(dst [][]byte, alloc func(have []byte, size int) []byte) (n int, err error)

	// WriteMessages writes the packets in order and returns how many were wholly taken. It does not keep
	// them.
	WriteMessages(ps []Packet) (n int, err error)

	// CloseWrite ends the outgoing direction; reading continues.
	CloseWrite() error
}

// ErrMoved is returned by Messages.Handshake of a listening end if the connection turned out to be one of another listener, which
// has it now. The caller forgets the link, and does not close it.
var ErrMoved = errors.New("the connection has moved to another listener")

// ErrNoRedial is returned by Dialer.Dial if no later call can succeed either, because the connection existed only once. The socket
// then ends the endpoint, as if the user had given it up.
var ErrNoRedial = errors.New("the connection cannot be made again")

// A Pinger is a link of [Messages] that can ask its peer for a sign of life. It serves the Heartbeat of sockets.
type Pinger interface {
	Messages

	// CanPing reports whether the peer can be asked. It is called after the handshake, and the answer does not change.
	CanPing() bool

	// Ping asks the peer. It does not wait.
	Ping()

	// Heard reports whether anything has arrived since the last call: a message, an answer, or a part of one.
	Heard() bool
}

// Properties are the promises of a link. They do not change. A socket refuses links without a property that its pattern
// needs: PUSH and PULL need Reliable; PAIR needs Reliable and Ordered. So do raw sockets of these protocols.
type Properties struct {
	Reliable bool // written messages arrive, as long as the link lives
	Ordered  bool // and in order

	// MaxMessage is the largest message in bytes, the Header of its [Packet] included. 0 means no limit, as for each [Stream].
	// It is read once, after the handshake. Sockets never give WriteMessages a larger message: sending one fails with
	// spry.ErrTooLarge or, where it goes to several peers, drops and counts it for this one.
	MaxMessage int64

	// Text says that messages are text: the Body of each [Packet] must be UTF-8. It is read once, after the handshake.
	// Sockets never give WriteMessages another: sending one fails with spry.ErrNotText or, where it goes to several peers,
	// drops and counts it for this one.
	Text bool
}

// A Packet is one message to be written: Header followed by Body.
type Packet struct {
	Header, Body []byte
}

// A Hello names the protocol of one end.
type Hello struct {
	Protocol uint16 // Scalability Protocols number of the local socket: 0x30 is REQ
	Peer     uint16 // number of the protocol that it talks to: 0x31 is REP
	Name     string // short name of Protocol: "req", "pair1"
	PeerName string // short name of Peer
}

// An Offer is a dialect and a protocol that a socket can use on a link.
type Offer struct {
	Dialect string // "sp" or "zmtp"
	Hello

	// Mechanism is how the dialect secures its sessions: "NULL", "PLAIN" or "CURVE" in zmtp. It is empty for zmtp without a
	// handshake of its own, where the ends only send their identities, and in dialects without mechanisms.
	Mechanism string

	// MaxMessage is the size in bytes of the largest message that the socket takes, the same in all its offers. 0 means no
	// limit. A link should refuse a larger one before it has arrived as a whole.
	MaxMessage int64
}

// A PeerError is an error of Messages that is the peer's fault. Reason is the word under which sockets count it: "oversize",
// "bad_header", or another of the reasons of package spry.
type PeerError struct {
	Reason string
	Err    error
}

func (e *PeerError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *PeerError) Unwrap() error { return e.Err }

// DialOptions are options of a dialing endpoint. A transport applies the ones that it supports and ignores the rest.
type DialOptions struct {
	// TLS configures tls+ schemes. Nil means the system's roots and the URL's host name.
	TLS *tls.Config

	// GetTLS, if not nil, is called for each connection and returns its configuration, in place of TLS. A transport copies
	// what it returns. ctx ends with the attempt to connect. It is called by several goroutines at once.
	GetTLS func(ctx context.Context) (*tls.Config, error)

	// DialContext replaces the transport's own way to connect a stream: proxies, overlays, tests.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// Nagle leaves Nagle's algorithm on; TCP_NODELAY is set otherwise.
	Nagle bool

	// KeepAlive is the time between TCP keep-alive probes. 0 means 15 s, negative means none.
	KeepAlive time.Duration
}

// ListenOptions are options of a listening endpoint. A transport applies the ones that it supports and ignores the rest.
// Nagle and KeepAlive are as in [DialOptions].
type ListenOptions struct {
	TLS       *tls.Config // configures tls+ schemes, which need a certificate
	Nagle     bool
	KeepAlive time.Duration

	// Permissions of an ipc socket's file. 0 means what the umask leaves.
	Permissions fs.FileMode
}
