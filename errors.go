// SPDX-License-Identifier: MIT

package spry

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire"
)

// Sentinel errors, to be tested with errors.Is.
var (
	// ErrClosed says that the socket, endpoint or subscription is closed. It also matches net.ErrClosed.
	ErrClosed error = engine.ErrClosed
	// ErrNoPeer says that no peer is connected. A call that waits for a peer returns it only at its deadline, together with
	// context.DeadlineExceeded. It also says that a Pipe given to SendTo is nil or belongs to another socket.
	ErrNoPeer = engine.ErrNoPeer
	// ErrRefused says that Authorize refused a peer.
	ErrRefused = engine.ErrRefused
	// ErrProtocol says that a peer broke the protocol, or that its role does not fit; OpError.Reason says how.
	ErrProtocol = wire.ErrProtocol
	// ErrBusy says that a Pair already has a peer.
	ErrBusy = engine.ErrBusy
	// ErrPipeClosed says that the pipe of a reply, request or message has ended, and that it goes to no other.
	ErrPipeClosed = engine.ErrPipeClosed
	// ErrGivenUp says that a request was given up after MaxAttempts connections had ended with it; the text says how many.
	ErrGivenUp = engine.ErrGivenUp
	// ErrStalled says that a peer left no room for a reply within ReplyTimeout, and its connection was closed.
	ErrStalled = engine.ErrStalled
	// ErrMultipart says that a message of several frames cannot go to a peer of the Scalability Protocols.
	ErrMultipart = engine.ErrMultipart
	// ErrTooLarge says that a message exceeds the limit of its link; the text has both sizes, which include the routing
	// header. Only links of whole messages have a limit (see transport.Properties); the default transports have none. If a
	// socket sends to one of several peers, the links of all peers are too small.
	ErrTooLarge = engine.ErrTooLarge
	// ErrNotText says that a message is not UTF-8, and that the link of its peer carries text only: a WebSocket with
	// ?format=text. If a socket sends to one of several peers, the links of all peers do.
	ErrNotText = engine.ErrNotText
	// ErrWouldBlock is returned by Try calls that would have to block.
	ErrWouldBlock = engine.ErrWouldBlock
	// ErrConfig says that an option or argument is invalid; the text names it.
	ErrConfig = engine.ErrConfig
	// ErrScheme says that no transport of the socket serves a URL's scheme.
	ErrScheme = engine.ErrScheme
	// ErrBudget says that a pipe was closed because the Budget of its socket was exceeded, and the pipe used the most.
	ErrBudget = engine.ErrBudget
	// ErrUnsent says that a socket closed with messages in its send queues; OpError.Unsent is their number.
	ErrUnsent = engine.ErrUnsent
	// ErrUnconfirmed says that sent messages may not have arrived: a peer did not close its side of a connection before the
	// time of a Close or Shutdown was over. OpError.Unknown is their number.
	ErrUnconfirmed = engine.ErrUnconfirmed
	// ErrReplied says that a request was already replied to or discarded; the second reply was not sent.
	ErrReplied = pattern.ErrReplied
	// ErrNotSubscribed says that Unsubscribe was given a topic that is not subscribed to.
	ErrNotSubscribed = pattern.ErrNotSubscribed
)

// An OpError is the error of an operation: which one, on which endpoint, with which peer, and why. It has the method Timeout
// of [net.Error], and errors.Is and errors.As find its causes.
type OpError struct {
	Op     string // what failed, such as "dial", "listen", "handshake", "send", "recv", "request", "reply", "close"
	URL    string // the endpoint, if there is one
	Peer   string // the peer's address, if there is one
	Err    error  // the cause
	Reason Reason // why a handshake failed, such as ReasonRoleMismatch

	// Unsent is the number of messages that a Close or Shutdown could not hand over.
	Unsent int

	// Unknown is the number of messages sent on connections that a Close or Shutdown had to close without proof of arrival.
	// It is an upper bound of those that did not arrive.
	Unknown int
}

// Error returns "spry: ", then Op, URL, Peer and the text of Err, in one line.
func (e *OpError) Error() string { return (*engine.OpError)(e).Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the operation ran out of time: its context's deadline, or another limit.
func (e *OpError) Timeout() bool { return (*engine.OpError)(e).Timeout() }

// opErr makes an error of the engine one of this package.
func opErr(op string, err error) error {
	if err == nil { // without a call
		return nil
	}
	return newOpError(op, err)
}

func newOpError(op string, err error) error { return (*OpError)(engine.OpErr(op, err)) }
