// SPDX-License-Identifier: MIT

// Package stream composes protocols out of layers.
//
// There are two kinds of streams. [Bytes] is a reliable, ordered stream of bytes, such as a TCP connection. [Messages] is a
// stream of whole messages. A layer is attached to a stream below it and is a stream itself:
//
//	tcp, err := stream.Dial(ctx, "tcp://example.com:7", nil) // Bytes
//	tls, err := stream.TLSClient(ctx, tcp, config)           // Bytes over Bytes
//	m, err := stream.Prefix(tls, 8, 1<<20)                   // Messages over Bytes
//
// Layers also follow each other on the same stream: Detach ends a layer in an orderly way and returns the stream below it,
// whole, for the next protocol. A layer never reads beyond its own end, so nothing that the next protocol is to read is lost.
//
//	bytes over bytes        TLSClient, TLSServer, Throttle, Trace, Fault; your own with Wrap
//	messages over bytes     Prefix, Lines; your own with Frame
//	messages over messages  ThrottleMessages, TraceMessages, FaultMessages; your own with Filter
//	many over one           Mux
//	handshakes              SOCKS5, HTTPConnect, HTTPUpgrade, ReadHTTPRequest
//
// [Dial] and [Listen] make whole stacks of bytes from a URL, [DialMessages] and [ListenMessages] those of messages, and [Transport]
// lets sockets of package spry use the same URLs.
//
// # Ownership
//
// A handle owns its stream. Attaching a layer takes the stream: the handle below it fails with [ErrDetached] from then on,
// and closing it does nothing, so that a deferred Close does no harm. If attaching fails, the stream below is closed.
//
// # Calls
//
// Every call that can block takes a context. Its end makes the call return the context's error. A call that moved no byte can
// be repeated; one that moved some leaves the stream broken, and every later call in that direction fails with [ErrBroken].
//
// One goroutine may read a stream while another writes it. Close may be called at any time, by any goroutine. Attach and
// Detach only when no other call is running.
//
// # Ending
//
// CloseWrite ends the outgoing direction; the peer reads [io.EOF], and reading goes on. Close ends both directions at once,
// without waiting for the peer, down to the lowest layer. Detach is an orderly end of the layer alone.
package stream
