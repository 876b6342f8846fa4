// SPDX-License-Identifier: MIT

// Package sp is the dialect of the Scalability Protocols, as nanomsg, NNG and mangos speak it on streams.
//
// A connection begins with an 8-byte header from each end, which names the sender's protocol. After that
// come frames: a length and a message, which is a routing header, of a kind that the protocol prescribes,
// followed by the body. docs/wire/sp.md describes the dialect, and docs/wire/vectors/sp.json has it in
// examples which the tests of this package read.
package sp

import "github.com/sprymq/spry/internal/wire"

// Dialect is the Scalability Protocols. It has no state and is safe for concurrent use.
var Dialect wire.Dialect = dialect{}

type dialect struct{}

// Name is "sp".
func (dialect) Name() string { return "sp" }

// Match takes connections that begin with 00 53 50. Which version follows is for the handshake to judge:
// a peer of another version is still of this family and deserves an error that says so.
func (dialect) Match(prefix []byte) (yes, more bool) {
	seen := min(len(prefix), len(magic))
	if string(prefix[:seen]) != magic[:seen] {
		return false, false
	}
	return seen == len(magic), seen < len(magic)
}

// Handshake begins a session.
func (dialect) Handshake(c wire.Config) wire.Handshake { return &handshake{config: c} }
