// SPDX-License-Identifier: MIT

package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall/js"
	"time"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/transport"
)

// A program in a browser has no sockets but the browser's WebSockets. Those cannot be held back: what the program does not read
// waits in memory, up to a limit, and then the connection ends. They take everything that is sent, and say how much they have not sent yet.
const (
	mostUnread = 4 << 20
	messageFee = 64 // what an unread message costs beyond its bytes
	mostUnsent = 256 << 10
	sentPoll   = 4 * time.Millisecond
)

// browserDialer returns the dialer of a program that runs in a browser, or in a JavaScript runtime with WebSockets.
func (t Transport) browserDialer(a *address) (transport.Dialer, error) {
	class := js.Global().Get("WebSocket")
	if a.overUnix() || class.Type() != js.TypeFunction {
		return nil, nil
	}
	if len(t.Header) > 0 || a.format != binary {
		return nil, fmt.Errorf("%s: a browser sets the headers itself, and messages are binary: leave out the Header and the format", a.url.Redacted())
	}
	u := a.url.Scheme + "://" + a.host + a.path
	if a.query != "" {
		u += "?" + a.query
	}
	return browserDialer{class, u, *a}, nil
}

type browserDialer struct {
	class   js.Value
	url     string
	address address
}

// Dial returns at once. The link's Handshake connects.
func (d browserDialer) Dial(context.Context) (transport.Link, error) {
	return &browserLink{dialer: d, changed: make(chan struct{}, 1)}, nil
}

// A browserLink is a WebSocket of the browser.
type browserLink struct {
	dialer  browserDialer
	limit   int64 // of a message
	changed chan struct{}

	mu       lock.Mutex[lock.BrowserSocket]
	socket   js.Value
	handlers []js.Func
	opened   bool
	messages [][]byte
	unread   int
	over     error // why nothing more comes
}

type hostAddr string

func (hostAddr) Network() string  { return "websocket" }
func (a hostAddr) String() string { return string(a) }

func (k *browserLink) LocalAddr() net.Addr  { return hostAddr("browser") }
func (k *browserLink) RemoteAddr() net.Addr { return hostAddr(k.dialer.address.inner.Address) }

func (k *browserLink) Info() transport.Info {
	return transport.Info{Properties: transport.Properties{Reliable: true, Ordered: true}, HalfCloses: true}
}

// Handshake makes the connection.
func (k *browserLink) Handshake(ctx context.Context, offers []transport.Offer, _ bool) (chosen transport.Offer, peer transport.Hello, err error) {
	names, named, err := offered(offers, nil)
	if err != nil {
		return chosen, peer, err
	}
	k.limit = offers[0].MaxMessage
	if offers[0].Dialect == "zmtp" && k.limit > 0 {
		k.limit++ // for the flags
	}
	if err := k.connect(names); err != nil {
		return chosen, peer, err
	}
	for {
		k.mu.Lock()
		opened, over := k.opened, k.over
		k.mu.Unlock()
		if over != nil {
			return chosen, peer, breach("bad_header", "%w: check the address, the path, and that this page may connect there", over)
		}
		if opened {
			break
		}
		select {
		case <-k.changed:
		case <-ctx.Done():
			return chosen, peer, ctx.Err()
		}
	}
	name := k.socket.Get("protocol").String()
	i := slices.Index(names, name)
	if i < 0 {
		return chosen, peer, breach("role_mismatch", "the server chose the subprotocol %.60q, and this end speaks %v: check the path, and the protocols of both sockets", name, names)
	}
	return named[i], counterpart(named[i]), nil
}

// connect makes the WebSocket, which throws an exception for what a page may not do.
func (k *browserLink) connect(names []string) (err error) {
	defer func() {
		if x := recover(); x != nil {
			thrown, ok := x.(js.Error)
			if !ok {
				panic(x)
			}
			err = fmt.Errorf("the browser refuses to connect: %w", thrown)
		}
	}()
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over != nil {
		return k.over
	}
	k.socket = k.dialer.class.New(k.dialer.url, list)
	k.socket.Set("binaryType", "arraybuffer")
	k.handle("onopen", func(js.Value) { k.opened = true })
	k.handle("onmessage", k.receive)
	k.handle("onclose", func(event js.Value) {
		switch code := event.Get("code").Int(); {
		case code == 1000 || code == 1001 || code == 1005:
			k.end(io.EOF)
		default:
			k.end(fmt.Errorf("the WebSocket ended with the status %d: %w", code, io.ErrUnexpectedEOF))
		}
	})
	return nil
}

