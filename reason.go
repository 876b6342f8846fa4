// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/reasons"

// A Reason says why messages were dropped, a connection was refused, a pipe ended or a request was sent again. It is a
// string: the key of [SendStats].Dropped, [RecvStats].Dropped and [Stats].Rejected, and the value of [Event].Reason and
// [OpError].Reason. The constants below are all reasons; later versions may add some. The name of each constant corresponds
// to its text: ReasonRoleMismatch is "role_mismatch".
type Reason = reasons.Reason

// Reasons for dropping messages, with remedies.
const (
	// ReasonOverflow means that a queue was full and the overflow policy chose this message. With the policy Disconnect, the
	// pipe ends for this reason. Receive faster, make SendQueue or RecvQueue longer, or use the policy Block, which drops
	// nothing.
	ReasonOverflow Reason = reasons.Overflow

	// ReasonPipeClosed means that the message was queued when its pipe ended and could not go to another. Requests are sent
	// again for this reason: a [Req] does that by itself, and the dropped message is a copy.
	ReasonPipeClosed Reason = reasons.PipeClosed

	// ReasonClosed means that the message was queued when the socket or subscription was closed; or that this end closed the
	// pipe. To receive queued messages, use Drain, or stop the senders and receive everything before Close.
	ReasonClosed Reason = reasons.Closed

	// ReasonTTL means that the message made more hops than Options.TTL. Look for a loop of proxies, or raise TTL.
	ReasonTTL Reason = reasons.TTL

	// ReasonNoPeer means that the message was for a pipe or identity that is not connected. A peer that reconnects has a new
	// pipe.
	ReasonNoPeer Reason = reasons.NoPeer

	// ReasonStale means that a reply arrived for a request or survey that has ended or is unknown. Raise the deadline or
	// ReqOptions.Retry if replies are slow.
	ReasonStale Reason = reasons.Stale

	// ReasonForeign means that a reply came from a peer that did not get the request. Such a peer is broken or hostile.
	ReasonForeign Reason = reasons.Foreign

	// ReasonUnwanted means that a peer sent a message although it should only receive. Such a peer is broken.
	ReasonUnwanted Reason = reasons.Unwanted

	// ReasonConflated means that a newer message replaced this one: see Conflate in package zmq.
	ReasonConflated Reason = reasons.Conflated

	// ReasonMultipart means that a message of several frames was for a peer of the Scalability Protocols, which have no
	// multipart messages. Send one frame, or connect ZeroMQ peers only.
	ReasonMultipart Reason = reasons.Multipart

	// ReasonTooLarge means that the message exceeds the limit of its peer's link. Send smaller messages, or use a transport
	// without a limit.
	ReasonTooLarge Reason = reasons.TooLarge

	// ReasonIntercepted means that an [Interceptor] of a receiving socket discarded the message, or failed with it. See
	// [Operation.Discard].
	ReasonIntercepted Reason = reasons.Intercepted

	// ReasonNotText means that the message is not UTF-8, and the link of its peer carries text only. Or the peer sent such a
	// message, which ended the pipe. Use ?format=json, which carries any bytes.
	ReasonNotText Reason = reasons.NotText

	// ReasonEnvelope means that a request or reply was dropped because it lacks its envelope. Or the peer sent a routing
	// header that is cut off, malformed or too long, which ended the pipe. Check programs that build envelopes themselves.
	ReasonEnvelope Reason = reasons.Envelope

	// ReasonStalled means that the peer left no room for a reply within ReplyTimeout. The reply is dropped and the pipe
	// ends. The peer must read its replies, or send fewer requests at a time.
	ReasonStalled Reason = reasons.Stalled

	// ReasonBudget means that the [Budget] was exceeded and this pipe used the most. The pipe ends and its messages are
	// dropped. Receive faster, lower MaxMessageSize or the queues' limits, or raise the Budget.
	ReasonBudget Reason = reasons.Budget
)

// Reasons for which an attempt to connect fails before there is a connection: keys of [EndpointStats].Failed, beside
// [ReasonTimeout], [ReasonIO] and the reasons for refusing a connection.
const (
	// ReasonNoListener means that nothing listens at the address. Start the peer, or correct the address.
	ReasonNoListener Reason = reasons.NoListener

	// ReasonUnreachable means that the network has no way to the address. Check routes and firewalls.
	ReasonUnreachable Reason = reasons.Unreachable

	// ReasonUnresolved means that the name of the host has no address. Correct the name, or the name server's data.
	ReasonUnresolved Reason = reasons.Unresolved

	// ReasonResources means that this process has no more file descriptors. Close connections, or raise the limit: ulimit -n.
	ReasonResources Reason = reasons.Resources
)

