// SPDX-License-Identifier: MIT

package zmtp

import (
	"github.com/sprymq/spry/internal/wire"

	"github.com/sprymq/spry/internal/reasons"
)

// plainClient is the end of PLAIN that shows credentials.
type plainClient struct {
	PlainClient
	welcome bool
}

func (p *plainClient) begin(h *handshake) error {
	if len(p.Username) > maxShort || len(p.Password) > maxShort {
		return wire.Errorf(reasons.Authentication, "the user name or the password has more than %d bytes: shorten it", maxShort)
	}
	h.out = appendCommand(h.out, nameHello, appendName(appendName(nil, p.Username), p.Password))
	return nil
}

func (p *plainClient) command(h *handshake, name string, data []byte) error {
	switch {
	case !p.welcome && name == nameWelcome && len(data) == 0:
		p.welcome = true
		h.out = appendCommand(h.out, nameInitiate, h.ownMetadata())
		return nil
	case p.welcome && name == nameReady:
		return h.finish(data)
	case p.welcome:
		return unexpected(name, nameReady)
	default:
		return unexpected(name, nameWelcome)
	}
}

func (p *plainClient) verdict(*handshake, wire.Verdict) error { return nil }

// plainServer is the end of PLAIN that asks for credentials.
type plainServer struct{ hello, accepted bool }

func (p *plainServer) command(h *handshake, name string, data []byte) error {
	switch {
	case !p.hello && name == nameHello:
		p.hello = true
		return p.ask(h, data)
	case p.accepted && name == nameInitiate:
		if err := h.finish(data); err != nil {
			return err
		}
		h.out = appendCommand(h.out, nameReady, h.ownMetadata())
		return nil
	case p.accepted:
		return unexpected(name, nameInitiate)
	default:
		return unexpected(name, nameHello)
	}
}

func (p *plainServer) ask(h *handshake, data []byte) error {
	user, rest, ok := cutShort(data)
	password, rest, ok2 := cutShort(rest)
	if !ok || !ok2 || len(rest) > 0 {
		return wire.Errorf(reasons.Command, "peer sent a HELLO whose name and password do not fill it: check its PLAIN handshake")
	}
	h.question = &wire.Question{Mechanism: mechanismPlain, Username: string(user), Password: string(password)}
	return nil
}

// cutShort takes a string off that begins with its length in one byte.
func cutShort(data []byte) (s, rest []byte, ok bool) {
	if len(data) == 0 || len(data) < 1+int(data[0]) {
		return nil, nil, false
	}
	end := 1 + int(data[0])
	return data[1:end], data[end:], true
}

func (p *plainServer) begin(*handshake) error { return nil }

func (p *plainServer) verdict(h *handshake, v wire.Verdict) error {
	if !v.Accept {
		return refused(h, v)
	}
	p.accepted = true
	h.user = v.User
	h.out = appendCommand(h.out, nameWelcome)
	return nil
}