// handle has f called with an event, under the lock.
func (k *browserLink) handle(name string, f func(event js.Value)) {
	h := js.FuncOf(func(_ js.Value, args []js.Value) any {
		k.mu.Lock()
		defer k.mu.Unlock()
		f(args[0])
		k.notify()
		return nil
	})
	k.handlers = append(k.handlers, h)
	k.socket.Set(name, h)
}

// receive takes a message.
func (k *browserLink) receive(event js.Value) {
	data := event.Get("data")
	if data.Type() == js.TypeString {
		k.fail(breach("frame_type", "the peer sent text, where messages are binary"))
		return
	}
	array := js.Global().Get("Uint8Array").New(data)
	size := array.Length()
	switch {
	case k.limit > 0 && int64(size) > k.limit:
		k.fail(breach("oversize", "peer sent a message of %d bytes and at most %d are allowed: raise MaxMessageSize or send less", size, k.limit))
	case k.unread > mostUnread:
		k.fail(errors.New("the program does not read, and a browser cannot hold the peer back"))
	case k.over == nil:
		m := make([]byte, size)
		js.CopyBytesToGo(m, array)
		k.messages = append(k.messages, m)
		k.unread += size + messageFee
	}
}

// end says why nothing more comes. Messages that have come can be read.
func (k *browserLink) end(err error) {
	if k.over == nil {
		k.over = err
	}
}

func (k *browserLink) fail(err error) {
	k.end(err)
	k.socket.Call("close")
}

// ReadMessages implements [transport.Messages].
func (k *browserLink) ReadMessages(dst [][]byte, alloc func(have []byte, size int) []byte) (n int, err error) {
	for {
		messages, over := k.take(len(dst))
		for _, m := range messages {
			dst[n] = alloc(nil, len(m))
			copy(dst[n], m)
			n++
		}
		switch {
		case n > 0:
			return n, nil // the end comes again
		case over != nil:
			return 0, over
		}
		<-k.changed
	}
}

// take removes up to most messages from those that have come.
func (k *browserLink) take(most int) (messages [][]byte, over error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := min(most, len(k.messages))
	messages = k.messages[:n:n]
	if k.messages = k.messages[n:]; len(k.messages) == 0 {
		k.messages = nil
	}
	for _, m := range messages {
		k.unread -= len(m) + messageFee
	}
	return messages, k.over
}

// WriteMessages implements [transport.Messages].
func (k *browserLink) WriteMessages(ps []transport.Packet) (n int, err error) {
	for ; n < len(ps); n++ {
		for {
			k.mu.Lock()
			unsent, over := k.socket.Get("bufferedAmount").Int(), k.over
			k.mu.Unlock()
			if over != nil {
				return n, net.ErrClosed
			}
			if unsent < mostUnsent {
				break
			}
			time.Sleep(sentPoll)
		}
		p := ps[n]
		array := js.Global().Get("Uint8Array").New(len(p.Header) + len(p.Body))
		js.CopyBytesToJS(array, p.Header)
		js.CopyBytesToJS(array.Call("subarray", len(p.Header)), p.Body)
		k.socket.Call("send", array)
	}
	return n, nil
}

// CloseWrite ends the connection after the sent messages. A browser delivers no message that arrives after that.
func (k *browserLink) CloseWrite() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.socket.Call("close", 1000)
	return nil
}

// Close implements [transport.Link].
func (k *browserLink) Close() error {
	k.mu.Lock()
	k.end(net.ErrClosed)
	handlers := k.handlers
	k.handlers = nil
	if k.socket.Truthy() {
		for _, name := range []string{"onopen", "onmessage", "onclose"} {
			k.socket.Set(name, nil)
		}
		k.socket.Call("close")
	}
	k.mu.Unlock()
	for _, h := range handlers {
		h.Release()
	}
	k.notify()
	return nil
}

// notify wakes the goroutine that waits for an event.
func (k *browserLink) notify() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}
