// SPDX-License-Identifier: MIT

// Package zmtp is the dialect of ZeroMQ: ZMTP 3.1 and 3.0 with the mechanisms NULL, PLAIN and CURVE, and
// ZMTP 2.0.
//
// A connection begins with a greeting, in which the ends agree on a version and a security mechanism. The
// mechanism's commands follow, which also say what kinds of sockets there are. After that come frames with
// messages and commands. docs/wire/zmtp.md describes the dialect, and docs/wire/vectors/zmtp.json has it in examples
// which the tests of this package read.
package zmtp

import (
	"fmt"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Dialect is ZMTP. It has no state and is safe for concurrent use.
var Dialect wire.Dialect = dialect{}

type dialect struct{}

// Name is "zmtp".
func (dialect) Name() string { return "zmtp" }

// Match takes connections that begin with FF. Every ZMTP since 2.0 does, and nothing else does that is served
// here; the handshake judges the rest.
func (dialect) Match(prefix []byte) (yes, more bool) {
	if len(prefix) == 0 {
		return false, true
	}
	return prefix[0] == signatureFirst, false
}

// Handshake begins a session.
func (dialect) Handshake(c wire.Config) wire.Handshake { return newHandshake(c) }

// Session fails: a link of whole messages carries frames, see [wire.Framed].
func (dialect) Session(wire.Config, transport.Hello) (*wire.Session, error) {
	return nil, fmt.Errorf("a session of zmtp begins with a handshake")
}

// Secures reports whether s is nothing, or a mechanism that is spoken here.
func (dialect) Secures(s wire.Security) bool {
	_, _, _, err := newMechanism(s)
	return err == nil
}
