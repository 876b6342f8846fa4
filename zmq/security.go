// SPDX-License-Identifier: MIT

package zmq

import (
	"crypto/fips140"
	"fmt"
	"io"

	"golang.org/x/crypto/curve25519"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

var _ = []resolver{PlainClient{}, PlainServer{}, CurveClient{}, CurveServer{}}

// A resolver is a [spry.Security] of this package.
type resolver interface {
	spry.Security
	resolve() (wire.Security, engine.Authenticate, error)
}

func init() {
	face.Resolve = func(security any) (wire.Security, engine.Authenticate, bool, error) {
		r, ok := security.(resolver)
		if !ok {
			return nil, nil, false, nil
		}
		s, authenticate, err := r.resolve()
		return s, authenticate, true, err
	}
}

// maxCredential is the most bytes of a user name or a password: its length has one byte on the wire.
const maxCredential = 255

// PlainClient sends a name and a password to peers that are a [PlainServer]. Neither is encrypted: use it over ipc or tls+tcp.
// Client and server are roles of the handshake: either end may dial.
type PlainClient struct {
	Username string // 1 to 255 bytes
	Password string `json:"-"` // up to 255 bytes
}

// PlainServer asks peers, each a [PlainClient], for a name and a password. After a wrong one, further attempts from the
// same IP address, IPv6 /64 or local user are delayed: by 100 ms, doubled with each refusal, up to 5 s. Beyond 32 waiting
// attempts, the others are refused as by [ErrTryLater].
type PlainServer struct {
	Check Authenticator // decides which clients to accept: [AllowPasswords] or a function. Required.
}

// CurveClient encrypts connections with peers that are a [CurveServer], and verifies their key. Client and server are roles of
// the handshake: either end may dial.
type CurveClient struct {
	Secret SecretKey // the client's own key. Zero means a new key, which lives as long as the socket.
	Server PublicKey // the server's public key; servers with another are refused. Required.
}

// CurveServer encrypts connections with peers that are each a [CurveClient].
type CurveServer struct {
	Secret SecretKey     // the server's own key; clients know its public half. Required.
	Check  Authenticator // decides which clients to accept: [AllowKeys], [AllowCertificates] or a function. Nil accepts every key.
}

// Format omits the password, for every verb.
func (c PlainClient) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "PLAIN as %q", c.Username) }

// Format omits the secret key, for every verb. A method of the key itself would not be enough: for a verb that does not fit
// a value, package fmt calls no methods of its fields.
func (c CurveClient) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "CURVE client of %v", c.Server)
}

// Format omits the secret key, for every verb.
func (CurveServer) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "CURVE server") }

// Mechanism returns "PLAIN".
func (PlainClient) Mechanism() string { return mechanismPlain }

// Mechanism returns "PLAIN".
func (PlainServer) Mechanism() string { return mechanismPlain }

// Mechanism returns "CURVE".
func (CurveClient) Mechanism() string { return mechanismCurve }

// Mechanism returns "CURVE".
func (CurveServer) Mechanism() string { return mechanismCurve }

func (c PlainClient) resolve() (wire.Security, engine.Authenticate, error) {
	switch {
	case c.Username == "":
		return nil, nil, configError("PlainClient.Username", "is empty: say who the socket is")
	case len(c.Username) > maxCredential:
		return nil, nil, configError("PlainClient.Username", "has %d bytes and at most %d are possible", len(c.Username), maxCredential)
	case len(c.Password) > maxCredential:
		return nil, nil, configError("PlainClient.Password", "has %d bytes and at most %d are possible", len(c.Password), maxCredential)
	}
	return zmtp.PlainClient(c), nil, nil
}

func (s PlainServer) resolve() (wire.Security, engine.Authenticate, error) {
	if s.Check == nil {
		return nil, nil, configError("PlainServer.Check", "is nil: say who may come in, with AllowPasswords or a function")
	}
	return zmtp.PlainServer{}, s.Check.answer(), nil
}

// resolve makes the key of a client that has none.
func (c CurveClient) resolve() (wire.Security, engine.Authenticate, error) {
	if fips140.Enforced() {
		return nil, nil, configError("CurveClient", "%w", ErrFIPS)
	}
	if c.Server == (PublicKey{}) {
		return nil, nil, configError("CurveClient.Server", "is zero: the server's public key is needed")
	}
	if c.Secret == (SecretKey{}) {
		_, secret, err := GenerateKeys()
		if err != nil {
			return nil, nil, configError("CurveClient.Secret", "could not be made: %w", err)
		}
		c.Secret = secret
	}
	if _, err := curve25519.X25519(c.Secret[:], c.Server[:]); err != nil { // otherwise each handshake would fail
		return nil, nil, configError("CurveClient.Server", "is no key that can be used: %w", err)
	}
	return zmtp.CurveClient{Secret: zmtp.Key(c.Secret), ServerKey: zmtp.Key(c.Server)}, nil, nil
}

func (s CurveServer) resolve() (wire.Security, engine.Authenticate, error) {
	if fips140.Enforced() {
		return nil, nil, configError("CurveServer", "%w", ErrFIPS)
	}
	if s.Secret == (SecretKey{}) {
		return nil, nil, configError("CurveServer.Secret", "is zero: use a key of GenerateKeys, whose other half the peers know")
	}
	if _, err := s.Secret.Public(); err != nil {
		return nil, nil, configError("CurveServer.Secret", "cannot be used: %w", err)
	}
	return zmtp.CurveServer{Secret: zmtp.Key(s.Secret)}, s.Check.answer(), nil
}

// configError is a [spry.ErrConfig] that names the field.
func configError(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s %w", spry.ErrConfig, field, fmt.Errorf(format, args...))
}
