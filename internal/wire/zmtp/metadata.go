// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// The properties that have a meaning here.
const (
	propertySocket   = "Socket-Type"
	propertyIdentity = "Identity"
)

const (
	maxProperties = 64
	maxIdentity   = 255
)

// UserKey is where a session's metadata has the user that authentication found.
const UserKey = "User-Id"

func appendProperty[V string | []byte](dst []byte, name string, value V) []byte {
	dst = appendName(dst, name)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// appendMetadata appends the properties of the local end. Only some sockets have an identity.
func appendMetadata(dst []byte, c wire.Config, local Socket) []byte {
	dst = appendProperty(dst, propertySocket, local.Name())
	if sendsIdentity(local) {
		dst = appendProperty(dst, propertyIdentity, cut(c.Identity, maxIdentity))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		if len(name) > 0 && len(name) <= maxShort {
			dst = appendProperty(dst, name, c.Metadata[name])
		}
	}
	return dst
}

// sendsIdentity reports whether a socket sends its identity.
func sendsIdentity(s Socket) bool { return s == Req || s == Dealer || s == Router }

// parseMetadata reads properties, which may come in any order. Names differ in more than case; the two that
// have a meaning are given as the specification spells them.
func parseMetadata(data []byte) (map[string]string, error) {
	all := make(map[string]string)
	seen := make(map[string]bool)
	for len(data) > 0 {
		name, value, rest, ok := cutProperty(data)
		if !ok {
			return nil, wire.Errorf(reasons.Metadata,
				"peer sent a property that does not end within its command: check its handshake")
		}
		data = rest
		lower := strings.ToLower(name)
		if seen[lower] || len(seen) == maxProperties || lower == strings.ToLower(UserKey) {
			return nil, wire.Errorf(reasons.Metadata,
				"peer sent the property %q, which is one twice, one too many, or not for it to set: send each once", name)
		}
		seen[lower] = true
		for _, known := range []string{propertySocket, propertyIdentity} {
			if strings.EqualFold(name, known) {
				name = known
			}
		}
		all[name] = value
	}
	if n := len(all[propertyIdentity]); n > maxIdentity {
		return nil, wire.Errorf(reasons.Metadata,
			"peer has an identity of %d bytes and at most %d are possible: shorten it", n, maxIdentity)
	}
	return all, nil
}

func cutProperty(data []byte) (name, value string, rest []byte, ok bool) {
	nameEnd := 1 + int(data[0])
	if data[0] == 0 || len(data) < nameEnd+4 {
		return "", "", nil, false
	}
	size := uint64(binary.BigEndian.Uint32(data[nameEnd:]))
	rest = data[nameEnd+4:]
	if size > uint64(len(rest)) {
		return "", "", nil, false
	}
	return string(data[1:nameEnd]), string(rest[:size]), rest[size:], true
}

// peerSocket checks the socket type that a peer claims. Some peers do not name one, which libzmq accepts.
func peerSocket(local Socket, metadata map[string]string) (uint16, error) {
	name, named := metadata[propertySocket]
	if !named {
		return 0, nil
	}
	peer, ok := LookupSocket(name)
	if !ok {
		return 0, wire.Errorf(reasons.UnknownProtocol, "peer is a %q socket, which does not exist: check its handshake", name)
	}
	return peer.Number(), checkPeer(local, peer)
}
