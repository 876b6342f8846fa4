// SPDX-License-Identifier: MIT

package endpoint

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

// A Socket has the common methods of all sockets.
type Socket interface {
	Connect(url string) (*spry.Endpoint, error)
	Listen(ctx context.Context, url string) (*spry.Endpoint, error)
	DialWith(ctx context.Context, d *spry.DialConfig) (*spry.Endpoint, error)
	ListenWith(ctx context.Context, l *spry.ListenConfig) (*spry.Endpoint, error)
	Pipes() iter.Seq[*spry.Pipe]
	WaitPipes(ctx context.Context, n int) error
	Events(ctx context.Context) iter.Seq[spry.Event]
	Stats() spry.Stats
	Shutdown(ctx context.Context) error
	Close() error
}

// A Set is the endpoints of one socket. Its order does not matter: listeners are opened first.
type Set struct {
	Dial, Listen []string
	TLS          TLS

	// For the texts of errors.
	Verb bool // the socket is that of a verb: a peer of another role is for another verb
	ZMTP bool // --zmtp was given

	dialers   []*spry.Endpoint
	listening []string
	faults    *faults // that were reported; nil without ReportFaults
}

// Open opens the endpoints. Dialers connect in the background and keep trying for ever. say reports the addresses of
// listeners.
func (s *Set) Open(ctx context.Context, socket Socket, say func(form string, args ...any)) error {
	for _, url := range slices.Concat(s.Listen, s.Dial) {
		if err := Check(url); err != nil {
			return exit.Errorf(exit.Usage, "%w", err)
		}
	}
	report := func(err error) {
		if err == nil {
			say("new certificates are in use")
		} else {
			say("the certificates in use stay: %v", err)
		}
	}
	client, err := s.TLS.Dialer(report)
	if err != nil {
		return err
	}
	server, err := s.TLS.Server(report)
	if err != nil {
		return err
	}
	for _, url := range s.Listen {
		if server == nil && Secured(url) {
			return exit.Errorf(exit.Usage, "%s needs a certificate: give --cert FILE, and --key FILE if it is not in there", url)
		}
		if s.TLS.Revoked != "" && s.TLS.CACert == "" && Secured(url) {
			return exit.Errorf(exit.Usage, "--crl for %s needs --cacert FILE: without it, a listener asks no peer for a certificate", url)
		}
		e, err := socket.ListenWith(ctx, &spry.ListenConfig{URL: url, TLS: server})
		if err != nil {
			return misused(&explained{err, fmt.Sprintf("listen %s: %s", urls.Redact(url), s.Explain(url, true, err))})
		}
		s.listening = append(s.listening, e.URL())
		say("listening at %s", e.URL())
	}
	for _, url := range s.Dial {
		e, err := socket.DialWith(ctx, &spry.DialConfig{URL: url, GetTLS: client, Background: true})
		if err != nil {
			return misused(err)
		}
		s.dialers = append(s.dialers, e)
	}
	return nil
}

// misused makes an error about an address one of usage.
func misused(err error) error {
	if errors.Is(err, transport.ErrURL) || errors.Is(err, spry.ErrScheme) {
		return exit.Errorf(exit.Usage, "%w", err)
	}
	return err
}

// Peer is the sender of a message.
func Peer(p *spry.Pipe) (address string, id uint64) {
	if p == nil {
		return "", 0
	}
	if a := p.RemoteAddr(); a != nil {
		address = a.String()
	}
	return address, uint64(p.ID())
}

// WaitNoPipes waits until a socket has no connection any more.
func WaitNoPipes(ctx context.Context, socket Socket) error {
	return wait.Until(ctx, func() bool {
		for range socket.Pipes() {
			return false
		}
		return true
	})
}
