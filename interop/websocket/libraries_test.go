// SPDX-License-Identifier: MIT

package websocket_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	coder "github.com/coder/websocket"
	gobwas "github.com/gobwas/ws"
	gorilla "github.com/gorilla/websocket"

	"github.com/sprymq/spry/interop/internal/kit"
)

// coderConn is a connection of github.com/coder/websocket.
type coderConn struct {
	*coder.Conn
	ctx context.Context
}

func startCoder(t *testing.T, a kit.Address) echoer {
	t.Helper()
	ctx := waits(t)
	prepare := func(c *coder.Conn) coderConn {
		c.SetReadLimit(-1)
		return coderConn{c, ctx}
	}
	return library{
		dial: func(ctx context.Context, url string, config *tls.Config, _ bool) (conn, error) {
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
			c, _, err := coder.Dial(ctx, url, &coder.DialOptions{Subprotocols: []string{subprotocol}, HTTPClient: client}) //nolint:bodyclose // there is none
			if err != nil {
				return nil, err
			}
			return prepare(c), nil
		},
		accept: func(w http.ResponseWriter, r *http.Request, _ bool) (conn, error) {
			c, err := coder.Accept(w, r, &coder.AcceptOptions{Subprotocols: []string{subprotocol}})
			if err != nil {
				return nil, err
			}
			return prepare(c), nil
		},
	}.start(t, a)
}

func (c coderConn) read() ([]byte, error) {
	_, body, err := c.Read(c.ctx)
	return body, err
}

func (c coderConn) write(body []byte, text, fragmented bool) error {
	kind := coder.MessageBinary
	if text {
		kind = coder.MessageText
	}
	if !fragmented {
		return c.Write(c.ctx, kind, body)
	}
	w, err := c.Writer(c.ctx, kind)
	if err != nil {
		return err
	}
	for _, p := range pieces(body) {
		if _, err := w.Write(p); err != nil { // each is a frame
			return err
		}
	}
	return w.Close()
}

func (c coderConn) ping() error {
	go func() { // read takes the answer
		if c.Ping(c.ctx) == nil {
			_ = c.write([]byte("pong"), false, false)
		}
	}()
	return nil
}

func (c coderConn) close(status int, reason string) error {
	return c.Close(coder.StatusCode(status), reason)
}

func (c coderConn) status(err error) int {
	if status := coder.CloseStatus(err); status >= 0 {
		return int(status)
	}
	return noStatus
}

func (c coderConn) abort() { _ = c.CloseNow() }

// gorillaConn is a connection of github.com/gorilla/websocket. It writes a frame when its buffer is full.
type gorillaConn struct{ *gorilla.Conn }

func gorillaBuffer(fragmented bool) int {
	if fragmented {
		return piece
	}
	return 2 << 20
}

func startGorilla(t *testing.T, a kit.Address) echoer {
	t.Helper()
	prepare := func(c *gorilla.Conn) conn {
		c.SetPongHandler(func(string) error { return c.WriteMessage(gorilla.BinaryMessage, []byte("pong")) })
		return gorillaConn{c}
	}
	return library{
		dial: func(ctx context.Context, url string, config *tls.Config, fragmented bool) (conn, error) {
			d := gorilla.Dialer{Subprotocols: []string{subprotocol}, TLSClientConfig: config, WriteBufferSize: gorillaBuffer(fragmented)}
			c, _, err := d.DialContext(ctx, url, nil) //nolint:bodyclose // it has been read
			if err != nil {
				return nil, err
			}
			return prepare(c), nil
		},
		accept: func(w http.ResponseWriter, r *http.Request, fragmented bool) (conn, error) {
			u := gorilla.Upgrader{Subprotocols: []string{subprotocol}, WriteBufferSize: gorillaBuffer(fragmented)}
			c, err := u.Upgrade(w, r, nil)
			if err != nil {
				return nil, err
			}
			return prepare(c), nil
		},
	}.start(t, a)
}

func (c gorillaConn) read() ([]byte, error) {
	_, body, err := c.ReadMessage()
	if err != nil {
		_ = c.Conn.Close()
	}
	return body, err
}

