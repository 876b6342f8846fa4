// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"strings"

	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

// DialMessages is [Dial] for a URL whose first word is a protocol of messages. It attaches that on top:
//
//	ws+tls+tcp://example.com:443?ws-path=/feed&ws-subprotocol=chat   WebSocket; the path defaults to /
//	prefix+tcp://example.com:7?prefix=2                              sizes of 1 to 8 bytes, by default 4: see [Prefix]
//	lines+throttle+tcp://example.com:7?throttle=1MB/s                lines: see [Lines]
//
// ws-format=text makes the messages of a WebSocket text. message-limit is the size of the largest message that is received, 16 MiB
// by default. The other end attaches the protocol to the streams of a [Listener]: see [WebSocketServer].
func DialMessages(ctx context.Context, url string, o *DialOptions) (*Messages, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	below, attach, err := parseMessages(u)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", u.Redacted(), transport.ErrURL, err)
	}
	b, err := Dial(ctx, below.String(), o)
	if err != nil {
		return nil, urls.Rename(err, below, u)
	}
	m, err := attach(ctx, b)
	if err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	return m, nil
}

// parseMessages takes the protocol of messages off a URL.
func parseMessages(u transport.URL) (below transport.URL, attach func(context.Context, *Bytes) (*Messages, error), err error) {
	name, scheme, _ := strings.Cut(u.Scheme, "+")
	rest, values, err := u.Parameters()
	if err != nil {
		return below, nil, err
	}
	p := params{values: values, used: make(map[string]bool)}
	limit := int(p.size("message-limit"))
	if limit == 0 {
		limit = defaultMaxMessage
	}
	switch name {
	case "ws":
		_, host, local := strings.Cut(rest.Address, ";")
		if !local {
			host = rest.Address
		}
		attach = p.webSocket(host, limit)
	case "prefix":
		size := int(p.size("prefix"))
		if size == 0 {
			size = 4
		}
		attach = func(_ context.Context, b *Bytes) (*Messages, error) { return Prefix(b, size, limit) }
	case "lines":
		attach = func(_ context.Context, b *Bytes) (*Messages, error) { return Lines(b, limit) }
	default:
		return below, nil, errors.New("the first word of the scheme is no protocol of messages; there are ws, prefix, lines, as in ws+tcp://host:80")
	}
	if scheme == "" {
		return below, nil, fmt.Errorf("nothing is below %s; write %s+tcp://host:port", name, name)
	}
	maps.DeleteFunc(values, func(name string, _ []string) bool { return p.used[name] })
	below = transport.URL{Scheme: scheme, Address: rest.Address}
	if len(values) > 0 {
		below.Address += "?" + values.Encode()
	}
	return below, attach, p.err
}

// webSocket attaches a WebSocket with the parameters of a URL.
func (p *params) webSocket(host string, limit int) func(context.Context, *Bytes) (*Messages, error) {
	path, subprotocol, form := p.text("ws-path"), p.text("ws-subprotocol"), p.text("ws-format")
	if path == "" {
		path = "/"
	}
	if form != "" && form != "text" && form != "binary" {
		p.fail("ws-format", "is %.20q; it is text or binary", form)
	}
	o := &WebSocketOptions{Text: form == "text", MaxMessage: limit, Header: textproto.MIMEHeader{}}
	if subprotocol != "" {
		o.Header.Set("Sec-WebSocket-Protocol", subprotocol)
	}
	return func(ctx context.Context, b *Bytes) (*Messages, error) {
		m, _, err := WebSocketClient(ctx, b, host, path, o)
		return m, err
	}
}
