// SPDX-License-Identifier: MIT

package ws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

// HandshakeContext does the handshake of TLS.
func (k *link) HandshakeContext(ctx context.Context) error {
	if h, ok := k.inner.Conn.(transport.Handshaker); ok {
		return h.HandshakeContext(ctx)
	}
	return nil
}

// Handshake upgrades the connection. The subprotocol is the choice.
func (k *link) Handshake(ctx context.Context, offers []transport.Offer, listening bool) (chosen transport.Offer, peer transport.Hello, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := k.inner.SetDeadline(deadline); err != nil {
			return chosen, peer, err
		}
	}
	if listening {
		chosen, err = k.answer(offers)
	} else {
		chosen, err = k.upgrade(ctx, offers)
	}
	if err != nil {
		return chosen, peer, err
	}
	k.begin(chosen)
	return chosen, counterpart(chosen), k.inner.SetDeadline(time.Time{})
}

func counterpart(o transport.Offer) transport.Hello {
	return transport.Hello{Protocol: o.Peer, Peer: o.Protocol, Name: o.PeerName, PeerName: o.Name}
}

const (
	suffixSP = ".sp.nanomsg.org"
	nameZWS  = "ZWS2.0"
)

// subprotocol is the name of what is spoken with a socket of a protocol as the server.
func subprotocol(o transport.Offer, server string) string {
	switch {
	case o.Dialect == "sp":
		return server + suffixSP
	case o.Dialect != "zmtp":
		return ""
	case o.Mechanism == "":
		return nameZWS
	}
	return nameZWS + "/" + o.Mechanism
}

// offered returns the subprotocols that a dialing end offers, and what each stands for. A socket of the Scalability Protocols offers one,
// because NNG refuses lists. Where only has names, there are no others.
func offered(offers []transport.Offer, only []string) (names []string, named []transport.Offer, err error) {
	for _, o := range offers {
		name := subprotocol(o, o.PeerName)
		if o.Dialect == offers[0].Dialect && name != "" && !slices.Contains(names, name) && (len(names) == 0 || o.Dialect != "sp") && (len(only) == 0 || wsframe.Listed(only, name)) {
			names, named = append(names, name), append(named, o)
		}
	}
	switch {
	case len(names) == 0 && len(only) > 0:
		err = fmt.Errorf("this socket has none of the subprotocols %.100q that the Header of ws.Transport names", only)
	case len(names) == 0:
		err = fmt.Errorf("WebSocket has no subprotocol for the dialect %s: dial sp or zmtp", offers[0].Dialect)
	}
	return names, named, err
}

// upgrade sends the request of a dialing end and reads the answer.
func (k *link) upgrade(ctx context.Context, offers []transport.Offer) (chosen transport.Offer, err error) {
	const header = "Sec-WebSocket-Protocol"
	only := slices.Concat(k.request.Header[header], k.request.Header.Values(header)) //nolint:staticcheck // an application may write it so
	names, named, err := offered(offers, only)
	if err != nil {
		return chosen, err
	}
	if k.format != binary && (offers[0].Dialect != "sp" || !k.format.suits(named[0])) {
		if offers[0].Dialect != "sp" {
			return chosen, errors.New("ZeroMQ's protocol has no form as text: dial without ?format")
		}
		return chosen, errors.New(noAnswers)
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return chosen, err
	}
	key := base64.StdEncoding.EncodeToString(nonce[:])
	r := k.request.Clone(ctx)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header["Sec-WebSocket-Key"] = []string{key}
	r.Header["Sec-WebSocket-Version"] = []string{"13"}
	r.Header.Del(header)
	r.Header[header] = []string{strings.Join(names, ",")}
	answer, early, err := ask(ctx, k.inner, r) //nolint:bodyclose // an upgrade has no body
	if err != nil {
		return chosen, err
	}
	k.asked, k.early, k.bare = r, early, isBare(answer.Header)
	return k.chooseAnswered(answer, key, names, named)
}

