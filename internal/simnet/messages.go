// SPDX-License-Identifier: MIT

package simnet

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/sprymq/spry/transport"
)

// messages is one end of a message link: it proves that a transport needs no stream of bytes.
type messages struct {
	end
	properties transport.Properties
}

var _ transport.Messages = (*messages)(nil)

func newMessages(e end, o LinkOptions) *messages {
	e.out.lossy, e.out.unordered = o.Unreliable, o.Unordered
	return &messages{end: e, properties: transport.Properties{
		Reliable: !o.Unreliable, Ordered: !o.Unordered, MaxMessage: o.MaxMessage,
	}}
}

func (m *messages) Properties() transport.Properties { return m.properties }

// Handshake exchanges one control message each way; the dialing end begins. A listening end answers with
// the alternative that suits its peer, if it has one.
func (m *messages) Handshake(ctx context.Context, hello transport.Hello, listening bool) (transport.Hello, error) {
	if !listening {
		if err := m.sendHello(ctx, hello); err != nil {
			return transport.Hello{}, err
		}
		return m.receiveHello(ctx)
	}
	peer, err := m.receiveHello(ctx)
	if err != nil {
		return transport.Hello{}, err
	}
	return peer, m.sendHello(ctx, suiting(hello, peer))
}

// suiting is hello, or the first of its alternatives that talks to peer.
func suiting(hello, peer transport.Hello) transport.Hello {
	for _, h := range append([]transport.Hello{hello}, hello.Alternatives...) {
		if h.Peer == peer.Protocol && h.Protocol == peer.Peer {
			return h
		}
	}
	return hello
}

func (m *messages) sendHello(ctx context.Context, hello transport.Hello) error {
	data, err := appendHello(nil, hello)
	if err != nil {
		return m.opError("handshake", err)
	}
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	return m.sendLocked(ctx, data, true)
}

func (m *messages) receiveHello(ctx context.Context) (transport.Hello, error) {
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	data, err := m.receiveLocked(ctx)
	if err != nil {
		return transport.Hello{}, err
	}
	hello, err := parseHello(data)
	if err != nil {
		return transport.Hello{}, m.opError("handshake", err)
	}
	return hello, nil
}

// ReadMessages waits for the first message, then takes what else has arrived.
func (m *messages) ReadMessages(dst [][]byte) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	l := m.link
	l.mu.Lock()
	defer l.mu.Unlock()
	first, err := m.receiveLocked(context.Background())
	if err != nil {
		return 0, err
	}
	dst[0] = first
	if chunk := m.in.faults.ReadChunk; chunk > 0 {
		dst = dst[:min(len(dst), chunk)]
	}
	n := 1
	for n < len(dst) {
		data, ok := m.in.receive(time.Now())
		if !ok {
			break
		}
		dst[n] = data
		n++
	}
	l.enforceLocked(m.in)
	return n, nil
}

// WriteMessages waits for room for each packet.
func (m *messages) WriteMessages(ps []transport.Packet) (int, error) {
	l := m.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, p := range ps {
		size := len(p.Header) + len(p.Body)
		if most := m.properties.MaxMessage; most > 0 && int64(size) > most {
			return i, m.opError("write", fmt.Errorf("message of %d bytes, the link takes %d at most", size, most))
		}
		data := append(append(make([]byte, 0, size), p.Header...), p.Body...)
		if err := m.sendLocked(context.Background(), data, false); err != nil {
			return i, err
		}
	}
	return len(ps), nil
}

// receiveLocked waits for a message.
func (m *messages) receiveLocked(ctx context.Context) ([]byte, error) {
	for {
		now := time.Now()
		if m.closed {
			return nil, m.opError("read", net.ErrClosed)
		}
		data, ok := m.in.receive(now)
		m.link.enforceLocked(m.in)
		if ok {
			m.link.changed.raise()
			return data, nil
		}
		if err := m.in.readErr(now); err != nil {
			return nil, m.opError("read", err)
		}
		if err := ctx.Err(); err != nil {
			return nil, m.opError("read", err)
		}
		m.link.waitLocked(ctx.Done(), m.in.nextRead())
	}
}

// sendLocked waits for room and sends a message.
func (m *messages) sendLocked(ctx context.Context, data []byte, control bool) error {
	for {
		now := time.Now()
		if err := m.writeErrLocked(now); err != nil {
			return m.opError("write", err)
		}
		if m.out.hasRoom(len(data)) {
			m.out.send(now, data, control)
			m.link.changed.raise()
			return nil
		}
		if err := ctx.Err(); err != nil {
			return m.opError("write", err)
		}
		m.link.waitLocked(ctx.Done(), m.nextWriteLocked())
	}
}
