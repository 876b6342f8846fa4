// SPDX-License-Identifier: MIT

package zmtp

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/sprymq/spry/internal/wire"
)

// curveServer is the server's end of CURVE. It stores what it could also take from the cookie: a peer has one connection and
// must return the cookie that it got there.
type curveServer struct {
	CurveServer
	client Key // the peer's key of this connection
	secret Key // the own key of this connection
	shared Key // with client and secret
	last   uint64
	cookie []byte
	asked  []byte // the peer's metadata, while the question is open
}

func (c *curveServer) begin(*handshake) error { return nil }

func (c *curveServer) command(h *handshake, name string, data []byte) error {
	switch {
	case c.cookie == nil && name == nameHello:
		return c.welcome(h, data)
	case c.cookie == nil:
		return unexpected(name, nameHello)
	case name == nameInitiate:
		return c.initiate(h, data)
	default:
		return unexpected(name, nameInitiate)
	}
}

func (c *curveServer) welcome(h *handshake, data []byte) error {
	if len(data) != helloLen || data[0] != 1 || data[1] != 0 {
		return badSize(nameHello, len(data))
	}
	data = data[2+helloPad:]
	c.client = Key(data[:keyLen])
	c.last = binary.BigEndian.Uint64(data[keyLen:])
	first, err := share(c.client, c.Secret)
	if err != nil {
		return badBox(nameHello)
	}
	if _, ok := openBox(data[keyLen+shortNonce:], shortNonceOf(prefixHello, c.last), first); !ok {
		return badBox(nameHello)
	}
	public, secret, err := newKeys(c.Random)
	if err != nil {
		return err
	}
	c.secret = secret
	if c.shared, err = share(c.client, secret); err != nil {
		return badBox(nameHello)
	}
	if c.cookie, err = c.bake(); err != nil {
		return err
	}
	welcome := make([]byte, longNonce, welcomeLen)
	if err := fill(c.Random, welcome); err != nil {
		return err
	}
	plain := append(append([]byte(nil), public[:]...), c.cookie...)
	h.out = appendCommand(h.out, nameWelcome, sealBox(welcome, plain, longNonceOf(prefixWelcome, welcome), first))
	return nil
}

// bake makes the cookie, under a key that is forgotten at once.
func (c *curveServer) bake() ([]byte, error) {
	var key Key
	if err := fill(c.Random, key[:]); err != nil {
		return nil, err
	}
	cookie := make([]byte, longNonce, cookieLen)
	if err := fill(c.Random, cookie); err != nil {
		return nil, err
	}
	plain := append(append(make([]byte, 0, 2*keyLen), c.client[:]...), c.secret[:]...)
	return sealBox(cookie, plain, longNonceOf(prefixCookie, cookie), key), nil
}

func (c *curveServer) initiate(h *handshake, data []byte) error {
	if len(data) < cookieLen+shortNonce+boxTag+keyLen+vouchLen {
		return badSize(nameInitiate, len(data))
	}
	nonce := binary.BigEndian.Uint64(data[cookieLen:])
	if subtle.ConstantTimeCompare(data[:cookieLen], c.cookie) != 1 || nonce <= c.last {
		return badBox(nameInitiate)
	}
	c.last = nonce
	plain, ok := openBox(data[cookieLen+shortNonce:], shortNonceOf(prefixInitiate, nonce), c.shared)
	if !ok {
		return badBox(nameInitiate)
	}
	client, vouch := Key(plain[:keyLen]), plain[keyLen:keyLen+vouchLen]
	if !c.vouched(client, vouch) {
		return badBox(nameInitiate)
	}
	c.asked = plain[keyLen+vouchLen:]
	metadata, err := parseMetadata(c.asked)
	if err != nil {
		return err
	}
	h.question = &wire.Question{Mechanism: mechanismCurve, PublicKey: client[:], Metadata: metadata}
	return nil
}

// vouched reports whether the owner of the permanent key says that the key of this connection is his, and
// that he means this server. libzmq looks at the former only.
func (c *curveServer) vouched(client Key, vouch []byte) bool {
	own, err := c.Secret.Public()
	if err != nil {
		return false
	}
	voucher, err := share(client, c.secret)
	if err != nil {
		return false
	}
	promise, ok := openBox(vouch[longNonce:], longNonceOf(prefixVouch, vouch[:longNonce]), voucher)
	return ok && subtle.ConstantTimeCompare(promise[:keyLen], c.client[:]) == 1 &&
		subtle.ConstantTimeCompare(promise[keyLen:], own[:]) == 1
}

func (c *curveServer) verdict(h *handshake, v wire.Verdict) error {
	if !v.Accept {
		return refused(h, v)
	}
	h.user = v.User
	if err := h.finish(c.asked); err != nil {
		return err
	}
	ready := binary.BigEndian.AppendUint64(nil, nonceReady)
	ready = sealBox(ready, h.ownMetadata(), shortNonceOf(prefixReady, nonceReady), c.shared)
	h.out = appendCommand(h.out, nameReady, ready)
	h.seal = &sealer{key: messageKey(c.shared, prefixFromServer), nonce: nonceReady + 1}
	h.open = &opener{key: messageKey(c.shared, prefixFromClient), last: c.last}
	return nil
}