// ask sends a request and reads the head of the answer. early is data that was read behind it.
func ask(ctx context.Context, c net.Conn, r *http.Request) (answer *http.Response, early []byte, err error) {
	stop := scope.Watch(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			err = ctx.Err()
		}
	}()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, nil, err
	}
	if _, err := c.Write(b.Bytes()); err != nil {
		return nil, nil, err
	}
	head, early, err := readHead(c, beginsAnswer)
	switch {
	case errors.Is(err, errNotHTTP):
		return nil, nil, notHTTP(err)
	case errors.Is(err, errLongHead):
		return nil, nil, notHTTP(fmt.Errorf("%w than %d bytes", errLongHead, maxHead))
	case err != nil:
		return nil, nil, err
	}
	answer, err = http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(early), c)), r)
	if err != nil {
		return nil, nil, notHTTP(err)
	}
	return answer, early, nil
}

// notHTTP is the error for an answer that is none of HTTP.
func notHTTP(err error) error {
	return breach("bad_header", "the peer does not speak HTTP (%w): check the port, and whether it is ws:// or wss://", err)
}

func breach(reason, format string, args ...any) error {
	return &transport.PeerError{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// chooseAnswered checks the answer to a request.
func (k *link) chooseAnswered(answer *http.Response, key string, names []string, named []transport.Offer) (chosen transport.Offer, err error) {
	switch answer.StatusCode {
	case http.StatusSwitchingProtocols:
	case http.StatusBadRequest:
		return chosen, breach("role_mismatch", "the server refused the upgrade to %s with %s%s: it may be a socket of another protocol", strings.Join(names, ", "), answer.Status, said(answer))
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return chosen, breach("peer_error", "the server refused the upgrade with %s: check the credentials and the Origin in the Header of ws.Transport", answer.Status)
	case http.StatusNotFound:
		return chosen, breach("bad_header", "the server has no WebSocket at this path (%s): check the path", answer.Status)
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return chosen, breach("bad_header", "the server redirects to %.200q, which is not followed: dial that URL", answer.Header.Get("Location"))
	default:
		return chosen, breach("bad_header", "the server answered the upgrade with %s: check the path, and that a WebSocket is there", answer.Status)
	}
	if !hasToken(answer.Header, "Upgrade", "websocket") || !hasToken(answer.Header, "Connection", "upgrade") ||
		answer.Header.Get("Sec-WebSocket-Accept") != wsframe.Accept(key) {
		return chosen, breach("bad_header", "the server's answer does not fit the request: check whether something in between changes it")
	}
	if ext := answer.Header.Get("Sec-WebSocket-Extensions"); ext != "" {
		return chosen, breach("bad_header", "the server uses the extension %.40q, which was not offered", ext)
	}
	name := answer.Header.Get("Sec-WebSocket-Protocol")
	if name == "" && k.format != binary { // a hand-written server has none
		return named[0], nil
	}
	if i := slices.Index(names, name); i >= 0 {
		return named[i], nil
	}
	return chosen, breach("role_mismatch", "the server chose the subprotocol %.60q, and this end speaks %s: check the path, and the protocols of both sockets", name, strings.Join(names, ", "))
}

// said is the beginning of what an answer says to people, if it says something. A body without a length ends when the server
// closes the connection, which it need not do, so it is not read.
func said(answer *http.Response) string {
	const shown = 300
	if answer.ContentLength < 0 && len(answer.TransferEncoding) == 0 {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(answer.Body, shown)) // an error leaves the beginning
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if line == "" {
		return ""
	}
	return fmt.Sprintf(" and said %q", line)
}

// isBare reports whether a request or an answer has no other headers than those that an upgrade must have.
func isBare(h http.Header) bool {
	for name := range h {
		switch name {
		case "Upgrade", "Connection":
		default:
			if !strings.HasPrefix(name, "Sec-Websocket-") {
				return false
			}
		}
	}
	return true
}

// mayPing reports whether a peer may get pings. Those of libnanomsg may not: it hands them to its application as messages. What
// it says in the upgrade is bare. So is what some others say that can take pings, but a proxy, which needs them, adds headers.
func mayPing(o transport.Offer, bare bool) bool { return o.Dialect != "sp" || !bare }

// hasToken reports whether a header is a list with this word.
func hasToken(h http.Header, name, token string) bool { return wsframe.Listed(h.Values(name), token) }
