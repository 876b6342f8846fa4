// SPDX-License-Identifier: MIT

package zmtp

import (
	"bytes"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// maxHandshakeCommand is how much memory a peer gets before it is known.
const maxHandshakeCommand = 8 << 10

// A handshake is a sequence of pieces of known length. Each piece is collected first, so that the result does not depend on
// how the bytes were split, and then checked by the current phase.
type handshake struct {
	config    wire.Config
	local     Socket
	mechanism mechanism
	name      string // of the mechanism
	asServer  bool
	began     bool
	signature bool // the signature is being collected

	held []byte
	want int
	next func() error // judges held when it has want bytes

	out      []byte
	question *wire.Question
	verdict  *wire.Verdict

	legacy   bool // ZMTP 2.0
	minor    byte
	user     string
	metadata map[string]string
	peer     uint16
	seal     *sealer
	open     *opener
	done     bool
}

func newHandshake(c wire.Config) *handshake {
	h := &handshake{config: c, signature: !c.Carried}
	switch {
	case c.Bare:
		h.expect(shortHead, func() error { return h.sized(h.identity) })
	case c.Carried:
		h.nextFrame(h.frameHead)
	default:
		h.expect(revisionEnd, h.revision)
	}
	return h
}

// Question implements [wire.Asker].
func (h *handshake) Question() *wire.Question { return h.question }

// Answer implements [wire.Asker].
func (h *handshake) Answer(v wire.Verdict) {
	if h.question != nil {
		h.verdict = &v
	}
}

// Step implements [wire.Handshake].
func (h *handshake) Step(in []byte) (n int, out []byte, s *wire.Session, err error) {
	h.out = h.out[:0]
	if !h.began && (!h.config.Listening || h.config.Carried || len(in) > 0) {
		if err := h.begin(); err != nil {
			return 0, nil, nil, err
		}
	}
	for !h.done {
		if h.question != nil {
			if h.verdict == nil {
				return n, h.out, nil, nil
			}
			v := *h.verdict
			h.question, h.verdict = nil, nil
			if err := h.mechanism.verdict(h, v); err != nil {
				return n, h.out, nil, err
			}
			continue
		}
		took := min(len(in)-n, h.want-len(h.held))
		h.held = append(h.held, in[n:n+took]...)
		n += took
		if h.signature { // checked byte by byte: a wrong signature is refused without waiting for the rest
			if err := checkSignature(h.held, h.config.Listening); err != nil {
				return n, h.out, nil, err
			}
		}
		if len(h.held) < h.want {
			return n, h.out, nil, nil
		}
		if err := h.next(); err != nil {
			return n, h.out, nil, err
		}
	}
	return n, h.out, newSession(h), nil
}

func (h *handshake) begin() (err error) {
	h.began = true
	if h.local, err = socketOf(h.config.Hello); err != nil {
		return err
	}
	if h.mechanism, h.name, h.asServer, err = newMechanism(h.config.Security); err != nil {
		return err
	}
	if h.config.Carried {
		return h.beginCarried()
	}
	h.out = appendSignature(h.out)
	return nil
}

// expect sets the length of the next piece, including bytes that are collected already, and the function that checks it.
func (h *handshake) expect(want int, next func() error) { h.want, h.next = want, next }

// revision decides which version follows.
func (h *handshake) revision() error {
	h.signature = false
	if h.held[signatureLen] == revisionV2 {
		return h.beginV2()
	}
	h.out = appendRest(h.out, h.name, h.asServer)
	h.expect(greetingLen, h.greeting)
	return nil
}

func (h *handshake) greeting() error {
	if err := checkMechanism(h.held, h.name); err != nil {
		return err
	}
	h.minor = peerMinor(h.held)
	h.nextFrame(h.frameHead)
	return h.mechanism.begin(h)
}

// nextFrame begins to collect a frame.
func (h *handshake) nextFrame(head func() error) {
	h.held = h.held[:0]
	h.expect(shortHead, head)
}

func (h *handshake) frameHead() error {
	if h.held[0]&flagCommand == 0 {
		return wire.Errorf(reasons.Command, "peer sent a message before its handshake was over: check its version of ZMTP")
	}
	if err := checkCommandFlags(h.held[0]); err != nil {
		return err
	}
	return h.sized(h.frame)
}

// sized begins to collect a frame's body.
func (h *handshake) sized(body func() error) error {
	head, need := parseHead(h.held)
	if need > 0 {
		h.want = need
		return nil
	}
	if head.size > maxHandshakeCommand {
		return wire.Errorf(reasons.Oversize,
			"peer announced a frame of %d bytes in its handshake and at most %d are taken: send less metadata", head.size, maxHandshakeCommand)
	}
	h.expect(head.len+int(head.size), body)
	return nil
}

func (h *handshake) frame() error {
	head, _ := parseHead(h.held)
	if reason, found := bytes.CutPrefix(h.held[head.len:], []byte(plainErrorOfLibzmq)); found {
		return peerRefusal(reason)
	}
	name, data, err := parseCommand(h.held[head.len:])
	if err != nil {
		return err
	}
	if string(name) == nameError {
		return peerRefusal(data)
	}
	if err := h.mechanism.command(h, string(name), data); err != nil {
		return err
	}
	h.nextFrame(h.frameHead)
	return nil
}

// peerRefusal is the error for the data of an ERROR command.
func peerRefusal(data []byte) error {
	return wire.Errorf(reasons.PeerError,
		"peer refused this end and said %.64q: check the credentials and what the peer expects", parseReason(data))
}

// finish parses the peer's metadata and ends the handshake.
func (h *handshake) finish(metadata []byte) (err error) {
	if h.metadata, err = parseMetadata(metadata); err != nil {
		return err
	}
	if h.peer, err = peerSocket(h.local, h.metadata); err != nil {
		return err
	}
	if h.user != "" {
		h.metadata[UserKey] = h.user
	}
	h.done = true
	return nil
}

func (h *handshake) ownMetadata() []byte { return appendMetadata(nil, h.config, h.local) }

// Suspicion implements [wire.Suspect].
func (h *handshake) Suspicion() string {
	curve, isCurve := h.mechanism.(*curveClient)
	switch {
	case h.signature && len(h.held) == 0 && !h.config.Listening:
		return "it may not speak ZMTP (a peer of the Scalability Protocols is dialed without zmtp+), expect TLS (tls+tcp://), or be something else: check the port"
	case h.signature || h.mechanism == nil:
		return ""
	case isCurve && !curve.welcome:
		return "the server's public key may be wrong here, for a server that cannot read what is sealed with it says nothing"
	case isCurve:
		return "the server may not accept this client's key"
	case h.name == mechanismNull && !h.config.Listening:
		return "its socket type may not fit this one"
	}
	return ""
}
