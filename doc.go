// SPDX-License-Identifier: MIT

/*
Package spry is brokerless messaging: sockets with patterns over many transports.

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

A socket is opened for one role of a pattern: [Push] and [Pull], [Pub] and [Sub], [Req] and [Rep], [Surveyor] and
[Respondent], [Pair], [PairPoly], [Bus]. It is bound to any number of endpoints, listening or dialing, by URL, and
may talk to many peers at once. It speaks the Scalability Protocols, so that peers may be programs of nanomsg, NNG
and mangos. [Raw] sockets show routing headers and are what [Proxy] joins.

All methods of all types are safe for concurrent use unless they say otherwise.

# Addresses

	tcp://host:port   tcp://*:5555   tcp://eth0;10.0.0.1:5555   (also tcp4, tcp6)
	tls+tcp://host:port
	ipc:///run/app.sock   ipc://relative/path   (also unix)
	abstract://name   (Linux)
	inproc://name   (within the process, by way of a [Network])

# Ownership

A []byte that goes in is copied before the call returns. A []byte that comes out is a copy, the caller's for ever.
SendMsg takes the contents of a [Message]: on a nil error the Message is empty and may be used again, on an error it
is unchanged. [Message.Bytes] is read-only. [Message.Release] is optional and makes receiving cheaper.

# Misuse

A nil context counts as [context.Background], a nil *[Message] as an empty one, and nil options as the zero value. Any other
nil that a call cannot do without, such as a nil net.Conn, fails with [ErrConfig]. Whatever else a caller passes may at worst
panic in the caller's own goroutine; no lock stays taken then, and the socket works on. Callbacks that run in goroutines of
this package may panic too: that is caught, counted in Stats.Panics and told as EventPanic.

# Delivery

A nil error from a send means that the message is queued for a pipe, never that it was received. Messages are lost
only where the documentation of a pattern says so, and then they are counted by reason, in [Stats], and told by
[Event]. Close sends what is queued, for as long as Options.Linger.

# Errors

Errors are *[OpError] values that wrap documented sentinels and causes. Calls on a closed socket fail with
[ErrClosed], for which errors.Is(err, net.ErrClosed) holds too; calls whose context ended with the context's error.

A call whose context has ended before it begins fails at once with the context's error, even if it would not have to wait:
nothing is sent, and received messages stay for the next call. Shutdown and Drain then close without waiting.
*/
package spry
