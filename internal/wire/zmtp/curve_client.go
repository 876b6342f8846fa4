// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// The parts of CURVE's commands.
const (
	helloPad   = 72
	helloBox   = 64 + boxTag
	helloLen   = 2 + helloPad + keyLen + shortNonce + helloBox
	cookieLen  = longNonce + 2*keyLen + boxTag
	welcomeLen = longNonce + keyLen + cookieLen + boxTag
	vouchLen   = longNonce + 2*keyLen + boxTag

	prefixHello    = "CurveZMQHELLO---"
	prefixWelcome  = "WELCOME-"
	prefixCookie   = "COOKIE--"
	prefixInitiate = "CurveZMQINITIATE"
	prefixVouch    = "VOUCH---"
	prefixReady    = "CurveZMQREADY---"
)

// The nonces that the ends use in the handshake.
const (
	nonceHello    = 1
	nonceInitiate = 2
	nonceReady    = 1
)

// curveClient is the end of CURVE that speaks first.
type curveClient struct {
	CurveClient
	public, secret Key // of this connection
	shared         Key // with the server's permanent key, then with that of this connection
	welcome        bool
}

func (c *curveClient) begin(h *handshake) (err error) {
	if c.public, c.secret, err = newKeys(c.Random); err != nil {
		return err
	}
	if c.shared, err = share(c.ServerKey, c.secret); err != nil {
		return err
	}
	hello := make([]byte, 2+helloPad, helloLen)
	hello[0] = 1 // the version; a zero follows, and padding so that the answer is not longer than the request
	hello = append(hello, c.public[:]...)
	hello = binary.BigEndian.AppendUint64(hello, nonceHello)
	hello = sealBox(hello, make([]byte, helloBox-boxTag), shortNonceOf(prefixHello, nonceHello), c.shared)
	h.out = appendCommand(h.out, nameHello, hello)
	return nil
}

func (c *curveClient) command(h *handshake, name string, data []byte) error {
	switch {
	case !c.welcome && name == nameWelcome:
		c.welcome = true
		return c.initiate(h, data)
	case c.welcome && name == nameReady:
		return c.ready(h, data)
	case c.welcome:
		return unexpected(name, nameReady)
	default:
		return unexpected(name, nameWelcome)
	}
}

func (c *curveClient) initiate(h *handshake, data []byte) error {
	if len(data) != welcomeLen {
		return badSize(nameWelcome, len(data))
	}
	plain, ok := openBox(data[longNonce:], longNonceOf(prefixWelcome, data[:longNonce]), c.shared)
	if !ok {
		return badBox(nameWelcome)
	}
	server, cookie := Key(plain[:keyLen]), plain[keyLen:]
	var err error
	if c.shared, err = share(server, c.secret); err != nil {
		return badBox(nameWelcome)
	}
	public, err := c.Secret.Public()
	if err != nil {
		return err
	}
	voucher, err := share(server, c.Secret)
	if err != nil {
		return badBox(nameWelcome)
	}
	vouch := make([]byte, longNonce, vouchLen)
	if err := fill(c.Random, vouch); err != nil {
		return err
	}
	promise := append(append(make([]byte, 0, 2*keyLen), c.public[:]...), c.ServerKey[:]...)
	vouch = sealBox(vouch, promise, longNonceOf(prefixVouch, vouch), voucher)

	inner := append(append(append([]byte(nil), public[:]...), vouch...), h.ownMetadata()...)
	body := binary.BigEndian.AppendUint64(append([]byte(nil), cookie...), nonceInitiate)
	body = sealBox(body, inner, shortNonceOf(prefixInitiate, nonceInitiate), c.shared)
	h.out = appendCommand(h.out, nameInitiate, body)
	return nil
}

func (c *curveClient) ready(h *handshake, data []byte) error {
	if len(data) < shortNonce+boxTag {
		return badSize(nameReady, len(data))
	}
	nonce := binary.BigEndian.Uint64(data)
	metadata, ok := openBox(data[shortNonce:], shortNonceOf(prefixReady, nonce), c.shared)
	if !ok || nonce == 0 {
		return badBox(nameReady)
	}
	h.seal = &sealer{key: messageKey(c.shared, prefixFromClient), nonce: nonceInitiate + 1}
	h.open = &opener{key: messageKey(c.shared, prefixFromServer), last: nonce}
	return h.finish(metadata)
}

func (c *curveClient) verdict(*handshake, wire.Verdict) error { return nil }

func badSize(name string, size int) error {
	return wire.Errorf(reasons.Command, "peer sent a %s of %d bytes, which CURVE does not have: check its version of CURVE", name, size)
}

func badBox(name string) error {
	return wire.Errorf(reasons.Authentication, "peer sent a %s that does not open with the keys of this connection: check the server's key", name)
}
