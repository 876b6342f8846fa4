// SPDX-License-Identifier: MIT

package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
)

// A listener is a table [[listen]].
type listener struct {
	line  int
	lines map[string]int

	address, cert, key, cacert, mode string

	files certs.Files
}

func (l *listener) keys() []settings.Key {
	return []settings.Key{
		settings.String("address", &l.address), settings.String("cert", &l.cert), settings.String("key", &l.key),
		settings.String("cacert", &l.cacert), settings.String("mode", &l.mode),
	}
}

// unix is the file of a Unix socket; "" of a TCP address.
func (l *listener) unix() string {
	path, is := strings.CutPrefix(l.address, "unix:")
	if !is {
		return ""
	}
	return path
}

func (l *listener) check(c *config) {
	host, port, err := net.SplitHostPort(l.address)
	number, portErr := strconv.ParseUint(port, 10, 16)
	isUnix := strings.HasPrefix(l.address, "unix:")
	switch {
	case l.address == "":
		c.errorf(l.line, `[[listen]] needs an address: address = "127.0.0.1:8080"`)
	case isUnix && l.unix() == "", !isUnix && (err != nil || portErr != nil || strings.ContainsAny(host, "/ ")):
		c.errorf(l.lines["address"], `address: %q is neither HOST:PORT nor unix:PATH; write "127.0.0.1:8080", or ":8080" for all interfaces`, l.address)
	case !isUnix:
		l.address = net.JoinHostPort(host, strconv.FormatUint(number, 10))
	}
	if _, err := strconv.ParseUint(l.mode, 8, 9); l.mode != "" && (err != nil || !isUnix) {
		c.errorf(l.lines["mode"], `mode: it is that of a Unix socket's file, such as "0660"`)
	}
	if l.cert == "" {
		for _, key := range []string{"key", "cacert"} {
			if line, is := l.lines[key]; is {
				c.errorf(line, "%s needs cert, the certificate of this end", key)
			}
		}
		return
	}
	l.files = certs.Files{
		Cert: c.path(l.cert), Key: c.path(l.key), Authorities: c.path(l.cacert),
		Base: &tls.Config{NextProtos: []string{"h2", "http/1.1"}},
	}
	if _, err := certs.Load(l.files); err != nil {
		c.failed(l.lines["cert"], "cert", err)
	}
}

// url is the address as a client writes it, of the listener's own or the one that it got.
func (l *listener) url(got net.Addr) string {
	scheme, address := "http", l.address
	if l.cert != "" {
		scheme = "https"
	}
	if got != nil {
		address = got.String()
	}
	if l.unix() != "" {
		return scheme + "+unix:" + l.unix()
	}
	if strings.HasPrefix(address, ":") {
		address = "*" + address
	}
	return scheme + "://" + address
}

// open listens. Changed certificates are reported.
func (l *listener) open(ctx context.Context, report func(error)) (net.Listener, error) {
	network, address := "tcp", l.address
	if l.unix() != "" {
		network, address = "unix", l.unix()
	}
	var config net.ListenConfig
	on, err := config.Listen(ctx, network, address)
	if errors.Is(err, syscall.EADDRINUSE) && network == "unix" && abandoned(ctx, address) && os.Remove(address) == nil {
		on, err = config.Listen(ctx, network, address)
	}
	if err != nil {
		return nil, err
	}
	if mode, err := strconv.ParseUint(l.mode, 8, 9); err == nil && network == "unix" {
		if err := os.Chmod(address, os.FileMode(mode)); err != nil {
			_ = on.Close()
			return nil, err
		}
	}
	if l.cert == "" {
		return on, nil
	}
	l.files.Report = report
	source, err := certs.Load(l.files)
	if err != nil {
		_ = on.Close()
		return nil, err
	}
	return tls.NewListener(on, source.Server()), nil
}

// abandoned reports whether a Unix socket was left by a process that has ended.
func abandoned(ctx context.Context, path string) bool {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
