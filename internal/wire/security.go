// SPDX-License-Identifier: MIT

package wire

import "fmt"

// Security is how a dialect secures its sessions by itself. The dialect defines the kinds there are.
type Security interface {
	// Mechanism is the name on the wire.
	Mechanism() string
}

// A Question is a decision that a handshake leaves to the engine: whether to accept a peer with these credentials.
type Question struct {
	Mechanism string
	Username  string            // PLAIN
	Password  string            `json:"-"` // PLAIN; must not get into errors, events or logs
	PublicKey []byte            // CURVE: 32 bytes, which the peer has proved to own
	Metadata  map[string]string // the peer's properties
}

// Format leaves the password out.
func (q Question) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "%s user %q key %x metadata %q", q.Mechanism, q.Username, q.PublicKey, q.Metadata)
}

// A Verdict answers a [Question].
type Verdict struct {
	Accept bool
	User   string // who the peer is, for the session's metadata; may be empty
	Status string // with a refusal: the status sent to the peer; three digits, 400 if empty
	Err    error  // with a refusal: why, for the local end only
}

// An Asker is a [Handshake] that may stop with a question. After a Step that returned neither a session nor an error, the
// caller looks for a question. If there is one, it answers, and calls Step again with the remaining input, even if that is
// empty.
type Asker interface {
	Handshake
	Question() *Question // nil if there is none to answer
	Answer(v Verdict)
}
