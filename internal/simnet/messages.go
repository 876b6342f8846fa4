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

// Info implements [transport.Link].
func (m *messages) Info() transport.Info { return transport.Info{Properties: m.properties} }

// Handshake exchanges one control message each way. The dialing end names all of its offers; the listening end answers with the
// two that suit each other, or, if none do, the first of each end.
func (m *messages) Handshake(ctx context.Context, offers []transport.Offer, listening bool) (transport.Offer, transport.Hello, error) {
	if !listening {
		if err := m.sendHello(ctx, offers); err != nil {
			return transport.Offer{}, transport.Hello{}, err
		}
	}
	theirs, err := m.receiveHello(ctx)
	switch {
	case err != nil:
		return transport.Offer{}, transport.Hello{}, err
	case listening:
		ours, peer := suiting(offers, theirs)
		return ours, peer.Hello, m.sendHello(ctx, []transport.Offer{ours, peer})
	case len(theirs) != 2:
		return transport.Offer{}, transport.Hello{}, m.opError("handshake", errHello)
	}
	return theirs[1], theirs[0].Hello, nil
}

// suiting is the first of our offers that talks to one of theirs, and that one.
func suiting(ours, theirs []transport.Offer) (our, their transport.Offer) {
	for _, our := range ours {
		for _, their := range theirs {
			if our.Dialect == their.Dialect && our.Peer == their.Protocol && our.Protocol == their.Peer {
				return our, their
			}
		}
	}
	return ours[0], theirs[0]
}

func (m *messages) sendHello(ctx context.Context, offers []transport.Offer) error {
	data, err := appendHello(nil, offers)
	if err != nil {
		return m.opError("handshake", err)
	}
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	return m.sendLocked(ctx, data, true)
}

func (m *messages) receiveHello(ctx context.Context) ([]transport.Offer, error) {
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	data, err := m.receiveLocked(ctx)
	if err != nil {
		return nil, err
	}
	offers, err := parseHello(data)
	if err != nil {
		return nil, m.opError("handshake", err)
	}
	return offers, nil
}

// ReadMessages waits for the first message, then takes the others that have arrived.
func (m *messages) ReadMessages(dst [][]byte, alloc func(have []byte, size int) []byte) (int, error) {
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
	dst[0] = append(alloc(nil, len(first))[:0], first...)
	if chunk := m.in.faults.ReadChunk; chunk > 0 {
		dst = dst[:min(len(dst), chunk)]
	}
	n := 1
	for n < len(dst) {
		data, ok := m.in.receive(time.Now())
		if !ok {
			break
		}
		dst[n] = append(alloc(nil, len(data))[:0], data...)
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
