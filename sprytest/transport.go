// SPDX-License-Identifier: MIT

package sprytest

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/tlsconfig"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// replaced are the transports whose place a host takes. Their dialers do all but connect.
var replaced = []transport.Transport{tcp.Transport{}, tlstcp.Transport{}, ipc.Transport{}}

// Schemes returns those of tcp, tls+tcp and ipc.
func (h *Host) Schemes() (all []string) {
	for _, t := range replaced {
		all = append(all, t.Schemes()...)
	}
	return all
}

// Dialer implements [transport.Transport]. A DialContext of the options is used as elsewhere, in place of the network.
func (h *Host) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	if u.Base() != "ipc" && strings.HasPrefix(u.Address, "_") {
		return nil, fmt.Errorf("%s: a simulated network has no SRV records; write host:port", u.Redacted())
	}
	if o.DialContext == nil {
		o.DialContext = h.DialContext
	}
	for _, t := range replaced {
		if contains(t, u.Scheme) {
			d, err := t.Dialer(u, o)
			if err != nil {
				return nil, err
			}
			return dialer{d, h.net.source("dialer of " + h.name + " to " + u.String())}, nil
		}
	}
	return nil, unknown(u)
}

func contains(t transport.Transport, scheme string) bool { return slices.Contains(t.Schemes(), scheme) }

func unknown(u transport.URL) error {
	return fmt.Errorf("%s: a simulated network has no such scheme", u.Redacted())
}

// A dialer is a source of random numbers too: the waits between attempts are those of the seed.
type dialer struct {
	transport.Dialer
	rand.Source
}

// Listen implements [transport.Transport].
func (h *Host) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("listen %s: %w", u.Redacted(), err)
	}
	l := &listener{framing: transport.FramingLength, scheme: u.Scheme}
	var err error
	switch {
	case contains(tlstcp.Transport{}, u.Scheme):
		if l.tls, err = tlsconfig.Listener(o.TLS); err == nil {
			l.Listener, l.address, err = h.listenURL(u)
		}
	case contains(tcp.Transport{}, u.Scheme):
		l.Listener, l.address, err = h.listenURL(u)
	case contains(ipc.Transport{}, u.Scheme):
		l.framing, l.address = transport.FramingTyped, u.Address
		if u.Address == "*" || strings.HasSuffix(u.Address, "/*") {
			l.address = strings.TrimSuffix(u.Address, "*") + h.net.freshName()
		}
		file := l.address
		if u.Base() == "abstract" { // as a dialer names it
			if file, err = url.PathUnescape(file); err == nil {
				file = "@" + file
			}
		}
		if err == nil {
			l.Listener, err = h.net.sim.ListenHost(h.file(file))
		}
	default:
		return nil, unknown(u)
	}
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", u.Redacted(), err)
	}
	return l, nil
}

// listenURL listens at the address of a URL of tcp, and returns that which others dial.
func (h *Host) listenURL(u transport.URL) (net.Listener, string, error) {
	address := u.Address
	if host, found := strings.CutSuffix(address, ":*"); found {
		address = host + ":0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", transport.ErrURL, err)
	}
	if host == "*" {
		host = ""
	}
	l, err := h.listenTCP(net.JoinHostPort(host, port))
	if err != nil {
		return nil, "", err
	}
	at := l.Addr().String()
	_, port, _ = net.SplitHostPort(at) // of an address of this package
	if host == "" || !isLoopback(host) {
		host = h.name
	}
	return l, net.JoinHostPort(host, port), nil
}

// A listener makes links of connections.
type listener struct {
	net.Listener
	scheme  string
	address string
	framing transport.Framing
	tls     *tls.Config // nil: none
}

// Accept implements [transport.Listener].
func (l *listener) Accept() (transport.Link, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		conn = tls.Server(conn, l.tls)
	}
	return &transport.Stream{Conn: conn, Framing: l.framing}, nil
}

// URL implements [transport.Listener].
func (l *listener) URL() string { return l.scheme + "://" + l.address }
