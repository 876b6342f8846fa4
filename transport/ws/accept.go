// SPDX-License-Identifier: MIT

package ws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/origin"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

// A policy says who may connect.
type policy struct {
	origins []string
	format  format // for requests that name neither a subprotocol nor a format
}

func (t Transport) policy() policy { return policy{origins: slices.Clone(t.Origins)} }

// A serverSide is the part of a link that a listening end needs until the connection is upgraded.
type serverSide struct {
	policy   policy
	listener *listener // nil for a handler
	ready    bool      // the request was read, and is good
}

// A refusal is an answer that does not upgrade the connection.
type refusal struct {
	status int
	reason string // in statistics
	text   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("answered %d %s: %s", r.status, http.StatusText(r.status), r.text)
}

func refuse(status int, reason, format string, args ...any) *refusal {
	return &refusal{status, reason, fmt.Sprintf(format, args...)}
}

// header sets what an answer with this status needs.
func (r *refusal) header(h http.Header) {
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.status == http.StatusUpgradeRequired {
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", "13")
	}
}

// check judges a request. local is the address that it came to, if that is known.
func (p policy) check(r *http.Request, local net.Addr) *refusal {
	switch {
	case r.Method != http.MethodGet:
		return refuse(http.StatusMethodNotAllowed, "bad_header", "a WebSocket begins with GET, not %.20s", r.Method)
	case !hasToken(r.Header, "Upgrade", "websocket") || !hasToken(r.Header, "Connection", "upgrade"):
		return refuse(http.StatusUpgradeRequired, "bad_header", "this is a WebSocket: connect with ws:// or wss://, or let the proxy in between pass the headers Upgrade and Connection on")
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1:
		return refuse(http.StatusHTTPVersionNotSupported, "version", "a WebSocket needs HTTP/1.1, and this is %s", r.Proto)
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return refuse(http.StatusUpgradeRequired, "version", "version %.20q of WebSocket is not spoken here, 13 is", r.Header.Get("Sec-WebSocket-Version"))
	case r.Host == "":
		return refuse(http.StatusBadRequest, "bad_header", "the request names no host")
	case len(r.Header.Values("Sec-WebSocket-Key")) != 1 || len(r.Header.Get("Sec-WebSocket-Key")) != 24:
		return refuse(http.StatusBadRequest, "bad_header", "Sec-WebSocket-Key must be 16 bytes in base64")
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return refuse(http.StatusBadRequest, "bad_header", "a request for a WebSocket has no body")
	}
	return p.checkOrigin(r, local)
}

// checkOrigin judges which web page the request comes from.
func (p policy) checkOrigin(r *http.Request, local net.Addr) *refusal {
	all := r.Header.Values("Origin")
	if len(all) == 0 {
		return nil
	}
	page := all[0]
	if len(p.origins) > 0 {
		if len(all) == 1 && slices.ContainsFunc(p.origins, func(o string) bool { return o == "*" || strings.EqualFold(o, page) }) {
			return nil
		}
		return refuse(http.StatusForbidden, "refused", "pages of the origin %.100q may not connect: add it to Origins", page)
	}
	if err := origin.Check(all, r.Host, local); err != nil {
		return refuse(http.StatusForbidden, "refused", "%s: add the origin to Origins, if it is yours", err.Error())
	}
	return nil
}

// answer reads the request of a dialing end, unless it was read before, and answers it.
func (k *link) answer(offers []transport.Offer) (chosen transport.Offer, err error) {
	no := (*refusal)(nil)
	if !k.server.ready {
		if no, err = k.receive(); err != nil {
			return chosen, err
		}
	}
	if no == nil {
		chosen, no = k.choose(offers)
	}
	if no != nil {
		k.reject(no)
		return chosen, &transport.PeerError{Reason: no.reason, Err: no}
	}
	k.bare = isBare(k.asked.Header)
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: Spry\r\nSec-WebSocket-Accept: " +
		wsframe.Accept(k.asked.Header.Get("Sec-WebSocket-Key")) + "\r\n"
	if len(k.asked.Header["Sec-Websocket-Protocol"]) > 0 {
		head += "Sec-WebSocket-Protocol: " + subprotocol(chosen, chosen.Name) + "\r\n"
	}
	_, err = io.WriteString(k.inner, head+"\r\n")
	return chosen, err
}

// receive reads the request.
func (k *link) receive() (*refusal, error) {
	const malformed = "the request is not one of HTTP/1.1 (%.200s): check the port, and whether it is ws:// or wss://"
	head, early, err := readHead(k.inner, beginsRequest)
	switch {
	case errors.Is(err, errLongHead):
		return refuse(http.StatusRequestHeaderFieldsTooLarge, "bad_header", "the head of the request has more than %d bytes", maxHead), nil
	case errors.Is(err, errNotHTTP):
		return refuse(http.StatusBadRequest, "bad_header", malformed, err.Error()), nil
	case err != nil:
		return nil, err
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return refuse(http.StatusBadRequest, "bad_header", malformed, err.Error()), nil
	}
	r.RemoteAddr = k.RemoteAddr().String()
	r.TLS = k.Info().TLS
	k.asked = r
	k.early = early
	return k.route()
}

