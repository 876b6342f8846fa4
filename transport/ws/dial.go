// SPDX-License-Identifier: MIT

package ws

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"

	"github.com/sprymq/spry/internal/tlsconfig"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
)

// Dialer checks the address and returns a dialer for it. Errors of a malformed address wrap [transport.ErrURL].
func (t Transport) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	a, err := parse(u)
	if err != nil {
		return nil, err
	}
	if d, err := t.browserDialer(&a); d != nil || err != nil {
		return d, err
	}
	d := &dialer{address: a, request: t.request(&a)}
	given := o.TLS
	if o.TLS = a.forServer(given); o.TLS == nil {
		o.TLS = a.forServer(&tls.Config{})
	}
	if get := o.GetTLS; get != nil {
		o.GetTLS = func(ctx context.Context) (*tls.Config, error) {
			c, err := get(ctx)
			return a.forServer(c), err
		}
	}
	if o.DialContext == nil && !a.overUnix() {
		proxy, err := t.proxyFor(d.request)
		if err != nil {
			return nil, a.wrap(err)
		}
		if proxy != nil {
			configs, err := tlsconfig.NewDialer(given, o.GetTLS)
			if err != nil {
				return nil, a.wrap(err)
			}
			o.DialContext = proxyDialer(proxy, configs)
		}
	}
	if d.Dialer, err = a.network.Dialer(a.inner, o); err != nil {
		return nil, a.wrap(err)
	}
	return d, nil
}

// forHTTP returns a configuration that names HTTP as the protocol inside, unless c names others. Nil stays nil.
func forHTTP(c *tls.Config) *tls.Config {
	if c == nil || len(c.NextProtos) > 0 {
		return c
	}
	c = c.Clone()
	c.NextProtos = []string{"http/1.1"}
	return c
}

// forServer is forHTTP of a dialer's configuration. A Unix socket has no name that the peer's certificate could be for, so there it is
// that of the request, unless c has another.
func (a *address) forServer(c *tls.Config) *tls.Config {
	c = forHTTP(c)
	if c != nil && c.ServerName == "" && a.overUnix() {
		c = c.Clone()
		c.ServerName = a.host
	}
	return c
}

// request is the request of a dialer, without what differs from one connection to the next.
func (t Transport) request(a *address) *http.Request {
	u := &url.URL{Scheme: "http", Host: a.host, RawQuery: a.query}
	u.Path, _ = url.PathUnescape(a.path) // which was checked
	if u.EscapedPath() != a.path {
		u.RawPath = a.path
	}
	r := &http.Request{
		Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: a.host, URL: u, Header: t.Header.Clone(),
	}
	if a.overTLS() {
		r.URL.Scheme = "https"
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	return r
}

type dialer struct {
	transport.Dialer
	address address
	request *http.Request
}

// Dial returns when the stream below is connected. The link's Handshake sends the request.
func (d *dialer) Dial(ctx context.Context) (transport.Link, error) {
	inner, err := d.Dialer.Dial(ctx)
	if err != nil {
		return nil, d.address.wrap(err)
	}
	k := newLink(inner.(*transport.Stream), true)
	k.request, k.format = d.request, d.address.format
	return k, nil
}

func (t Transport) proxyFor(r *http.Request) (*url.URL, error) {
	if t.Proxy != nil {
		return t.Proxy(r)
	}
	return http.ProxyFromEnvironment(r)
}

// proxyDialer returns a function that connects by way of a proxy. An https proxy is trusted if its certificate is from one of the
// authorities of configs.
func proxyDialer(proxy *url.URL, configs *tlsconfig.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port := proxy.Hostname(), proxy.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
		}
		if port == "" {
			port = "1080"
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(host, port))
		if err != nil {
			return nil, fmt.Errorf("proxy %s: %w", proxy.Redacted(), err)
		}
		through, err := tunnel(ctx, conn, proxy, configs, address)
		if err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("proxy %s, to %s: %w", proxy.Redacted(), address, err)
		}
		return through, nil
	}
}

// tunnel asks the proxy for a connection to an address.
func tunnel(ctx context.Context, conn net.Conn, proxy *url.URL, configs *tlsconfig.Dialer, address string) (net.Conn, error) {
	user := proxy.User.Username()
	password, _ := proxy.User.Password()
	below := stream.New(conn)
	var b *stream.Bytes
	var err error
	switch proxy.Scheme {
	case "socks5", "socks5h":
		b, err = stream.SOCKS5(ctx, below, address, user, password)
	case "https":
		config, err := configs.Config(ctx, proxy.Hostname())
		if err != nil {
			return nil, err
		}
		config = &tls.Config{RootCAs: config.RootCAs, ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12}
		if below, err = stream.TLSClient(ctx, below, config); err != nil {
			return nil, err
		}
		fallthrough
	case "http":
		header := make(textproto.MIMEHeader)
		if user != "" {
			header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
		}
		b, err = stream.HTTPConnect(ctx, below, address, header)
	default:
		err = errors.New("a proxy of this kind is not known: use http, https or socks5")
	}
	if err != nil {
		return nil, err
	}
	return b.Conn()
}
