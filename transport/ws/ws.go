// SPDX-License-Identifier: MIT

// Package ws is the transport over WebSocket, RFC 6455, for peers behind web servers and proxies, and in browsers.
//
//	ws://host:port/path                 over TCP; the port defaults to 80, the path to /
//	wss://host:port/path?name=value     over TLS; the port defaults to 443. A dialer sends the parameters to the server
//	ws+ipc:///run/app.sock:/path        over a Unix socket, whose path ends before ":/"; ws+unix is the same
//	wss+ipc:///run/app.sock:/path       over TLS on a Unix socket; wss+unix is the same. The name in the certificate is localhost
//
// A socket has the transport if its options name it:
//
//	spry.Options{Transports: []transport.Transport{tcp.Transport{}, ws.Transport{}}}
//
// Package web has handlers instead, which share a port with other services of a net/http server.
//
// The subprotocol of a connection chooses what is spoken. A dialing socket of the Scalability Protocols offers the name of
// its peer, such as rep.sp.nanomsg.org; one of ZeroMQ offers those of ZWS 2.0, RFC 45 of ZeroMQ. A listener takes both at
// the same address. Messages of the Scalability Protocols are sent in fragments of 64 KiB, because NNG takes no larger ones.
// There are no extensions, and so no compression.
//
// A link that has received nothing for 25 seconds sends a ping, so that proxies do not take it for idle; Heartbeat of the socket is
// usually sooner. A peer of the Scalability Protocols gets no pings if its part of the upgrade has only the headers that it must
// have: libnanomsg takes pings for messages.
//
// A program for js/wasm dials by the WebSocket of its browser, which makes the request by itself: Header and formats are errors there,
// and TLS, Proxy and pings are the browser's.
//
// Requests with ?format=text or ?format=json make messages text, for hand-written pages; see Format.
package ws

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// Transport is the WebSocket transport. Its zero value is ready. It is safe for concurrent use; its fields must not change
// once it is in use.
type Transport struct {
	// Header has further headers of the requests of dialers, such as Cookie, Authorization and Origin. Sec-WebSocket-Protocol, if
	// it is there, names those subprotocols that may be offered of the socket's.
	Header http.Header

	// Proxy returns the proxy for the request of a dialer, or nil: an http, https or socks5 URL. Defaults to
	// [http.ProxyFromEnvironment], which leaves out this machine. It is called once for each dialer, and not at all if the
	// dialer has a DialContext or uses a Unix socket. An https proxy needs a certificate from the authorities of the dialer's TLS
	// configuration.
	Proxy func(*http.Request) (*url.URL, error)

	// Origins are the origins whose web pages may connect to a listener: "https://example.com", or "*" for all. The default
	// is the page's own host: that of the request. A listener that is reached by a loopback address then also demands that
	// this host is localhost or a loopback address, which an attacker's name that leads here is not. Programs other than
	// browsers send no Origin, and may always connect.
	Origins []string

	// Format is "text" or "json": what a listener speaks with peers whose requests name neither a subprotocol nor a format,
	// such as hand-written pages. Such requests are refused without it. The parameter format of a listener's URL replaces it.
	Format string
}

var _ transport.Transport = Transport{}

// Schemes returns ws, wss, and both with +ipc and +unix.
func (Transport) Schemes() []string {
	return []string{"ws", "wss", "ws+ipc", "ws+unix", "wss+ipc", "wss+unix"}
}

// An address is a URL, parsed.
type address struct {
	url     transport.URL // as it was given
	inner   transport.URL // of the stream below
	host    string        // of the request: without a default port
	path    string        // of the request, beginning with a slash
	query   string        // after a question mark, or empty
	format  format
	network transport.Transport
}