// route finds the listener of the request's path. If that is another than the one that the connection came to, it goes there.
func (k *link) route() (*refusal, error) {
	path := k.asked.URL.EscapedPath()
	from := k.server.listener
	to := from.shared.at(path)
	p := k.server.policy
	if to != nil {
		p = to.policy
	}
	if no := p.check(k.asked, k.LocalAddr()); no != nil {
		return no, nil
	}
	if to == from {
		return nil, nil
	}
	k.server = &serverSide{policy: p, listener: to, ready: true}
	if to == nil || !from.shared.move(k, to) {
		return refuse(http.StatusNotFound, "bad_header", "nothing is at the path %.200q", path), nil
	}
	return nil, transport.ErrMoved
}

// choose finds the format of a request, and the first of its subprotocols that an offer of the socket suits.
func (k *link) choose(offers []transport.Offer) (transport.Offer, *refusal) {
	asked := k.asked.Header.Values("Sec-WebSocket-Protocol")
	f, named, err := formatOf(k.asked.URL.RawQuery)
	if err != nil {
		return transport.Offer{}, refuse(http.StatusBadRequest, "bad_header", "%v", err)
	}
	if !named && len(asked) == 0 {
		f = k.server.policy.format
	}
	k.format = f
	if f != binary {
		offers = slices.DeleteFunc(slices.Clone(offers), func(o transport.Offer) bool { return o.Dialect != "sp" })
		if len(offers) > 0 && len(asked) == 0 {
			asked = []string{subprotocol(offers[0], offers[0].Name)}
		}
	}
	o, no := choose(asked, offers)
	if no == nil && !f.suits(o) {
		return o, refuse(http.StatusBadRequest, "role_mismatch", "%s", noAnswers)
	}
	return o, no
}

func choose(asked []string, offers []transport.Offer) (transport.Offer, *refusal) {
	var here []string
	for _, o := range offers {
		here = append(here, subprotocol(o, o.Name))
	}
	for _, line := range asked {
		for name := range strings.SplitSeq(line, ",") {
			if i := slices.Index(here, strings.TrimSpace(name)); i >= 0 && here[i] != "" {
				return offers[i], nil
			}
		}
	}
	return transport.Offer{}, refuse(http.StatusBadRequest, "role_mismatch",
		"the request asks for the subprotocol %.100q, and this socket speaks %s: connect it to another socket, or dial as that", strings.Join(asked, ","), strings.Join(here, ", "))
}

// reject sends an answer that is no upgrade.
func (k *link) reject(no *refusal) {
	body := no.text + "\n"
	h := make(http.Header)
	no.header(h)
	if no.status != http.StatusUpgradeRequired {
		h.Set("Connection", "close")
	}
	r := http.Response{
		StatusCode: no.status, ProtoMajor: 1, ProtoMinor: 1, Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
	var b strings.Builder
	if r.Write(&b) == nil {
		_, _ = io.WriteString(k.inner, b.String())
		_ = k.inner.CloseWrite()
	}
}

// Upgrade takes the connection of a request for a WebSocket from its server, and returns its link, for AttachLink of a socket or
// a listener for ListenOnLinks: see package web. The link's Handshake answers the request; the application must not use w any
// more. A request that is refused is answered here, and the error says with which status. Of t, Origins and Format apply.
func Upgrade(t Transport, w http.ResponseWriter, r *http.Request) (_ transport.Pinger, err error) {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	p := t.policy()
	no := p.check(r, local)
	if p.format, err = parseFormat(t.Format); err != nil && no == nil {
		no = refuse(http.StatusInternalServerError, "refused", "%v", err)
	}
	if no != nil {
		no.header(w.Header())
		w.WriteHeader(no.status)
		_, _ = io.WriteString(w, no.text+"\n")
		return nil, fmt.Errorf("request of %s for %.200s: %w", r.RemoteAddr, r.URL.Path, no)
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this server cannot upgrade a connection", http.StatusInternalServerError)
		return nil, fmt.Errorf("request of %s for %.200s: the server cannot upgrade a connection (%w): a handler in between must pass Hijack on", r.RemoteAddr, r.URL.Path, err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, err
	}
	if secured, ok := conn.(*tls.Conn); ok {
		conn = hijacked{secured}
	}
	k := newLink(&transport.Stream{Conn: conn}, false)
	k.server = &serverSide{policy: p, ready: true}
	k.asked = r.WithContext(context.WithoutCancel(r.Context()))
	if k.early, err = rw.Reader.Peek(rw.Reader.Buffered()); err != nil {
		_ = conn.Close()
		return nil, err
	}
	k.early = slices.Clone(k.early)
	return k, nil
}

// hijacked is a connection of TLS that ends at once.
type hijacked struct{ *tls.Conn }

// Close implements [net.Conn]. Unlike [tls.Conn.Close], it does not wait for a peer that does not read.
func (h hijacked) Close() error { return h.NetConn().Close() }
