// SPDX-License-Identifier: MIT

package zmtp

import (
	"fmt"
	"io"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// The names of the security mechanisms.
const (
	mechanismNull  = "NULL"
	mechanismPlain = "PLAIN"
	mechanismCurve = "CURVE"
)

// The names of the commands of handshakes.
const (
	nameReady    = "READY"
	nameHello    = "HELLO"
	nameWelcome  = "WELCOME"
	nameInitiate = "INITIATE"
)

// PlainClient shows a user name and a password, of up to 255 bytes each, unencrypted.
type PlainClient struct {
	Username string
	Password string `json:"-"`
}

// Format leaves the password out.
func (p PlainClient) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "PLAIN as %q", p.Username) }

// PlainServer asks who the peer is.
type PlainServer struct{}

// CurveClient encrypts, and knows the server by its key.
type CurveClient struct {
	Secret    Key       // the client's own
	ServerKey Key       // the server's public key
	Random    io.Reader // nil = the system's
}

// CurveServer encrypts, and asks whether the peer's key is good.
type CurveServer struct {
	Secret Key
	Random io.Reader // nil = the system's
}

// Mechanism implements [wire.Security].
func (PlainClient) Mechanism() string { return mechanismPlain }

// Mechanism implements [wire.Security].
func (PlainServer) Mechanism() string { return mechanismPlain }

// Mechanism implements [wire.Security].
func (CurveClient) Mechanism() string { return mechanismCurve }

// Mechanism implements [wire.Security].
func (CurveServer) Mechanism() string { return mechanismCurve }

// A mechanism is the part of a handshake that comes after the greeting. It writes to the handshake's out, and
// ends by giving the handshake the peer's metadata.
type mechanism interface {
	begin(h *handshake) error
	command(h *handshake, name string, data []byte) error
	verdict(h *handshake, v wire.Verdict) error
}

func newMechanism(s wire.Security) (m mechanism, name string, asServer bool, err error) {
	switch s := s.(type) {
	case nil:
		return null{}, mechanismNull, false, nil
	case PlainClient:
		return &plainClient{PlainClient: s}, mechanismPlain, false, nil
	case PlainServer:
		return &plainServer{}, mechanismPlain, true, nil
	case CurveClient:
		return &curveClient{CurveClient: s}, mechanismCurve, false, nil
	case CurveServer:
		return &curveServer{CurveServer: s}, mechanismCurve, true, nil
	}
	return nil, "", false, wire.Errorf(reasons.Mechanism, "zmtp has no security mechanism %s: use NULL, PLAIN or CURVE", s.Mechanism())
}

// unexpected refuses a command at the wrong time.
func unexpected(name, wanted string) error {
	return wire.Errorf(reasons.Command,
		"peer sent the command %.32q where %s belongs: check that one end is the client and one the server of the same mechanism", name, wanted)
}

// refused ends the handshake of a peer with wrong credentials and sends it an ERROR. A peer that may try again later gets
// none, as from libzmq: ERROR makes libzmq's clients give up for good.
func refused(h *handshake, v wire.Verdict) error {
	status := v.Status
	if status == "" {
		status = "400"
	}
	if status[0] != '3' {
		h.out = appendRefusal(h.out, h.name, cut([]byte(status), maxShort))
	}
	if v.Err != nil {
		return wire.Errorf(reasons.Authentication, "peer was refused for its credentials, status %.3s: %v", status, v.Err)
	}
	return wire.Errorf(reasons.Authentication, "peer was refused for its credentials, status %.3s: check its name and key", status)
}

// appendRefusal appends ERROR; in PLAIN in libzmq's spelling, for its clients understand no other and would come back at once.
func appendRefusal(dst []byte, mechanism string, status []byte) []byte {
	if mechanism != mechanismPlain {
		return appendCommand(dst, nameError, []byte{byte(len(status))}, status)
	}
	dst = appendHead(dst, flagCommand, len(plainErrorOfLibzmq)+1+len(status))
	return appendName(append(dst, plainErrorOfLibzmq...), string(status))
}

// null has no security.
type null struct{}

func (null) begin(h *handshake) error {
	h.out = appendCommand(h.out, nameReady, h.ownMetadata())
	return nil
}

func (null) command(h *handshake, name string, data []byte) error {
	if name != nameReady {
		return unexpected(name, nameReady)
	}
	return h.finish(data)
}

func (null) verdict(*handshake, wire.Verdict) error { return nil }
