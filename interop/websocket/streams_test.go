// SPDX-License-Identifier: MIT

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/stream"
)

// A streamEnd makes WebSockets of package stream to an echoer, one after the other.
type streamEnd struct {
	at       *url.URL
	options  *stream.DialOptions
	listener *stream.Listener // nil at the end that dials
	made     int
}

// newStreamEnd starts an echoer at the other end.
func newStreamEnd(t *testing.T, i implementation, a kit.Address) (*streamEnd, echoer) {
	t.Helper()
	at, err := url.Parse(a.URL)
	testkit.Check(t, err)
	s := &streamEnd{at: at, options: &stream.DialOptions{}}
	below, listen := "tcp://", &stream.ListenOptions{}
	if a.TLS != nil {
		below, s.options.TLS, listen.TLS = "tls+tcp://", a.TLS.Config(false), a.TLS.Config(true)
	}
	if a.SpryListens {
		s.listener, err = stream.Listen(kit.Watched(t), below+at.Host, listen)
		testkit.Check(t, err)
		t.Cleanup(func() { _ = s.listener.Close() })
	}
	return s, i.start(t, a)
}

// next is the next WebSocket. The dialing end asks for every other one by a URL, and does the steps itself for the rest.
func (s *streamEnd) next(ctx context.Context, o *stream.WebSocketOptions) (*stream.Messages, error) {
	s.made++
	below, path := "tcp://"+s.at.Host, s.at.Path
	if s.options.TLS != nil {
		below = "tls+" + below
	}
	if path == "" {
		path = "/"
	}
	switch {
	case s.listener != nil:
		b, err := s.listener.Accept(ctx)
		if err != nil {
			return nil, err
		}
		r, err := stream.ReadHTTPRequest(ctx, b)
		if err != nil {
			return nil, err
		}
		if r.Target != path || r.Header.Get("Sec-WebSocket-Protocol") != subprotocol {
			return nil, fmt.Errorf("the request is %+v", r)
		}
		return stream.WebSocketServer(ctx, b, r, o)
	case s.made%2 == 1:
		values := url.Values{"ws-path": {path}, "ws-subprotocol": {subprotocol}, "message-limit": {fmt.Sprint(o.MaxMessage)}}
		return stream.DialMessages(ctx, "ws+"+below+"?"+values.Encode(), s.options)
	}
	b, err := stream.Dial(ctx, below, s.options)
	if err != nil {
		return nil, err
	}
	m, response, err := stream.WebSocketClient(ctx, b, s.at.Host, path, o)
	if err == nil && response.Header.Get("Sec-WebSocket-Protocol") != subprotocol {
		err = fmt.Errorf("the response is %+v", response)
	}
	return m, err
}

// TestStreamFrames has the WebSocket layer of package stream meet each implementation: messages of every class of length there and
// back, whole and in the peer's fragments, with pings of the peer in between, and all ways in which a WebSocket ends.
func TestStreamFrames(t *testing.T) {
	eachImplementation(t, "stream: frames of all sizes, fragments, pings, ends", func(t *testing.T, i implementation, a kit.Address) {
		ctx := kit.Watched(t)
		s, e := newStreamEnd(t, i, a)
		for n, ending := range []struct {
			command string
			err     string // that Spry gets; without one, it is io.EOF
			status  int    // that the peer gets, or 0
		}{
			{"!close 4001", `status 4001 and said "as told"`, 0}, {"!text", "text", 1003}, {"!send 1048577", "1048576", 1009}, {"", "", 1000},
		} {
			m, err := s.next(ctx, &stream.WebSocketOptions{
				MaxMessage: 1 << 20, Header: textproto.MIMEHeader{"Sec-WebSocket-Protocol": {subprotocol}},
			})
			testkit.Check(t, err)
			ask := func(body, want []byte) {
				t.Helper()
				testkit.Check(t, m.Send(ctx, body))
				kit.Same(t, "Spry received", kit.Must[[]byte](t)(m.Receive(ctx)), want)
			}
			for _, size := range lengths {
				ask(kit.Body(size, 3), kit.Body(size, 3))
			}
			ask([]byte("!ping"), []byte("pong"))
			if ending.command != "" {
				testkit.Check(t, m.Send(ctx, []byte(ending.command)))
			} else {
				testkit.Check(t, m.CloseSend(ctx))
			}
			got, err := m.Receive(ctx)
			if err == nil || errors.Is(err, io.EOF) != (ending.err == "") || !strings.Contains(err.Error(), ending.err) {
				t.Errorf("after %q Spry receives %.20q, %v", ending.command, got, err)
			}
			if ending.status != 1003 && ending.status != 1009 { // after those, the layer has ended its direction itself, and the peer may still send
				testkit.Check(t, m.CloseSend(ctx))
				testkit.Check(t, m.Close())
			}
			if status := e.closed(t, n+1); ending.status != 0 && status != ending.status {
				t.Errorf("after %q the peer gets the status %d, want %d", ending.command, status, ending.status)
			}
			testkit.Check(t, m.Close())
		}
	})
}
