// SPDX-License-Identifier: MIT

// Package fd is the transport over sockets that the process has as file descriptors, because the program that started it
// opened them: systemd by socket activation, inetd, or a supervisor.
//
//	fd://3        the descriptor with this number
//	fd://control  the descriptor that systemd passed under this name: FileDescriptorName= of the socket unit
//
// The descriptor is a stream socket over TCP or of the Unix family, and what it is decides what it serves for:
//
//   - A socket that listens serves for listening. The connections are those of tcp:// and ipc://, and so are the peers. The
//     descriptor stays open when the listener closes, so that it can be listened on again.
//   - A connection serves for dialing, and also for listening: the peer then is the end that dials. It is used once. Such are the
//     sockets of inetd, those of systemd with Accept=yes, and both ends of socketpair(2).
//
// Names follow the protocol of sd_listen_fds(3): the environment variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. They count
// in the process that they are for, and not in its children. Descriptors do not pass to programs that the process starts, once
// they are used. The transport works on Unix systems.
//
// A socket does not have this transport by itself. Options.Transports names it.
package fd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/internal/tcpnet"
	"github.com/sprymq/spry/transport/ipc"
)

// Transport is the transport over descriptors. Its zero value is ready, and safe for concurrent use.
type Transport struct{}

var _ transport.Transport = Transport{}

// Schemes returns fd.
func (Transport) Schemes() []string { return []string{"fd"} }

// Dialer checks the address and returns a dialer for it. Errors of a malformed address wrap [transport.ErrURL]. The first Dial
// returns the connection that the descriptor is. A later one returns [transport.ErrNoRedial], because that
// connection cannot be made again.
func (Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	a, err := parse(u)
	if err != nil {
		return nil, err
	}
	return &dialer{url: u, address: a, settings: settings{o.Nagle, tcpnet.KeepAlive(o.KeepAlive)}}, nil
}

// Listen listens on a descriptor that listens, or yields the one connection that a descriptor is. Errors of a malformed address
// wrap [transport.ErrURL].
func (Transport) Listen(_ context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	a, err := parse(u)
	if err != nil {
		return nil, err
	}
	if o.Permissions != 0 {
		return nil, wrap(u, errors.New("the program that made the socket has set its permissions; leave them out, or set SocketMode= in the socket unit"))
	}
	l, err := listen(u, a, settings{o.Nagle, tcpnet.KeepAlive(o.KeepAlive)})
	if err != nil {
		return nil, wrap(u, err)
	}
	return l, nil
}

// settings are those of TCP connections.
type settings struct {
	nagle     bool
	keepAlive net.KeepAliveConfig
}

// link makes the link that tcp or ipc would make of a connection.
func (s settings) link(conn net.Conn) *transport.Stream {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return ipc.NewLink(conn)
	}
	_ = tcp.SetKeepAliveConfig(s.keepAlive) // an error means that the connection has ended, as the first read reports
	tcpnet.Configure(tcp, s.nagle)
	return &transport.Stream{Conn: tcp, Framing: transport.FramingLength}
}

type dialer struct {
	url      transport.URL
	address  address
	settings settings
	used     atomic.Bool
}

// Dial returns the connection. It does not wait.
func (d *dialer) Dial(context.Context) (transport.Link, error) {
	if d.used.Load() {
		return nil, wrap(d.url, fmt.Errorf("the descriptor was used: %w", transport.ErrNoRedial))
	}
	n, err := d.address.number()
	if err != nil {
		return nil, wrap(d.url, err)
	}
	_, conn, err := listening.take(n, true)
	if err != nil {
		return nil, wrap(d.url, err)
	}
	d.used.Store(true)
	return d.settings.link(conn), nil
}

// An address is the part of a URL after "://".
type address struct {
	fd   int    // if name is empty
	name string // of a descriptor that systemd passed
}

// parse takes a URL apart: digits are a number, and everything else is a name.
func parse(u transport.URL) (address, error) {
	rest, parameters, err := u.Parameters()
	if err != nil {
		return address{}, wrap(u, err)
	}
	malformed := func(format string, args ...any) (address, error) {
		return address{}, wrap(u, fmt.Errorf("%w: %s", transport.ErrURL, fmt.Sprintf(format, args...)))
	}
	text := rest.Address
	if len(parameters) > 0 {
		return malformed("descriptors have no parameters; write the number or the name alone")
	}
	if text == "" {
		return malformed("no descriptor; write its number, as in fd://3, or the name of the socket unit")
	}
	if !isNumber(text) {
		if err := checkName(text); err != nil {
			return malformed("%v", err)
		}
		return address{name: text}, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return malformed("descriptor %.20s is larger than any can be", text)
	}
	return address{fd: int(n)}, nil
}

func isNumber(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// checkName refuses what systemd does not allow in a name.
func checkName(s string) error {
	if len(s) > 255 {
		return fmt.Errorf("a name of %d bytes; at most 255 are allowed", len(s))
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == ':' {
			return fmt.Errorf("%q cannot be a name: it has %q", s, c)
		}
	}
	return nil
}

// number finds the descriptor.
func (a address) number() (int, error) {
	if a.name == "" {
		return a.fd, nil
	}
	return named(a.name)
}

// wrap names the endpoint in an error.
func wrap(u transport.URL, err error) error { return fmt.Errorf("%s: %w", u.Redacted(), err) }
