// SPDX-License-Identifier: MIT

package nngcat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// maxRecv is the largest message that is taken without --recv-maxsz, in bytes.
const maxRecv = 1 << 30

// run opens the socket and its endpoints, works, delivers and closes.
func run(ctx context.Context, c *config, stdout io.Writer) (err error) {
	adapted, socket, err := open(c)
	if err != nil {
		return err
	}
	defer func() {
		delivering := context.WithoutCancel(ctx)
		if err != nil || ctx.Err() != nil {
			socket.Close()
			return
		}
		if shutdownErr := socket.Shutdown(delivering); shutdownErr != nil {
			err = fmt.Errorf("Send error: %s", errorText(shutdownErr))
		}
	}()
	if err := c.openEndpoints(ctx, socket, stdout); err != nil {
		return err
	}
	if s, ok := adapted.(*surveyor); ok {
		defer s.end()
	}
	p := program{config: c, socket: adapted, stdout: stdout}
	return p.loop(ctx)
}

// open makes the protocol's socket.
func open(c *config) (socket, endpoint.Socket, error) {
	o := spry.Options{MaxMessageSize: maxRecv, Transports: endpoint.Transports()}
	if c.maxRecv > 0 {
		o.MaxMessageSize = int64(c.maxRecv)
	}
	return protocols[c.protocol].open(c, o)
}

// openEndpoints opens the addresses in their order. A first connection that fails ends the program, unless --async.
func (c *config) openEndpoints(ctx context.Context, s endpoint.Socket, stdout io.Writer) error {
	for _, a := range c.addresses {
		verb, noun, label := "dial", "dialer", "Connected to"
		if a.listen {
			verb, noun, label = "listen", "listener", "Listening at"
		}
		if err := endpoint.Check(a.url); err != nil {
			return fmt.Errorf("Unable to create %s for %s: %s", noun, a.url, errorText(err))
		}
		client, server, err := c.tls()
		if err != nil {
			return fmt.Errorf("Unable to configure TLS: %s", errorText(err))
		}
		var e *spry.Endpoint
		if a.listen {
			e, err = s.ListenWith(ctx, &spry.ListenConfig{URL: a.url, TLS: server})
		} else {
			e, err = s.DialWith(ctx, &spry.DialConfig{URL: a.url, TLS: client, Background: c.async})
		}
		if err != nil {
			return fmt.Errorf("Unable to %s on %s: %s", verb, a.url, errorText(err))
		}
		if c.verbose {
			fmt.Fprintf(stdout, "%s: %s\n", label, e.URL())
		}
	}
	return nil
}

// tls makes the configurations for dialing and listening; nil where nothing was asked for.
func (c *config) tls() (client, server *tls.Config, err error) {
	if !c.insecure && c.cacert == nil && c.cert == nil {
		return nil, nil, nil
	}
	client, server = &tls.Config{InsecureSkipVerify: c.insecure}, &tls.Config{}
	if c.cert != nil {
		key := c.key
		if key == nil {
			key = c.cert
		}
		pair, err := tls.X509KeyPair(c.cert, key)
		if err != nil {
			return nil, nil, errors.New("Cryptographic error")
		}
		client.Certificates = []tls.Certificate{pair}
		server.Certificates = client.Certificates
	}
	if c.cacert != nil {
		client.RootCAs = x509.NewCertPool()
		if !client.RootCAs.AppendCertsFromPEM(c.cacert) {
			return nil, nil, errors.New("Cryptographic error")
		}
	}
	return client, server, nil
}
