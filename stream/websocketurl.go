// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/sprymq/spry/internal/origin"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

// A webSocketURL is what a URL says of a WebSocket.
type webSocketURL struct {
	host, path, subprotocol string
	options                 WebSocketOptions
}

const subprotocols = "Sec-WebSocket-Protocol"

func webSocketOf(p *params, limit int) *webSocketURL {
	w := &webSocketURL{path: p.text("ws-path"), subprotocol: p.text("ws-subprotocol")}
	form := p.text("ws-format")
	if form != "" && form != "text" && form != "binary" {
		p.fail("ws-format", "is %.20q; it is text or binary", form)
	}
	switch {
	case w.path == "":
		w.path = "/"
	case w.path[0] != '/' || !isTarget(w.path):
		p.fail("ws-path", "is %.40q; a path begins with / and has no spaces", w.path)
	}
	if w.subprotocol != "" && !isToken(w.subprotocol) {
		p.fail("ws-subprotocol", "is %.40q; a subprotocol is one word", w.subprotocol)
	}
	w.options = WebSocketOptions{Text: form == "text", MaxMessage: limit, Header: textproto.MIMEHeader{}}
	if w.subprotocol != "" {
		w.options.Header.Set(subprotocols, w.subprotocol)
	}
	return w
}

// ask is for dialing: the request names the host of a URL.
func (w *webSocketURL) ask(u transport.URL) {
	_, base := splitStack(u.Scheme)
	_, host, local := strings.Cut(u.Address, ";")
	switch {
	case isNamed(base):
		w.host = "localhost"
	case local:
		w.host = host
	default:
		w.host = u.Address
	}
}

func (w *webSocketURL) dial(ctx context.Context, b *Bytes) (*Messages, error) {
	m, response, err := WebSocketClient(ctx, b, w.host, w.path, &w.options)
	if err != nil {
		return nil, err
	}
	if got := response.Header.Get(subprotocols); got != w.subprotocol {
		_ = m.Close()
		return nil, fmt.Errorf("%w: the server speaks the subprotocol %.40q, and %q was asked for", ErrHTTP, got, w.subprotocol)
	}
	return m, nil
}

// takeRequests is for listening, where the parameters of a request are free.
func (w *webSocketURL) takeRequests(p *params) {
	if strings.Contains(w.path, "?") {
		p.fail("ws-path", "is %.40q; a listener takes requests with any parameters: leave them out", w.path)
	}
}

func (w *webSocketURL) serve(ctx context.Context, b *Bytes) (*Messages, error) {
	r, err := ReadHTTPRequest(ctx, b)
	if err != nil {
		return nil, err
	}
	refuse := func(code int, reason, form string, args ...any) (*Messages, error) {
		answer := &HTTPResponse{Code: code, Reason: reason, Header: textproto.MIMEHeader{"Content-Length": {"0"}, "Connection": {"close"}}}
		err := fmt.Errorf("%w: "+form, append([]any{ErrHTTP}, args...)...)
		if werr := answer.Write(ctx, b); werr != nil {
			return nil, fmt.Errorf("%w; %w", err, werr)
		}
		return nil, err
	}
	path, _, _ := strings.Cut(r.Target, "?")
	if path != w.path {
		return refuse(404, "Not Found", "nothing is at the path %.100q", path)
	}
	if err := origin.Check(r.Header.Values("Origin"), r.Header.Get("Host"), b.LocalAddr()); err != nil {
		return refuse(403, "Forbidden", "%w", err)
	}
	if w.subprotocol != "" && !wsframe.Listed(r.Header.Values(subprotocols), w.subprotocol) {
		return refuse(400, "Bad Request", "the client offers the subprotocols %.100q, and not %s", r.Header.Values(subprotocols), w.subprotocol)
	}
	return WebSocketServer(ctx, b, r, &w.options)
}
