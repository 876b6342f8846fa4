// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
)

// Transport dials handlers of [Stream], by URLs of HTTP:
//
//	o := spry.Options{Transports: []transport.Transport{gateway.Transport{}}}
//	push := spry.NewPush(&spry.PushOptions{Options: o})
//	e, err := push.Dial(ctx, "https://example.com/stream")
//
// With http:// it speaks HTTP/2 without TLS. A user and a password in the URL are sent as those of the scheme Basic. Each pipe is a
// connection of its own. An answer that is no stream ends the handshake with [ErrNoStream]. The zero value is ready. It is safe for
// concurrent use; its fields must not change once it is in use.
type Transport struct {
	// Header has further headers of the requests, such as Authorization.
	Header http.Header

	// Proxy returns the proxy for a request, or nil. Defaults to [http.ProxyFromEnvironment].
	Proxy func(*http.Request) (*url.URL, error)
}

var _ transport.Transport = Transport{}

// Schemes returns http and https.
func (Transport) Schemes() []string { return []string{"http", "https"} }

// Listen fails: [Stream] is the handler that listens.
func (Transport) Listen(context.Context, transport.URL, transport.ListenOptions) (transport.Listener, error) {
	return nil, fmt.Errorf("%w: http and https are dialed only: serve gateway.Stream", transport.ErrURL)
}

// Dialer checks the URL and returns a dialer for it. Errors about a malformed URL wrap [transport.ErrURL].
func (t Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	parsed, err := url.Parse(u.String())
	if err != nil || parsed.Host == "" || parsed.Fragment != "" {
		return nil, fmt.Errorf("%w: %s: it is not one of HTTP, as https://example.com/stream", transport.ErrURL, u.Redacted())
	}
	return &dialer{t, parsed, o}, nil
}

type dialer struct {
	Transport
	url *url.URL
	o   transport.DialOptions
}

// ErrNoStream says that the server's answer is not a stream; the text says what it is.
var ErrNoStream = errors.New("no stream of the Scalability Protocols")

// Dial implements [transport.Dialer].
func (d *dialer) Dial(ctx context.Context) (transport.Link, error) {
	config, err := d.tls(ctx)
	if err != nil {
		return nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(d.url.Scheme == "https")
	protocols.SetUnencryptedHTTP2(d.url.Scheme == "http")
	carrier := &http.Transport{Protocols: protocols, TLSClientConfig: config, DialContext: d.o.DialContext, Proxy: d.Proxy, MaxResponseHeaderBytes: maxHeader}
	if carrier.Proxy == nil {
		carrier.Proxy = http.ProxyFromEnvironment
	}
	conn, err := carrier.NewClientConn(ctx, d.url.Scheme, net.JoinHostPort(d.url.Hostname(), d.url.Port())) // no port is that of the scheme
	if err != nil {
		return nil, err
	}
	c, err := d.open(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &transport.Stream{Conn: c}, nil
}

func (d *dialer) tls(ctx context.Context) (*tls.Config, error) {
	config := d.o.TLS
	if d.o.GetTLS != nil {
		var err error
		if config, err = d.o.GetTLS(ctx); err != nil {
			return nil, err
		}
	}
	if config == nil {
		return nil, nil
	}
	return config.Clone(), nil // net/http changes it
}

// open makes a stream of a connection, which it owns if there is no error.
func (d *dialer) open(ctx context.Context, conn *http.ClientConn) (*clientConn, error) {
	near, far := stream.Pipe()
	nearConn, err := near.Conn()
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &clientConn{halfCloser: nearConn.(halfCloser), remote: address(d.url.Host), conn: conn, scope: scope.New(), cancel: cancel}
	r, err := http.NewRequestWithContext(life, http.MethodPost, d.url.String(), newUpload(life, far))
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	if d.Header != nil {
		r.Header = d.Header.Clone()
	}
	if d.url.User != nil {
		password, _ := d.url.User.Password()
		r.SetBasicAuth(d.url.User.Username(), password)
	}
	r.Header.Set("Content-Type", StreamType)
	_ = c.scope.Go(func() { c.download(life, far, r) }) // a new scope is open
	return c, nil
}

// download makes the request and passes the answer on. The far end writes meanwhile: nginx keeps the head of an answer until there is a
// byte of a body in one of the directions.
func (c *clientConn) download(ctx context.Context, far *stream.Bytes, r *http.Request) {
	answer, err := c.conn.RoundTrip(r)
	if err == nil {
		defer answer.Body.Close()
		if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != StreamType {
			err = fmt.Errorf("%w: %s answers %s with content of type %.60q", ErrNoStream, r.URL.Redacted(), answer.Status, kind)
		}
	}
	if err != nil {
		c.refused.Store(&err)
		_ = far.Close()
		return
	}
	if copyTo(ctx, far, answer.Body) != nil {
		_ = far.Close()
	} else {
		_ = far.CloseWrite(ctx)
	}
}

// upload is the body of a request: what the near end writes. Close ends a Read, for which net/http waits before it reports that
// the connection is gone.
type upload struct {
	ctx  context.Context
	stop context.CancelFunc
	far  *stream.Bytes
}

func newUpload(ctx context.Context, far *stream.Bytes) *upload {
	ctx, stop := context.WithCancel(ctx)
	return &upload{ctx, stop, far}
}

func (u *upload) Read(p []byte) (int, error) { return u.far.Read(u.ctx, p) }

func (u *upload) Close() error {
	u.stop()
	return nil
}

type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// A clientConn is the near end of a stream within a request.
type clientConn struct {
	halfCloser
	remote net.Addr
	conn   *http.ClientConn
	scope  *scope.Scope
	cancel context.CancelFunc

	refused atomic.Pointer[error] // why there is no stream
}

// Read reads from the answer. If there is none, the error says why.
func (c *clientConn) Read(p []byte) (int, error) {
	n, err := c.halfCloser.Read(p)
	if refused := c.refused.Load(); err != nil && refused != nil {
		return n, *refused
	}
	return n, err
}

// RemoteAddr is the host of the URL.
func (c *clientConn) RemoteAddr() net.Addr { return c.remote }

// Close ends both directions at once.
func (c *clientConn) Close() error {
	err := c.halfCloser.Close()
	c.cancel()
	_ = c.conn.Close()
	c.scope.Close(nil)
	return err
}