func (c gorillaConn) write(body []byte, text, _ bool) error {
	kind := gorilla.BinaryMessage
	if text {
		kind = gorilla.TextMessage
	}
	w, err := c.NextWriter(kind)
	if err != nil {
		return err
	}
	for _, p := range pieces(body) {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return w.Close()
}

func (c gorillaConn) ping() error { return c.WriteMessage(gorilla.PingMessage, []byte("answer this")) }

func (c gorillaConn) close(status int, reason string) error {
	return c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(status, reason))
}

func (gorillaConn) status(err error) int {
	if e, ok := errors.AsType[*gorilla.CloseError](err); ok {
		return e.Code
	}
	return noStatus
}

func (c gorillaConn) abort() { _ = c.Conn.Close() }

// gobwasConn is a connection of github.com/gobwas/ws, which leaves everything but frames to its user.
type gobwasConn struct {
	net.Conn
	in     io.Reader
	client bool
}

// gobwasClosed is the status of a close frame.
type gobwasClosed int

func (gobwasClosed) Error() string { return "closed" }

func startGobwas(t *testing.T, a kit.Address) echoer {
	t.Helper()
	return library{
		dial: func(ctx context.Context, url string, config *tls.Config, _ bool) (conn, error) {
			c, early, _, err := gobwas.Dialer{Protocols: []string{subprotocol}, TLSConfig: config}.Dial(ctx, url)
			if err != nil {
				return nil, err
			}
			in := bufio.NewReader(c)
			if early != nil {
				in = early
			}
			return gobwasConn{c, in, true}, nil
		},
		accept: func(w http.ResponseWriter, r *http.Request, _ bool) (conn, error) {
			u := gobwas.HTTPUpgrader{Protocol: func(name string) bool { return name == subprotocol }}
			c, rw, _, err := u.Upgrade(r, w)
			if err != nil {
				return nil, err
			}
			return gobwasConn{c, rw, false}, nil
		},
	}.start(t, a)
}

func (c gobwasConn) frame(op gobwas.OpCode, final bool, body []byte) error {
	f := gobwas.NewFrame(op, final, body)
	if c.client {
		f = gobwas.MaskFrame(f)
	}
	return gobwas.WriteFrame(c, f)
}

func (c gobwasConn) read() (body []byte, err error) {
	defer func() {
		if err != nil {
			_ = c.Conn.Close()
		}
	}()
	for {
		h, err := gobwas.ReadHeader(c.in)
		if err != nil {
			return nil, err
		}
		if h.Masked == c.client {
			return nil, errors.New("only clients mask")
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(c.in, payload); err != nil {
			return nil, err
		}
		if h.Masked {
			gobwas.Cipher(payload, h.Mask, 0)
		}
		switch h.OpCode {
		case gobwas.OpClose:
			status, _ := gobwas.ParseCloseFrameData(payload)
			_ = c.frame(gobwas.OpClose, true, payload)
			return nil, gobwasClosed(status)
		case gobwas.OpPing:
			err = c.frame(gobwas.OpPong, true, payload)
		case gobwas.OpPong:
			err = c.write([]byte("pong"), false, false)
		default:
			if body = append(body, payload...); h.Fin {
				return body, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (c gobwasConn) write(body []byte, text, fragmented bool) error {
	op := gobwas.OpBinary
	if text {
		op = gobwas.OpText
	}
	all := [][]byte{body}
	if fragmented {
		all = pieces(body)
	}
	for i, p := range all {
		if err := c.frame(op, i == len(all)-1, p); err != nil {
			return err
		}
		op = gobwas.OpContinuation
	}
	return nil
}

func (c gobwasConn) ping() error { return c.frame(gobwas.OpPing, true, []byte("answer this")) }

func (c gobwasConn) close(status int, reason string) error {
	return c.frame(gobwas.OpClose, true, gobwas.NewCloseFrameBody(gobwas.StatusCode(status), reason))
}

func (gobwasConn) status(err error) int {
	if status, ok := errors.AsType[gobwasClosed](err); ok {
		return int(status)
	}
	return noStatus
}

func (c gobwasConn) abort() { _ = c.Conn.Close() }
