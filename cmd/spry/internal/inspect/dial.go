// SPDX-License-Identifier: MIT

package inspect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

// ErrAddress is wrapped by errors about addresses that cannot be inspected at all.
var ErrAddress = errors.New("cannot be inspected")

// dial makes a plain connection to a URL; TLS is left to the caller. It does not use the transports, because the peer may
// speak any protocol.
func dial(ctx context.Context, rawURL string) (net.Conn, error) {
	u, err := endpoint.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if rest, _ := urls.Cut(u, "tls"); rest.Scheme != rest.Base() {
		return nil, fmt.Errorf("%s %w; leave out the layers, other than tls", u.Redacted(), ErrAddress)
	}
	network, address := u.Base(), u.Address
	switch network {
	case "inproc":
		return nil, fmt.Errorf("%s %w; addresses of tcp, tls+tcp, ws, wss, ipc, unix and abstract can", u.Redacted(), ErrAddress)
	case "ipc":
		network = "unix"
	case "abstract":
		network = "unix"
		if address, err = url.PathUnescape("@" + address); err != nil {
			return nil, fmt.Errorf("%s %w: %w", u.Redacted(), ErrAddress, err)
		}
	}
	if _, after, found := strings.Cut(address, ";"); found && network != "unix" {
		address = after // the interface to use matters for messages, not for a look
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	return conn, nil
}

// secure reports whether a URL's scheme has TLS.
func secure(rawURL string) bool {
	u, err := endpoint.Parse(rawURL)
	_, layered := urls.Cut(u, "tls")
	return err == nil && layered
}

// clientConfig is the configuration for a URL: the caller's, with the URL's host as the name to verify.
func clientConfig(rawURL string, config *tls.Config) *tls.Config {
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName != "" || config.InsecureSkipVerify {
		return config
	}
	config = config.Clone()
	if u, err := transport.ParseURL(rawURL); err == nil {
		if host, _, err := net.SplitHostPort(u.Address); err == nil {
			config.ServerName = host
		}
	}
	return config
}