func parse(u transport.URL) (a address, err error) {
	a.url = u
	switch u.Scheme {
	case "ws+ipc", "ws+unix", "wss+ipc", "wss+unix":
		name, path, found := cutLast(u.Address, ":/")
		a.inner, a.host, a.path, a.network = transport.URL{Scheme: "ipc", Address: name}, "localhost", "/", ipc.Transport{}
		if strings.HasPrefix(u.Scheme, "wss") {
			a.inner.Scheme, a.network = "tls+ipc", stream.Transport{}
		}
		if found {
			a.path += path
		}
		return a, a.check()
	case "ws":
		a.inner.Scheme, a.network = "tcp", tcp.Transport{}
	default:
		a.inner.Scheme, a.network = "tls+tcp", tlstcp.Transport{}
	}
	rest := u.Address
	rest, a.query, _ = strings.Cut(rest, "?")
	a.host, a.path, _ = strings.Cut(rest, "/")
	a.path = "/" + a.path
	if strings.Contains(a.host, "@") {
		return a, a.malformed("there is no user in an address; credentials go into the Header of ws.Transport")
	}
	port := ":80"
	if u.Scheme == "wss" {
		port = ":443"
	}
	a.inner.Address = a.host
	if at := strings.LastIndexByte(a.host, ':'); a.host != "" && (at < 0 || strings.HasSuffix(a.host, "]")) {
		a.inner.Address += port
	}
	_, a.host, _ = cutLast(";"+a.host, ";") // the local address of a dialer is not the server's business
	a.host = strings.TrimSuffix(a.host, port)
	return a, a.check()
}

// overUnix reports whether the stream below is a Unix socket.
func (a *address) overUnix() bool { return isUnix(a.inner.Scheme) }

func isUnix(network string) bool { return strings.HasSuffix(network, "ipc") }

// overTLS reports whether the stream below is TLS.
func (a *address) overTLS() bool { return strings.HasPrefix(a.inner.Scheme, "tls+") }

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// check refuses paths and parameters that no request can have.
func (a *address) check() error {
	for _, c := range []byte(a.path + a.query) {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return a.malformed(fmt.Sprintf("a path has no %q; write it as %%%02X", c, c))
		}
	}
	u, err := url.ParseRequestURI(a.path)
	if err != nil {
		return a.malformed("the path is not one of a web URL; two hexadecimal digits must follow a percent sign")
	}
	a.path = u.EscapedPath()
	if a.format, _, err = formatOf(a.query); err != nil {
		return a.malformed(err.Error())
	}
	return nil
}

func (a *address) malformed(why string) error {
	return fmt.Errorf("%s: %w: %s", a.url.Redacted(), transport.ErrURL, why)
}

// wrap names the endpoint in an error of the stream below, which names that.
func (a *address) wrap(err error) error { return urls.Rename(err, a.inner, a.url) }

// Listen binds the address and begins to listen. A listener over TLS needs a certificate in the configuration. A request for
// another path than the URL's is answered with 404. Parameters other than format are an error.
//
// Listeners of one process share an address by their paths, if all else is the same. Closing one leaves the others. Until its path
// is known, a connection counts as one of the oldest of these listeners.
func (t Transport) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	a, err := parse(u)
	if err == nil && a.query != "" && a.query != "format="+a.format.String() {
		err = a.malformed("a listener takes requests with any parameters; leave all but format out")
	}
	p := t.policy()
	if a.query != "" {
		p.format = a.format
	} else if err == nil {
		p.format, err = parseFormat(t.Format)
	}
	if err != nil {
		return nil, err
	}
	l := &listener{address: a, policy: p}
	if err := l.share(ctx, o); err != nil {
		return nil, err
	}
	return l, nil
}

// A listener is one of those that share an address.
type listener struct {
	shared  *shared
	address address
	policy  policy

	// Under the lock of shared.
	moved  []*link // connections whose request is for this path
	closed bool
}

// Accept returns as soon as the stream below is connected. The request is read by the link's Handshake.
func (l *listener) Accept() (transport.Link, error) {
	k, err := l.shared.next(l)
	if err != nil {
		return nil, l.address.wrap(err)
	}
	if k.server == nil {
		k.server = &serverSide{policy: l.policy, listener: l}
	}
	return k, nil
}

// Addr is the bound address.
func (l *listener) Addr() net.Addr { return l.shared.inner.Addr() }

// Close ends the listener. Others that share the address go on.
func (l *listener) Close() error { return l.shared.leave(l) }

// URL is the bound address.
func (l *listener) URL() string {
	_, at, _ := strings.Cut(l.shared.inner.URL(), "://")
	u := transport.URL{Scheme: l.address.url.Scheme, Address: at + l.address.path}
	if l.address.overUnix() {
		if u.Address = at; l.address.path != "/" {
			u.Address += ":" + l.address.path
		}
	}
	return u.String()
}
