// SPDX-License-Identifier: MIT

package spry

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire"
)

// Sentinels, to be asked for with errors.Is.
var (
	// ErrClosed says that the socket, endpoint or subscription is closed. net.ErrClosed is matched too.
	ErrClosed error = engine.ErrClosed
	// ErrNoPeer says that no peer is connected: where the call does not wait for one, or until its deadline.
	ErrNoPeer = engine.ErrNoPeer
	// ErrRefused says that Authorize refused a peer.
	ErrRefused = engine.ErrRefused
	// ErrProtocol says that a peer broke the protocol, or that its role does not fit; OpError.Reason says how.
	ErrProtocol = wire.ErrProtocol
	// ErrBusy says that a Pair has its one peer already.
	ErrBusy = engine.ErrBusy
	// ErrPipeClosed says that the pipe that the message was for is over.
	ErrPipeClosed = engine.ErrPipeClosed
	// ErrGivenUp says that a request was given up after MaxAttempts connections had ended with it; the text says how many.
	ErrGivenUp = engine.ErrGivenUp
	// ErrStalled says that a peer left no room for a reply within ReplyTimeout, and lost its connection by that.
	ErrStalled = engine.ErrStalled
	// ErrMultipart says that a message of several frames cannot go to a peer of the Scalability Protocols.
	ErrMultipart = engine.ErrMultipart
	// ErrTooLarge says that a message exceeds the limit of its link; the text has both sizes, which include the routing
	// header. Only links of whole messages have a limit (see transport.Properties); the default transports have none. If a
	// socket sends to one of several peers, the links of all peers are too small.
	ErrTooLarge = engine.ErrTooLarge
	// ErrWouldBlock is returned by Try calls that would have to wait.
	ErrWouldBlock = engine.ErrWouldBlock
	// ErrConfig says that an option is invalid; the text names it.
	ErrConfig = engine.ErrConfig
	// ErrScheme says that no transport of the socket serves a URL's scheme.
	ErrScheme = engine.ErrScheme
	// ErrBudget says that a pipe was closed because the Budget of its socket was exceeded, and it had most of it.
	ErrBudget = engine.ErrBudget
	// ErrUnsent says that a socket closed with messages in its queues.
	ErrUnsent = engine.ErrUnsent
	// ErrUnconfirmed says that messages which were sent may not have arrived: a peer did not end its side of a connection
	// before the time of a Close or Shutdown was over.
	ErrUnconfirmed = engine.ErrUnconfirmed
	// ErrReplied says that a request was replied to, or discarded, before.
	ErrReplied = pattern.ErrReplied
	// ErrNotSubscribed says that a topic to be taken back was never subscribed to.
	ErrNotSubscribed = pattern.ErrNotSubscribed
)

// An OpError says which operation failed, on which endpoint, with which peer, and why. Its Timeout is that of net.Error.
type OpError struct {
	Op     string // what failed: "dial", "listen", "handshake", "send", "recv", "request", "close"
	URL    string // the endpoint, if one is concerned
	Peer   string // the peer's address, if one is concerned
	Err    error  // the cause
	Reason Reason // why a handshake failed: ReasonRoleMismatch

	// Unsent is the number of messages that a Close or Shutdown could not hand over.
	Unsent int

	// Unknown is the number of messages that were sent on connections which a Close or Shutdown had to close without proof that
	// they arrived. It is an upper bound of those that did not.
	Unknown int
}

// Error tells all of it.
func (e *OpError) Error() string { return (*engine.OpError)(e).Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the operation ran out of time.
func (e *OpError) Timeout() bool { return (*engine.OpError)(e).Timeout() }

// opErr makes an error of the engine one of this package.
func opErr(op string, err error) error {
	if err == nil { // which costs no call
		return nil
	}
	return newOpError(op, err)
}

func newOpError(op string, err error) error { return (*OpError)(engine.OpErr(op, err)) }
