// SPDX-License-Identifier: MIT

/*
Package otel reports sockets of package spry to OpenTelemetry: spans of what they send, receive and handle, and their figures as
metrics. It uses OpenTelemetry's API only. Programs choose the SDK, and without one nothing is reported.

	tracing := otel.New(&otel.Options{Envelope: true})
	req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{
		Name: "orders", Interceptors: []spry.Interceptor{tracing},
	}})

[New] returns an interceptor, which a program gives to each socket that is to be traced. [Register] reports the figures of all sockets.

# Spans

Names and attributes are those of OpenTelemetry's semantic conventions for messaging, which are in development. The destination is
the name of the socket, or its protocol if it has none.

	send orders      each sending call; of a Req and of a Surveyor, which receive replies within, its kind is client
	receive orders   each receiving call that returns messages
	process orders   each call of the handler of a Rep or Respondent

The context of what was received is [spry.Message.Context]; a handler has it in its ctx. Pass that on to trace messages that are sent
because of it. A message that is sent on, and the reply to a request, continue its trace even without.

# How traces join

With [Options].Envelope, messages carry the context of the span in which they were sent: behind the body, or as a frame of their own on
sockets of package zmq whose messages have several. docs/wire/tracing.md has the bytes. It is off by default, because peers without
this package see those bytes: turn it on for receiving sockets first. A receiver takes messages with and without. Replies carry none,
because the requester knows its own span, so that requesters without this package are served as well.

The span that receives a single message is the child of the span that sent it, unless the ctx of the call has a span. Then, and where a
message goes to many or many are received at once, it has links to them.
*/
package otel
