// SPDX-License-Identifier: MIT

/*
Package spry is brokerless messaging: sockets with patterns over many transports.

Peers are programs that use this library, nanomsg, NNG or mangos, and, at URLs such as zmtp+tcp://host:port, ZeroMQ. Package
[github.com/sprymq/spry/zmq] has ZeroMQ's own socket types.

	rep := spry.NewRep(nil)
	defer rep.Close()
	if _, err := rep.Listen(ctx, "tcp://127.0.0.1:5555"); err != nil {
		return err
	}
	return rep.Serve(ctx, 8, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		r.Reply(ctx, r.Bytes())
	}))

and in another process

	req := spry.NewReq(nil)
	defer req.Close()
	if _, err := req.Dial(ctx, "tcp://127.0.0.1:5555"); err != nil {
		return err
	}
	reply, err := req.Do(ctx, []byte("ping"))

# Sockets

A socket has one role of a pattern: [Push] and [Pull], [Pub] and [Sub], [Req] and [Rep], [Surveyor] and
[Respondent], [Pair], [PairPoly], [Bus]. It may have any number of endpoints, listening or dialing, each with a URL, and
may talk to many peers at once. [Raw] sockets show routing headers, and [Proxy] forwards messages between them.

Sockets speak the Scalability Protocols, so peers may be programs that use nanomsg, NNG or mangos. They also speak
ZeroMQ's ZMTP: a listening Push, Pull, Pub, Sub, Req, Rep or Pair serves both families on one port, and zmtp+tcp://
dials ZeroMQ.

Programs receive by calls (Recv, RecvMsg, RecvBatch), by loops (Messages, Bodies, Requests) or by channels (Chan). [Merge] loops
over several sockets. SendBodies and package bufsend send many small messages at once. [NewCaller], [HandleTyped], [TypedSender] and [TypedReceiver] exchange values instead of bytes.

All methods of all types are safe for concurrent use unless they say otherwise.

# Addresses

	tcp://host:port   tcp://*:5555   tcp://eth0;10.0.0.1:5555   (also tcp4, tcp6)
	tls+tcp://host:port
	ipc:///run/app.sock   ipc://relative/path   (also unix)
	abstract://name   (Linux)
	inproc://name   (in one process, in a [Network])
	throttle+tcp://host:port?throttle=1MB/s   (layers: see package stream)
	zmtp+tcp://host:port   zmtp+tls+tcp://...   zmtp+ipc://...   (a peer that speaks ZeroMQ's protocol)

# Ownership

A []byte argument is copied before the call returns. A []byte result is a copy that belongs to the caller.
SendMsg takes the contents of a [Message]: after a nil error the Message is empty and may be used again, after an error it
is unchanged. [Message.Bytes] is read-only. [Message.Release] is optional and makes receiving cheaper.

# Misuse

A nil context counts as [context.Background], a nil *[Message] as an empty one, and nil options as the zero value. Any other
nil argument that a call needs, such as a nil net.Conn, fails with [ErrConfig], and a nil *[Pipe] names no peer, with [ErrNoPeer]. Other invalid arguments may at worst
panic in the caller's own goroutine; no lock stays held, and the socket continues to work. A panic of a callback that runs in a
goroutine of this package is caught, counted in Stats.Panics and reported as EventPanic.

# Interceptors

Options.Interceptors see what a socket's application sends, receives and handles, each call once and a batch as one: they measure it,
trace it, change it or refuse it. See [Interceptor].

# Delivery

A nil error from a send means that the message is queued for a pipe, never that it was received. Messages are lost
only where the documentation of a pattern says so. They are then counted by reason in [Stats] and reported by
[Event]. Close sends queued messages, for as long as Options.Linger.

# Errors

Errors are *[OpError] values that wrap documented sentinels and causes. Calls on a closed socket fail with
[ErrClosed], for which errors.Is(err, net.ErrClosed) holds too. Calls whose context ended fail with the context's error.

A call whose context has ended before it begins fails at once with the context's error, even if it would not block:
nothing is sent, and received messages stay for the next call. Shutdown and Drain then close without waiting.

The error of a call that came to its deadline also says what it waited for: that no peer is connected, with the last error of
each endpoint; which peers have the request; whose send queue is full. It wraps those errors.
*/
package spry
