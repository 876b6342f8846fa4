// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Credentials are what a peer presents in its handshake, and what is known of its connection.
type Credentials struct {
	Mechanism string            // "PLAIN" or "CURVE"; in a ZAP request also "NULL"
	Username  string            // PLAIN: claimed
	Password  string            `json:"-"` // PLAIN
	PublicKey PublicKey         // CURVE: proved to be the peer's
	Metadata  map[string]string // the peer's properties, claimed; nil with PLAIN, which sends them later
	Domain    string            // of a ZAP request; see [HandleZAP]

	Address net.Addr             // the peer's
	Creds   *transport.Creds     // who the peer's process is, where the operating system says so; else nil
	TLS     *tls.ConnectionState // of a connection over TLS, with the peer's certificates; else nil
}

// Format omits the password, for every verb.
func (c Credentials) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "%s from %v", c.Mechanism, c.Address)
	switch c.Mechanism {
	case mechanismPlain:
		_, _ = fmt.Fprintf(s, " as %q", c.Username)
	case mechanismCurve:
		_, _ = fmt.Fprintf(s, " with key %v", c.PublicKey)
	}
}

// The names of the mechanisms.
const (
	mechanismNull  = "NULL"
	mechanismPlain = "PLAIN"
	mechanismCurve = "CURVE"
)

// An Authenticator decides whether to accept a peer with these credentials, and returns its user, which may be empty. The
// user is in the [spry.Pipe]'s Metadata as "User-Id". It is called within the handshake, in a goroutine of the connection, so
// several calls may run at once. ctx ends with the time for the handshake, or with the endpoint. It is not called again for
// existing pipes, and never for inproc peers.
//
// The error decides what a refused peer is sent: the status 400 for [ErrDenied], none for [ErrTryLater], and 500, an internal
// failure, for every other error. The text of the error is not sent to the peer.
type Authenticator func(ctx context.Context, c Credentials) (user string, err error)

var (
	// ErrDenied says that the credentials are wrong. The peer receives the status 400.
	ErrDenied = errors.New("the credentials are wrong")
	// ErrTryLater says that the peer may be accepted later. Its connection is closed without a status, because libzmq's
	// clients do not redial after one. In replies of [HandleZAP] the status is 300.
	ErrTryLater = errors.New("not now: try again later")
)

// The statuses of RFC 27, which authenticators, handlers of ZAP and peers agree on.
const (
	statusOK       = "200"
	statusTryLater = "300"
	statusDenied   = "400"
	statusFailed   = "500"
)

// statusOf is what an authenticator's error means to the peer.
func statusOf(err error) string {
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, ErrTryLater):
		return statusTryLater
	case errors.Is(err, ErrDenied):
		return statusDenied
	}
	return statusFailed
}

// answer is the authenticator as the engine asks it. None stays none.
func (check Authenticator) answer() engine.Authenticate {
	if check == nil {
		return nil
	}
	return func(ctx context.Context, q *wire.Question, link transport.Link) wire.Verdict {
		user, err := check(ctx, newCredentials(q, link))
		if err != nil {
			return wire.Verdict{Status: statusOf(err), Err: err}
		}
		return wire.Verdict{Accept: true, User: user}
	}
}

func newCredentials(q *wire.Question, link transport.Link) Credentials {
	info := link.Info()
	c := Credentials{
		Mechanism: q.Mechanism, Username: q.Username, Password: q.Password, Metadata: q.Metadata,
		Address: link.RemoteAddr(), Creds: info.Creds, TLS: info.TLS,
	}
	copy(c.PublicKey[:], q.PublicKey)
	return c
}
