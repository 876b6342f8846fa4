// SPDX-License-Identifier: MIT

package port

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/tlsconfig"
	"github.com/sprymq/spry/internal/unfinished"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
)

// A Config has the settings of a port. The zero value, or nil, means the defaults.
type Config struct {
	// TLS ends TLS at the port, and needs a certificate. Package certs, or GetCertificate and GetConfigForClient, may exchange
	// certificates while the port runs. If the configuration for a client has no NextProtos, it gets the ALPN names of the claims
	// that the client may reach. Nil means that TLS is refused unless a listener claims [RawTLS].
	TLS *tls.Config

	// Timeout is how long a connection may be undecided: its first bytes and the handshake of TLS together. 0 means 10 s.
	Timeout time.Duration

	// MaxUndecided is the maximum number of undecided connections. 0 means 1,024.
	MaxUndecided int

	// Backlog is how many connections of one listener may wait for Accept. Further ones are refused. 0 means 128.
	Backlog int

	// Refused is called for each connection that is refused, by several goroutines at once. It may call any method of the
	// port. Nil means that refused connections are only counted.
	Refused func(remote net.Addr, reason Reason, err error)
}

const (
	defaultTimeout   = 10 * time.Second
	defaultUndecided = 1024
	defaultBacklog   = 128
)

// A Port passes the connections of one address to the listeners that have claimed their protocols. Its methods are safe for
// concurrent use.
type Port struct {
	inner  net.Listener
	url    string
	config Config
	tls    *tls.Config // with the port's GetConfigForClient; nil without TLS
	scope  *scope.Scope
	table  atomic.Pointer[table]

	mu        lock.Mutex[lock.Port]
	closed    bool
	undecided unfinished.Set[*connection]
	stats     Stats
}

// A table has the claims, in their order. It does not change: another one takes its place.
type table struct {
	claims []*Listener
	all    []*Protocol // of the claims, and then the languages of refusals
}

func newTable(claims []*Listener) *table {
	t := &table{claims: claims}
	for _, l := range claims {
		t.all = append(t.all, &l.protocol)
	}
	for i := range languages {
		t.all = append(t.all, &languages[i])
	}
	return t
}

// Listen binds a tcp:// or ipc:// URL, in the forms that sockets take. tcp://127.0.0.1:0 picks a free port: see [Port.URL]. ctx
// bounds the binding. c may be nil.
func Listen(ctx context.Context, url string, c *Config) (*Port, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	for _, t := range []transport.Transport{tcp.Transport{}, ipc.Transport{}} {
		if !slices.Contains(t.Schemes(), u.Scheme) {
			continue
		}
		l, err := t.Listen(ctx, u, transport.ListenOptions{})
		if err != nil {
			return nil, err
		}
		return newPort(linkListener{l}, l.URL(), c)
	}
	return nil, fmt.Errorf("%s: %w: a port listens at tcp:// or ipc://; Config.TLS adds TLS", u.Redacted(), transport.ErrURL)
}

// New returns a port for the connections that l accepts. The port owns l from now on, and closes it on an error. c may be nil.
func New(l net.Listener, c *Config) (*Port, error) {
	return newPort(l, transport.URL{Scheme: l.Addr().Network(), Address: l.Addr().String()}.String(), c)
}

func newPort(l net.Listener, url string, c *Config) (*Port, error) {
	p := &Port{inner: l, url: url, scope: scope.New()}
	if c != nil {
		p.config = *c
	}
	if p.config.Timeout <= 0 {
		p.config.Timeout = defaultTimeout
	}
	if p.config.MaxUndecided <= 0 {
		p.config.MaxUndecided = defaultUndecided
	}
	if p.config.Backlog <= 0 {
		p.config.Backlog = defaultBacklog
	}
	if p.config.TLS != nil {
		config, err := tlsconfig.Listener(p.config.TLS)
		if err != nil {
			_ = l.Close()
			return nil, fmt.Errorf("%s: %w", url, err)
		}
		p.config.TLS = config
		p.tls = config.Clone()
		p.tls.GetConfigForClient = p.configFor
	}
	p.table.Store(newTable(nil))
	return p, nil
}

// A linkListener accepts the connections of a transport's streams.
type linkListener struct{ transport.Listener }

func (l linkListener) Accept() (net.Conn, error) {
	link, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s, ok := link.(*transport.Stream)
	if !ok {
		_ = link.Close()
		return nil, fmt.Errorf("%s made a %T, which is no stream", l.URL(), link)
	}
	return s.Conn, nil
}

// Addr returns the bound address.
func (p *Port) Addr() net.Addr { return p.inner.Addr() }

// URL returns the address that a local client can dial: tcp://127.0.0.1:40123.
func (p *Port) URL() string { return p.url }

const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// Serve accepts connections until [Port.Close], and then returns a [net.ErrClosed]. Claim protocols before it: connections without
// a claim are refused. A listener that fails for good closes the port; other errors of it, such as a lack of descriptors,
// are counted, and Serve goes on after a pause.
func (p *Port) Serve() error {
	pause := time.Duration(0)
	for {
		conn, err := p.inner.Accept()
		switch {
		case err == nil:
			pause = 0
			p.begin(conn)
			continue
		case errors.Is(err, net.ErrClosed):
			_ = p.Close()
			return err
		}
		p.count(func(s *Stats) { s.AcceptFailed++ })
		pause = min(max(2*pause, shortestPause), longestPause)
		p.scope.Sleep(pause) // Accept then reports that the port is closed, if it is
	}
}

// Close closes the address, the listeners, and the connections that no Accept has returned. It waits until their goroutines have
// ended. Connections that were accepted stay open. A second Close waits for the first.
func (p *Port) Close() error {
	err := p.inner.Close()
	p.scope.Cancel(net.ErrClosed)
	p.mu.Lock()
	p.closed = true
	for c := range p.undecided.All() {
		_ = c.conn.Close()
	}
	p.mu.Unlock()
	for _, l := range p.table.Load().claims {
		_ = l.Close()
	}
	p.scope.Join()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (p *Port) count(f func(s *Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

// configFor is the configuration of TLS for a client. A client that names a server which no claim serves gets the alert
// unrecognized_name, which crypto/tls sends for a configuration without a certificate.
func (p *Port) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := p.config.TLS
	if c.GetConfigForClient != nil {
		own, err := c.GetConfigForClient(hello)
		if err != nil {
			return nil, err
		}
		if own != nil {
			c = own
		}
	}
	t := p.table.Load()
	served, names := serves(t.all[:len(t.claims)], hello.ServerName)
	switch {
	case !served:
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	case len(c.NextProtos) == 0 && len(names) > 0:
		c = c.Clone()
		c.NextProtos = names
	}
	return c, nil
}
