// SPDX-License-Identifier: MIT

// Package ipc is the transport between processes of one machine, over stream sockets of the Unix family.
//
//	ipc:///run/app/feed.sock    an absolute path
//	ipc://feed.sock             a path relative to the working directory
//	unix:///run/app/feed.sock   the same as ipc
//	abstract://feed             a name without a file (Linux); %XX stands for any byte, as in feed%00a
//	ipc://*                     listening only: a new path in the system's temporary directory; see the endpoint's URL
//
// Paths and names have at most 107 bytes on Linux and Windows, 103 on the BSDs and macOS. A listener removes the stale file of
// a listener that crashed, and its own when it closes. Windows has these sockets since Windows 10 version 1803, without
// permissions and credentials.
package ipc

import (
	"context"
	"net"

	"github.com/sprymq/spry/transport"
)

// Transport is the ipc transport. Its zero value is ready, and safe for concurrent use.
type Transport struct{}

var _ transport.Transport = Transport{}

// Schemes returns ipc, unix and abstract.
func (Transport) Schemes() []string { return []string{"ipc", "unix", "abstract"} }

// Dialer checks the address and returns a dialer for it. Errors of a malformed address wrap [transport.ErrURL].
func (Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	if wildcard(u) {
		return nil, malformed(u, "a wildcard is for listening; take the path from the listener's URL, or write ipc://./* for the file")
	}
	name, err := socketName(u)
	if err != nil {
		return nil, err
	}
	return &dialer{url: u, name: name, dialContext: o.DialContext}, nil
}

// Listen binds the address and begins to listen. ctx bounds the check whether a file in the way is stale.
//
// Permissions other than 0 hold before the first connection can be made. They are an error for abstract names, and on Windows.
func (Transport) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	if wildcard(u) {
		return listenAnywhere(ctx, u, o.Permissions)
	}
	name, err := socketName(u)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, u, name, o.Permissions)
	if err != nil {
		return nil, wrap(u, err)
	}
	return l, nil
}

// sendBuffer limits the kernel's send buffer of a connection. With the default of some 200 KiB, the two ends alternate too
// often for large messages; with a MiB, data has left the processor's cache when it is read. BenchmarkPipeline shows the
// cost.
const sendBuffer = 320 << 10

// NewLink makes the link that the transport would make of a connection, for packages that connect and listen in another way.
func NewLink(conn net.Conn) *transport.Stream {
	s := &transport.Stream{Conn: conn, Framing: transport.FramingTyped}
	if c, ok := conn.(*net.UnixConn); ok {
		_ = c.SetWriteBuffer(sendBuffer) // the system's limit may be lower; that costs speed only
		s.Creds = peerCreds(c)
	}
	return s
}