// Reasons for refusing a connection or for ending a pipe, in every protocol.
const (
	// ReasonEOF means that the peer ended the connection in an orderly way.
	ReasonEOF Reason = reasons.EOF

	// ReasonIO means that the connection broke; see the error. A dialer redials.
	ReasonIO Reason = reasons.IO

	// ReasonRefused means that Authorize refused the peer, or a [Pair] already has a peer.
	ReasonRefused Reason = reasons.Refused

	// ReasonRoleMismatch means that the peer's socket and this one do not fit, such as Pull and Pub. Dial another address,
	// or open the socket that the error names.
	ReasonRoleMismatch Reason = reasons.RoleMismatch

	// ReasonUnknownProtocol means that the peer sent an unknown protocol number. It is newer, or not a messaging peer.
	ReasonUnknownProtocol Reason = reasons.UnknownProtocol

	// ReasonBadHeader means that the peer's first bytes belong to no dialect of this socket: HTTP, TLS, a port scanner, or
	// the other family. Check the URL on both ends: its scheme, and zmtp+ before it.
	ReasonBadHeader Reason = reasons.BadHeader

	// ReasonVersion means that the peer's version of the protocol is not supported. Update the older end.
	ReasonVersion Reason = reasons.Version

	// ReasonReserved means that reserved bytes of the peer's header are not zero. The peer is broken, or not a messaging
	// peer.
	ReasonReserved Reason = reasons.Reserved

	// ReasonTimeout means that the peer did not finish its handshake within HandshakeTimeout; often it is not a messaging
	// peer at all. Requests are sent again for this reason if no reply arrived within Retry.
	ReasonTimeout Reason = reasons.Timeout

	// ReasonEarlyEOF means that the peer closed the connection within the handshake. Often it refused this end: see its log,
	// and check whether it requires TLS or credentials.
	ReasonEarlyEOF Reason = reasons.EarlyEOF

	// ReasonSecurity means that the TLS handshake failed. The error says which end did not trust the other.
	ReasonSecurity Reason = reasons.Security

	// ReasonExpired means that the peer's TLS certificate expired, and Options.CloseOnExpiry is set. Renew it there.
	ReasonExpired Reason = reasons.Expired

	// ReasonEvicted means that more than MaxHandshakes handshakes were unfinished, and this one was closed to make room. Its
	// address had the most of them. Raise MaxHandshakes if the peers are honest.
	ReasonEvicted Reason = reasons.Evicted

	// ReasonTooManyPipes means that the listener has as many pipes as its [Budget] allows. Raise the Budget, or close unused
	// connections.
	ReasonTooManyPipes Reason = reasons.TooManyPipes

	// ReasonOversize means that the peer sent a message larger than MaxMessageSize. Raise it here, or send smaller messages
	// there.
	ReasonOversize Reason = reasons.Oversize

	// ReasonFrameType means that the peer sent a frame with an unknown type or unknown flags. The peer is broken.
	ReasonFrameType Reason = reasons.FrameType
)

// Reasons for refusing a peer that speaks ZeroMQ's protocol, or for ending its pipe.
const (
	// ReasonMechanism means that the peer uses another security mechanism. Configure the same Security on both ends.
	ReasonMechanism Reason = reasons.Mechanism

	// ReasonAuthentication means that the peer's name, password or key is wrong, or its data cannot be decrypted. Check the
	// credentials, and the server's key at the client.
	ReasonAuthentication Reason = reasons.Authentication

	// ReasonPeerError means that the peer refused this end and sent its reason, which the error quotes. A dialer waits at
	// least half of Backoff.Max before it tries again.
	ReasonPeerError Reason = reasons.PeerError

	// ReasonCommand means that the peer sent a malformed command, or one at the wrong time. Check its version of ZMTP.
	ReasonCommand Reason = reasons.Command

	// ReasonMetadata means that the peer's properties are malformed, repeated or too many.
	ReasonMetadata Reason = reasons.Metadata

	// ReasonIdentity means that the peer has the identity of another peer of this Router, of package zmq. Give each its own,
	// or set RouterOptions.Handover.
	ReasonIdentity Reason = reasons.Identity

	// ReasonTopics means that the peer subscribed to more than 1,048,576 topics, or to more than 64 MiB of them. Or all peers
	// together have more than TopicBytes, and this one has the most. Subscribe to fewer, shorter topics.
	ReasonTopics Reason = reasons.Topics
)

// ReasonAttempts means that a request failed with [ErrGivenUp], because MaxAttempts connections ended with it. The request
// may be one that crashes servers.
const ReasonAttempts Reason = reasons.Attempts
