// SPDX-License-Identifier: MIT

// Package zmq has ZeroMQ's own socket types, on the same engine as package spry: pure Go, and on the wire what libzmq speaks,
// ZMTP 3.1, 3.0 and 2.0.
//
// Sockets, endpoints, pipes, events, statistics and options are those of package spry. What is different here:
//
//   - URLs without a dialect's name, tcp://, ipc:// and tls+tcp://, mean ZeroMQ.
//   - Messages have frames: Send takes any number, Recv returns them.
//   - [Router], [XPub], [Server] and the others that the Scalability Protocols have no twin of are here only. [Push], [Pull],
//     [Pub], [Sub], [Req], [Rep] and [Pair] are sockets whose twins in package spry would do as well, with frames.
//
// Sockets of both packages talk to each other where the patterns match, in and out of a process.
//
// # What is promised
//
// A nil error of a sending call says that the message is queued for a peer, not that it arrived. Nothing is queued for
// nobody: without a peer, Push, Dealer, Req and the like wait, and Pub sends to those who are there. Every message that is
// dropped is counted under its reason, in [spry.Stats].
//
//   - Push, Dealer, Req, Client, Scatter: what a broken connection has not sent goes to another, or to the next. What the
//     operating system had is lost with the connection, and counted as Unknown. Req asks again.
//   - Router, Server, Peer, Rep: a message is for one peer. If it is gone, sending fails, and what was queued is counted.
//   - Pub, XPub, Radio: a subscriber that is not there, or has not subscribed yet, gets nothing. One that does not keep
//     up loses the oldest messages, unless Overflow says otherwise.
//   - Pair, Channel: what was queued for a peer that is gone is counted, and goes to nobody else.
//
// # Differences from libzmq
//
// Sockets are safe for use by many goroutines. Limits are finite by default: of messages, of bytes, of queues and of time.
// Heartbeats are on. A Req may have any number of requests on their way. A Router's message to a peer that is not there is an
// error, and a second peer of the same identity is refused, or takes the place of the first. A subscription is never lost for
// want of room in a queue.
package zmq
