// SPDX-License-Identifier: MIT

package zmtp

import (
	"maps"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// Join returns the sessions of two sockets of one process. No bytes are exchanged; the peer's properties are those that it
// would have sent.
func (dialect) Join(dialing, listening wire.Config) (forDialing, forListening *wire.Session, err error) {
	if forListening, err = join(listening, dialing); err != nil {
		return nil, nil, err
	}
	forDialing, err = join(dialing, listening)
	return forDialing, forListening, err
}

func join(c, other wire.Config) (*wire.Session, error) {
	local, err := socketOf(c.Hello)
	if err != nil {
		return nil, err
	}
	peer, err := socketOf(other.Hello)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(local, peer); err != nil {
		return nil, err
	}
	said := map[string]string{}
	maps.Copy(said, other.Metadata)
	said[propertySocket] = peer.Name()
	if sendsIdentity(peer) {
		said[propertyIdentity] = string(other.Identity)
	}
	f := framing{local: local, minor: 1} // it knows what the peer accepts, and encodes nothing
	s := &wire.Session{
		Dialect: Dialect.Name(), Local: c.Hello, Peer: asCounterpart(c.Hello, peer.Number()), PeerName: NameOf(peer.Number()),
		Metadata:  said,
		Multipart: f, Commander: f,
	}
	switch {
	case hasEnvelope(peer) && !hasEnvelope(local):
		s.Reframe = func(m *msg.Message) bool { return showEnvelope(m, peer) }
	case hasEnvelope(local) && !hasEnvelope(peer):
		s.Reframe = func(m *msg.Message) bool { return hideEnvelope(m, local, c.TTL) }
	case local == Rep:
		s.Splitter = hopLimit(c.TTL)
	}
	return s, nil
}

// hopLimit is the splitter of backtraces that are apart from their messages.
type hopLimit int

// Split implements [wire.Splitter].
func (ttl hopLimit) Split(backtrace []byte) (head int, expired bool, err error) {
	return len(backtrace), len(backtrace)/wordLen > int(ttl), nil
}

// showEnvelope puts the envelope that a message's header stands for in front of its frames.
func showEnvelope(m *msg.Message, peer Socket) bool {
	var room [128]byte
	var envelope [][]byte
	r := readEnvelope(peer, m.Header(), room[:0])
	for part := r.next(); part != nil; part = r.next() {
		envelope = append(envelope, append([]byte(nil), part...))
	}
	m.Reframe(nil, append(envelope, []byte{}), 0)
	return true
}

// hideEnvelope makes the envelope that a message's frames begin with its header.
func hideEnvelope(m *msg.Message, local Socket, ttl int) bool {
	var parts [][]byte
	for _, f := range m.Frames() {
		if len(f) > 0 {
			parts = append(parts, f)
			continue
		}
		n := len(parts) + 1
		if n == m.Count() || local == Rep && len(parts) > ttl || local == Req && len(parts) > 0 && !isBacktrace(parts) {
			return false
		}
		var header []byte
		ok := true
		if local == Rep || len(parts) > 0 { // else it answers a request that had no id
			header, ok = appendBacktrace(nil, local, parts)
		}
		if ok {
			m.Reframe(header, nil, n)
		}
		return ok
	}
	return false
}
