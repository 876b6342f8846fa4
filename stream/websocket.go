// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/textproto"

	"github.com/sprymq/spry/internal/wsframe"
)

// WebSocketOptions configure the layers of WebSocket. The zero value, or nil, means the defaults.
type WebSocketOptions struct {
	// Text sends and takes text messages, which must be UTF-8, instead of binary ones.
	Text bool

	// MaxMessage is the size of the largest message that is received, in bytes, over all its fragments. 0 means 16 MiB.
	MaxMessage int

	// Header has further fields of the request of a client, such as Cookie and Sec-WebSocket-Protocol, or of a server's answer.
	Header textproto.MIMEHeader
}

const (
	defaultMaxMessage = 16 << 20
	methodGet         = "GET"
)

// WebSocketClient asks the server at the other end of a stream for a WebSocket, RFC 6455, and attaches it. host is that of the
// request, and target its path, with a query if there is one. The response is returned if there is one. On an error the stream is
// closed. o may be nil.
//
// Pings of the peer are answered while Receive runs. There are no extensions. The peer's close frame is [io.EOF], and CloseSend
// sends one. A peer that breaks the protocol gets one that says how, after which this end's direction of the stream below ends too.
func WebSocketClient(ctx context.Context, below *Bytes, host, target string, o *WebSocketOptions) (*Messages, *HTTPResponse, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	r := &HTTPRequest{Method: methodGet, Target: target, Header: o.header()}
	r.Header.Set("Host", host)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", key)
	b, response, err := HTTPUpgrade(ctx, below, r)
	if err != nil {
		return nil, response, err
	}
	if response.Header.Get("Sec-WebSocket-Accept") != wsframe.Accept(key) || !hasWord(response.Header, "Upgrade", "websocket") ||
		response.Header.Get("Sec-WebSocket-Extensions") != "" {
		_ = b.Close()
		return nil, response, fmt.Errorf("%w: the answer does not fit the request for a WebSocket", ErrHTTP)
	}
	m, err := WebSocketFrames(b, true, o)
	return m, response, err
}

// WebSocketServer answers a request for a WebSocket, which [ReadHTTPRequest] has read, and attaches it. A request for something
// else is answered with 400 or 426, and the stream is closed, as on every error. The program checks the target, the origin and
// credentials before. o may be nil.
func WebSocketServer(ctx context.Context, below *Bytes, r *HTTPRequest, o *WebSocketOptions) (*Messages, error) {
	b, err := below.Take()
	if err != nil {
		return nil, err
	}
	answer := &HTTPResponse{Code: 101, Reason: "Switching Protocols", Header: o.header()}
	answer.Header.Set("Connection", "Upgrade")
	answer.Header.Set("Upgrade", "websocket")
	key := r.Header.Get("Sec-WebSocket-Key")
	switch {
	case r.Method != methodGet || len(key) != 24 && hasWord(r.Header, "Upgrade", "websocket"):
		answer = &HTTPResponse{Code: 400, Reason: "Bad Request"}
	case !hasWord(r.Header, "Upgrade", "websocket") || !hasWord(r.Header, "Connection", "upgrade") || r.Header.Get("Sec-WebSocket-Version") != "13":
		answer.Code, answer.Reason = 426, "Upgrade Required"
		answer.Header.Set("Sec-WebSocket-Version", "13")
	default:
		answer.Header.Set("Sec-WebSocket-Accept", wsframe.Accept(key))
	}
	if err = answer.Write(ctx, b); err == nil && answer.Code != 101 {
		err = fmt.Errorf("%w: a request that is not one for a WebSocket was answered with %d", ErrHTTP, answer.Code)
	}
	if err != nil {
		_ = b.Close()
		return nil, err
	}
	return WebSocketFrames(b, false, o)
}

// WebSocketFrames attaches the frames of WebSocket without a handshake, for programs that have done that. client is true at the
// end that sent the request: it masks. Of o, the header does not apply.
func WebSocketFrames(below *Bytes, client bool, o *WebSocketOptions) (*Messages, error) {
	f := &webSocket{client: client, kind: wsframe.Binary}
	limit := defaultMaxMessage
	if o != nil && o.Text {
		f.kind = wsframe.Text
	}
	if o != nil && o.MaxMessage > 0 {
		limit = o.MaxMessage
	}
	f.sequence.Limit = int64(limit)
	return Frame(below, f, limit)
}

// header is a copy of the header of the options.
func (o *WebSocketOptions) header() textproto.MIMEHeader {
	h := make(textproto.MIMEHeader)
	if o != nil {
		for name, values := range o.Header {
			h[textproto.CanonicalMIMEHeaderKey(name)] = values
		}
	}
	return h
}

// hasWord reports whether a field is a list with this word.
func hasWord(h textproto.MIMEHeader, name, word string) bool {
	return wsframe.Listed(h.Values(name), word)
}
