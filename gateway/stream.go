// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"io"
	"net"
	"net/http"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/stream"
)

// StreamType is the content type of a connection of the Scalability Protocols within HTTP/2.
const StreamType = "application/vnd.sp"

// A Socket is any socket of package spry.
type Socket interface {
	Attach(ctx context.Context, c net.Conn, cfg *spry.AttachConfig) (*spry.Pipe, error)
}

// Stream returns a handler that makes a pipe of each POST with the content type [StreamType]: the body of the request has the bytes that the
// client sends, and the answer those that the socket sends, both at the same time. They are those of a TCP connection of the Scalability
// Protocols. That is for programs behind proxies that let only HTTP pass; they dial with [Transport]. o may be nil.
//
// It needs HTTP/2, with or without TLS; other requests are answered with 505. MaxBody, BodyTimeout and the header Spry-Timeout do not apply.
// A client that takes nothing for WriteTimeout is cut.
//
// When a client ends its direction, the socket receives all that it sent, and the pipe ends as that of a TCP connection does. The end of the
// pipe is the end of the answer, after all that was written. When the socket is closed or drained, the streams end. Shutdown of the server
// waits for them, so close or drain the socket first.
func Stream(s Socket, o *Options) *Handler {
	return newHandler(o, http.MethodPost, func(x *exchange) error {
		switch {
		case x.r.ProtoMajor < 2:
			return &StatusError{http.StatusHTTPVersionNotSupported, "a stream needs HTTP/2"}
		case x.r.Header.Get("Content-Type") != StreamType:
			return &StatusError{http.StatusUnsupportedMediaType, "the content type is " + StreamType}
		}
		x.begin(http.StatusOK, StreamType)
		if err := x.flush(); err != nil {
			return err
		}
		return x.endOf(x.join(s))
	})
}

// join joins the request to a pipe of the socket until one of them ends.
func (x *exchange) join(s Socket) error {
	near, far := stream.Pipe()
	conn, err := near.Conn()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(x.r.Context())
	local, _ := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	work := scope.New()
	defer func() {
		_ = far.Close()
		_ = x.r.Body.Close() // ends a read
		work.Close(nil)
		cancel() // last, so that the socket counts why a handshake failed
	}()
	_ = work.Go(func() { // of the client, whose end may come first
		if err := copyTo(ctx, far, x.r.Body); err != nil {
			_ = far.Close()
		} else {
			_ = far.CloseWrite(ctx)
		}
	})
	_ = work.Go(func() {
		c := serverConn{conn, orNowhere(local), address(x.r.RemoteAddr)}
		_, _ = s.Attach(ctx, c, &spry.AttachConfig{Listening: true, Dialects: []string{"sp"}}) // counted by the socket, which closes c
	})
	return copyFrom(ctx, far, func(p []byte) error {
		x.extend()
		if _, err := x.w.Write(p); err != nil {
			return err
		}
		return x.flush()
	})
}

const copySize = 16 << 10

// copyTo writes to a stream what a reader has, until its end.
func copyTo(ctx context.Context, to *stream.Bytes, from io.Reader) error {
	buf := make([]byte, copySize)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := to.Write(ctx, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyFrom writes what a stream has, until its end.
func copyFrom(ctx context.Context, from *stream.Bytes, write func([]byte) error) error {
	buf := make([]byte, copySize)
	for {
		n, err := from.Read(ctx, buf)
		if n > 0 {
			if err := write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return nil // the end of the stream, or of ctx
		}
	}
}

// A serverConn is the connection of a request. It cannot end one direction alone.
type serverConn struct {
	net.Conn
	local, remote net.Addr
}

func (c serverConn) LocalAddr() net.Addr  { return c.local }
func (c serverConn) RemoteAddr() net.Addr { return c.remote }

// An address is that of one end of a stream.
type address string

func (address) Network() string  { return "http" }
func (a address) String() string { return string(a) }

func orNowhere(a net.Addr) net.Addr {
	if a == nil {
		return address("")
	}
	return a
}
