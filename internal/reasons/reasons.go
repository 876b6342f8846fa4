// SPDX-License-Identifier: MIT

// Package reasons has every reason that statistics, events and errors give for a drop, a refusal or the end of a pipe.
// Package spry exports each of them with its documentation; its tests compare.
package reasons

// A Reason says why. It is the key of counters and stands in events and errors as it is.
type Reason string

// Reasons for dropping a message.
const (
	Overflow    Reason = "overflow"    // the queue was full and the overflow policy chose this message; the policy Disconnect ends the pipe
	PipeClosed  Reason = "pipe_closed" // still queued when its pipe ended, and of no use to another pipe
	Closed      Reason = "closed"      // still queued when its socket or subscription was closed; or this end closed the pipe
	TTL         Reason = "ttl"         // came over more hops than the limit
	NoPeer      Reason = "no_peer"     // addressed to a pipe that has ended
	Stale       Reason = "stale"       // a reply to a request or survey that has ended or is unknown
	Foreign     Reason = "foreign"     // a reply over a pipe that the request did not go to
	Unwanted    Reason = "unwanted"    // sent by a peer that should only receive
	Conflated   Reason = "conflated"   // a newer one took its place
	Multipart   Reason = "multipart"   // has several frames, which the peer's dialect has no place for
	TooLarge    Reason = "too_large"   // larger than its peer's link carries
	Intercepted Reason = "intercepted" // discarded by an interceptor of the application
	NotText     Reason = "not_text"    // not UTF-8, and its peer's link carries text only; or the peer sent such a message
)

// Reasons for dropping a message and for ending a pipe.
const (
	Envelope Reason = "envelope" // a routing header or envelope that is missing, does not end, or has no room
	Stalled  Reason = "stalled"  // the peer left no room for a reply in time
	Budget   Reason = "budget"   // the memory budget was exceeded, and this pipe used the most
)

// Reasons for refusing a connection or ending a pipe.
const (
	BadHeader       Reason = "bad_header"       // not the dialect's magic
	Version         Reason = "version"          // a version that is not spoken here
	Reserved        Reason = "reserved"         // reserved bytes are not zero
	UnknownProtocol Reason = "unknown_protocol" // a protocol number that does not exist
	RoleMismatch    Reason = "role_mismatch"    // a protocol that the local socket does not talk to
	Oversize        Reason = "oversize"         // a message larger than the limit
	FrameType       Reason = "frame_type"       // ipc: a frame type other than 1; ZMTP: flags that do not belong to a frame
	Timeout         Reason = "timeout"          // the handshake took too long; or no reply came before the next retry
	EarlyEOF        Reason = "early_eof"        // the connection ended within the handshake
	TooManyPipes    Reason = "too_many_pipes"   // the listener has all the pipes that it may have
	Evicted         Reason = "evicted"          // too many unfinished handshakes; this was the oldest
	Refused         Reason = "refused"          // Authorize or the pattern refused the peer
	Security        Reason = "security"         // the transport's security handshake failed
	Expired         Reason = "expired"          // the peer's certificate expired while the pipe lived
	IO              Reason = "io"               // the connection broke
	EOF             Reason = "eof"              // the peer ended the connection in an orderly way
)

// Reasons for which an attempt to connect fails before there is a connection.
const (
	NoListener  Reason = "no_listener" // nothing listens at the address
	Unreachable Reason = "unreachable" // the network has no way to the address
	Unresolved  Reason = "unresolved"  // the name of the host has no address
	Resources   Reason = "resources"   // this process has no more descriptors
)

// Reasons for refusing a peer of a dialect that has commands and security of its own, or for ending its pipe.
const (
	Mechanism      Reason = "mechanism"      // another security mechanism than the local one
	Command        Reason = "command"        // a command that is malformed or comes at the wrong time
	Metadata       Reason = "metadata"       // properties that are malformed, doubled or too many
	Authentication Reason = "authentication" // credentials that are not good, or a box that does not open
	Identity       Reason = "identity"       // it calls itself as another live peer does
	PeerError      Reason = "peer_error"     // the peer refused this end and said why
	Topics         Reason = "topics"         // more subscriptions than are remembered for one peer
)

// Attempts is the reason for giving up a request: as many connections as MaxAttempts says ended with it.
const Attempts Reason = "attempts"
