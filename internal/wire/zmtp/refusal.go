// SPDX-License-Identifier: MIT

package zmtp

import (
	"bytes"

	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
)

// A Refusal is the listening end of a handshake for a peer that no socket is there for: an ERROR in the peer's own mechanism.
// It makes libzmq's clients give up. The zero value has no reason.
type Refusal struct {
	Reason string // at most 255 bytes

	greeting []byte // the peer's, as far as it has come
	begun    bool
}

// Step takes bytes of the peer, and returns how many it consumed and what to send. done is true with the last bytes to send. Peers
// of ZMTP 2.0 have no ERROR: they are an error.
func (r *Refusal) Step(in []byte) (n int, out []byte, done bool, err error) {
	if !r.begun {
		r.begun = true
		out = appendSignature(nil)
	}
	n = min(len(in), greetingLen-len(r.greeting))
	r.greeting = append(r.greeting, in[:n]...)
	if err := checkSignature(r.greeting, true); err != nil {
		return n, nil, true, err
	}
	if len(r.greeting) >= revisionEnd && r.greeting[signatureLen] == revisionV2 {
		return n, nil, true, wire.Errorf(reasons.Version, "peer speaks ZMTP 2.0, which has no ERROR: use ZeroMQ 4 or newer there")
	}
	if len(r.greeting) < greetingLen {
		return n, out, false, nil
	}
	name, _, _ := bytes.Cut(r.greeting[mechanismStart:mechanismStart+mechanismLen], []byte{0})
	out = appendRest(out, string(name), string(name) != mechanismNull)
	return n, appendRefusal(out, string(name), cut([]byte(r.Reason), maxShort)), true, nil
}
