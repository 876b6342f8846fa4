// SPDX-License-Identifier: MIT

// Package zmq has ZeroMQ's own socket types, on the same engine as package spry: pure Go, and compatible with libzmq on the
// wire, ZMTP 3.1, 3.0 and 2.0.
//
// Sockets, endpoints, pipes, events, statistics and options are those of package spry. The differences are:
//
//   - URLs without a dialect's name, tcp://, ipc:// and tls+tcp://, mean ZeroMQ.
//   - Messages have frames: Send takes any number, Recv returns them.
//   - [Router], [XPub], [Server] and other types without a counterpart in the Scalability Protocols are here only. [Push], [Pull],
//     [Pub], [Sub], [Req], [Rep] and [Pair] also exist in package spry; the versions here expose frames.
//
// Sockets of both packages talk to each other if the patterns match, between processes and in one process.
//
// # Delivery
//
// A nil error of a sending call says that the message was accepted, not that it arrived. Router, Pub, XPub, XSub and Radio drop
// messages for full queues. Messages are never queued before a peer is connected: without a peer, Push, Dealer, Req and the
// like block, and Pub sends to connected subscribers only. Every dropped message is counted under its reason, in [spry.Stats].
//
//   - Push, Dealer, Req, Client, Scatter: messages that a broken connection has not sent go to another connection. Messages that
//     the operating system had accepted may be lost; they are counted as Unknown. Req sends its request again.
//   - Router, Server, Peer, Rep: a message is for one peer. If the peer has disconnected, sending fails. Queued messages are
//     dropped and counted.
//   - Pub, XPub, Radio: a subscriber that is not connected, or has not subscribed yet, gets nothing. A slow subscriber
//     loses the oldest messages, unless Overflow says otherwise.
//   - Pair, Channel: messages queued for a disconnected peer are dropped and counted, and go to no other peer.
//
// # Differences from libzmq
//
// Sockets are safe for use by many goroutines. The sizes of messages and queues, and most times, are limited by default.
// Heartbeats are on. A Req may have any number of open requests. Sending to an unknown peer of a Router is an error, and a
// second peer with the same identity is refused, or replaces the first. A subscription is never lost because a queue is
// full. Linger defaults to 1 s. A negative Linger does not wait at all, while libzmq's -1 waits for ever.
package zmq
