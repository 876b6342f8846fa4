// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/reasons"

// A Reason says why messages were dropped, a connection was refused, a pipe ended or a request was sent again. It is a string:
// the key of [SendStats].Dropped, [RecvStats].Dropped and [Stats].Rejected, and the value of [Event].Reason and
// [OpError].Reason. The constants below are all there are; later versions may add some. The name of each is its text in
// another spelling: ReasonRoleMismatch is "role_mismatch".
type Reason = reasons.Reason

// Reasons for dropping messages. Each says when it happens and what helps.
const (
	// ReasonOverflow means that a queue was full and the overflow policy chose this message. With the policy Disconnect, the pipe ends for
	// this reason. Receive faster, make SendQueue or RecvQueue longer, or take the policy Block, which drops nothing.
	ReasonOverflow Reason = reasons.Overflow

	// ReasonPipeClosed means that the message was queued when its pipe ended and was of no use on another. Requests are sent again for this
	// reason: a [Req] does that by itself, and the drop is a copy.
	ReasonPipeClosed Reason = reasons.PipeClosed

	// ReasonClosed means that the message was queued when the socket or subscription was closed; or that this end closed the
	// pipe. To receive queued messages, use Drain, or stop the senders and receive everything before Close.
	ReasonClosed Reason = reasons.Closed

	// ReasonTTL means that the message came over more devices than Options.TTL. Look for a loop of proxies, or raise TTL.
	ReasonTTL Reason = reasons.TTL

	// ReasonNoPeer means that the message was for a pipe or identity that is not connected. It is for the sender to find out: a peer that comes
	// back is another pipe.
	ReasonNoPeer Reason = reasons.NoPeer

	// ReasonStale means that a reply came for a request or survey that is over or unknown. Raise the deadline or Options.Retry if replies
	// are slow.
	ReasonStale Reason = reasons.Stale

	// ReasonForeign means that a reply came from a peer that was not asked. Such a peer is broken or hostile.
	ReasonForeign Reason = reasons.Foreign

	// ReasonUnwanted means that a peer sent although its role is to receive. Such a peer is broken.
	ReasonUnwanted Reason = reasons.Unwanted

	// ReasonConflated means that a newer message took this one's place, as Conflate in package zmq asks for.
	ReasonConflated Reason = reasons.Conflated

	// ReasonMultipart means that a message of several frames was for a peer of the Scalability Protocols, which have no place for them.
	// Send one frame, or connect ZeroMQ peers only.
	ReasonMultipart Reason = reasons.Multipart

	// ReasonTooLarge means that the message is larger than the link to its peer carries. Send less at a time, or use a transport without a
	// limit.
	ReasonTooLarge Reason = reasons.TooLarge

	// ReasonEnvelope means that a request or reply was dropped because it lacks its envelope. Or the peer sent a routing
	// header that does not end or has no room, which ended the pipe. Check programs that build envelopes themselves.
	ReasonEnvelope Reason = reasons.Envelope

	// ReasonStalled means that the peer left no room for a reply within ReplyTimeout. The reply is dropped and the pipe ends. The peer must
	// read its replies, or ask for less at a time.
	ReasonStalled Reason = reasons.Stalled

	// ReasonBudget means that the [Budget] was exceeded and this pipe had most of it. The pipe ends and its messages are dropped. Receive
	// faster, lower MaxMessageSize or the queues' limits, or raise the Budget.
	ReasonBudget Reason = reasons.Budget
)

// Reasons for refusing a connection or for ending a pipe, in every protocol.
const (
	// ReasonEOF means that the peer ended the connection in an orderly way.
	ReasonEOF Reason = reasons.EOF

	// ReasonIO means that the connection broke, as the error says. A dialer connects again by itself.
	ReasonIO Reason = reasons.IO

	// ReasonRefused means that Authorize refused the peer, or a [Pair] has its one peer already.
	ReasonRefused Reason = reasons.Refused

	// ReasonRoleMismatch means that the peer's socket and this one do not fit, such as Pull and Pub. Dial another address, or open the socket
	// that the error names.
	ReasonRoleMismatch Reason = reasons.RoleMismatch

	// ReasonUnknownProtocol means that the peer named a kind of socket that does not exist. It is something else, or newer.
	ReasonUnknownProtocol Reason = reasons.UnknownProtocol

	// ReasonBadHeader means that the peer's first bytes belong to no dialect of this socket: HTTP, TLS or a port scanner, or the other
	// family. Check the URL on both ends: its scheme, and zmtp+ before it.
	ReasonBadHeader Reason = reasons.BadHeader

	// ReasonVersion means that the peer speaks a version of the protocol that is not spoken here. Use a newer one there.
	ReasonVersion Reason = reasons.Version

	// ReasonReserved means that bytes of the peer's header that should be zero are not. The peer is broken, or something else.
	ReasonReserved Reason = reasons.Reserved

	// ReasonTimeout means that the peer did not finish its handshake within HandshakeTimeout; often it is no messaging peer at all. Requests
	// are sent again for this reason if no reply came within Retry.
	ReasonTimeout Reason = reasons.Timeout

	// ReasonEarlyEOF means that the peer closed the connection within the handshake. Often it refused this end: see its log, and check
	// whether it wants TLS or credentials.
	ReasonEarlyEOF Reason = reasons.EarlyEOF

	// ReasonSecurity means that the TLS handshake failed. The error says which end distrusts the other.
	ReasonSecurity Reason = reasons.Security

	// ReasonEvicted means that more than MaxHandshakes were unfinished, and this one made room. Raise MaxHandshakes if the peers are honest.
	ReasonEvicted Reason = reasons.Evicted

	// ReasonTooManyPipes means that the listener has all the pipes that its [Budget] allows. Raise the Budget, or close what is not needed.
	ReasonTooManyPipes Reason = reasons.TooManyPipes

	// ReasonOversize means that the peer sent a message larger than MaxMessageSize. Raise it here, or send less there.
	ReasonOversize Reason = reasons.Oversize

	// ReasonFrameType means that the peer sent a frame of a type or with flags that do not exist. The peer is broken.
	ReasonFrameType Reason = reasons.FrameType
)

// Reasons for refusing a peer that speaks ZeroMQ's protocol, or for ending its pipe.
const (
	// ReasonMechanism means that the peer wants another security mechanism. Configure the same Security on both ends.
	ReasonMechanism Reason = reasons.Mechanism

	// ReasonAuthentication means that the peer's name, password or key is not good, or it sent what its key does not open. Check the
	// credentials, and the server's key at the client.
	ReasonAuthentication Reason = reasons.Authentication

	// ReasonPeerError means that the peer refused this end and said why, as the error quotes. A dialer tries again at most once in a while.
	ReasonPeerError Reason = reasons.PeerError

	// ReasonCommand means that the peer sent a command that is malformed or comes at the wrong time. Check its version of ZMTP.
	ReasonCommand Reason = reasons.Command

	// ReasonMetadata means that the peer's properties are malformed, doubled or too many.
	ReasonMetadata Reason = reasons.Metadata

	// ReasonIdentity means that the peer has the identity of another peer of this Router. Give each its own, or set Handover.
	ReasonIdentity Reason = reasons.Identity

	// ReasonTopics means that the peer has more subscriptions than TopicBytes or fixed limits allow. Subscribe to fewer, shorter topics.
	ReasonTopics Reason = reasons.Topics
)

// ReasonAttempts means that as many connections as MaxAttempts says ended with the request, and it was given up with [ErrGivenUp]. The
// request may be one that no server survives.
const ReasonAttempts Reason = reasons.Attempts
