// SPDX-License-Identifier: MIT

// Package gateway offers sockets to clients that have nothing but HTTP: a page, curl, a program behind a proxy that lets only HTTP pass.
// The handlers are joined to sockets of package spry and to any server of net/http:
//
//	mux.Handle("/ask", gateway.Ask(req, nil))           // POST: a request, answered with the reply
//	mux.Handle("/jobs", gateway.Send(push, nil))        // POST: a message, for Push or Pub
//	mux.Handle("/survey", gateway.Survey(surveyor, nil))// POST: a survey, answered with lines of JSON
//	mux.Handle("/events", events)                       // GET: what a Sub receives, as server-sent events; see NewEvents
//	mux.Handle("/stream", gateway.Stream(pull, nil))    // POST: a connection of the Scalability Protocols, within HTTP/2
//	server := gateway.NewServer(mux)
//
// [Client] is the client of all but the last, which [Transport] dials. Pages use the package web/jsclient, or EventSource and fetch.
//
// # Answers
//
// Every answer has the header X-Request-Id: that of the request, if it is at most 128 printable ASCII characters without spaces, or a
// new one. An error is an object of type application/problem+json, as in RFC 9457, with the members title, status, detail and request_id:
//
//	400  a header or parameter is malformed, or the body cannot be read
//	401  Authorize asks for credentials
//	403  Authorize refuses the request, or it comes from a page of another origin
//	405  the method is not the handler's
//	408  the body does not arrive in time
//	413  the body is larger than MaxBody, or than a peer takes
//	415  a stream has another content type; see Stream
//	429  the client sends requests too fast, or has too many at one time
//	499  the client has gone, or has ended its side of the connection
//	502  the socket failed otherwise
//	503  the socket has no peer or no room, or is closed; or the handler serves too many requests
//	504  there is no reply in time
//
// With 429 and 503 comes Retry-After.
//
// # Limits
//
// [Options] limits bodies, times, rates, and how many requests a client and all clients may have at one time. [NewServer] limits the
// work before the handlers: headers, idle connections, streams of HTTP/2. [Handler.Stats] counts every request by the status of its
// answer.
//
// A connection of HTTP/1.1 is closed after a request whose body comes in chunks, so that no other request can hide behind it.
//
// Behind a reverse proxy, set Options.Client, as by [Forwarded]: otherwise all clients are one, the proxy.
package gateway
