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
	Mechanism string            // "PLAIN" or "CURVE"; in a request of ZAP also "NULL"
	Username  string            // PLAIN: claimed
	Password  string            `json:"-"` // PLAIN
	PublicKey PublicKey         // CURVE: proved to be the peer's
	Metadata  map[string]string // the peer's properties; with PLAIN it sends them later
	Domain    string            // of a request of ZAP; see [HandleZAP]

	Address net.Addr             // the peer's
	Creds   *transport.Creds     // who the peer's process is, where the operating system says so; else nil
	TLS     *tls.ConnectionState // of a connection over TLS, with the peer's certificates; else nil
}

// Format leaves the password out, whatever the verb.
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
// user is in the [spry.Pipe]'s Metadata as "User-Id". It is called within the handshake, in a goroutine of the connection;
// ctx ends with the time for the handshake. It is not called again for existing pipes, and never for inproc peers.
//
// The status that a refused peer receives depends on the error: [ErrDenied] and [ErrTryLater] have a status of their own;
// every other error is reported as an internal failure.
type Authenticator func(ctx context.Context, c Credentials) (user string, err error)

var (
	// ErrDenied says that the credentials are wrong; the peer receives the status 400.
	ErrDenied = errors.New("the credentials are wrong")
	// ErrTryLater says that the peer may come in later; the status is 300.
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
