// SPDX-License-Identifier: MIT

package zmtp

import (
	"bytes"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// A greeting is sent in parts, because the second part depends on the peer's version.
const (
	signatureFirst = 0xff
	signatureLast  = 0x7f
	signatureLen   = 10
	revisionEnd    = signatureLen + 1 // with the major version
	greetingLen    = 64
	mechanismStart = 12
	mechanismLen   = 20

	major      = 3
	minor      = 1
	revisionV2 = 1 // the byte that ZMTP 2.0 has where the major version is
)

// appendSignature appends the part that is sent before anything is known of the peer.
func appendSignature(dst []byte) []byte {
	return append(dst, signatureFirst, 0, 0, 0, 0, 0, 0, 0, 1, signatureLast, major)
}

// appendRest appends the second part of the greeting, for a peer of version 3.
func appendRest(dst []byte, mechanism string, asServer bool) []byte {
	dst = append(dst, minor)
	var rest [greetingLen - mechanismStart]byte
	copy(rest[:], mechanism)
	if asServer {
		rest[mechanismLen] = 1
	}
	return append(dst, rest[:]...)
}

// checkSignature judges the first bytes of a peer, as far as they have come, in order.
func checkSignature(g []byte, listening bool) error {
	if len(g) > 0 && g[0] != signatureFirst {
		return wire.Errorf(reasons.BadHeader, "peer began with 0x%02x and not with ZeroMQ's 0xff: %s", g[0], guess(g, listening))
	}
	if len(g) >= signatureLen && g[signatureLen-1]&1 == 0 {
		return wire.Errorf(reasons.Version, "peer speaks ZMTP 1.0, which is not spoken here: use ZeroMQ 3 or newer there")
	}
	if len(g) >= revisionEnd && (g[signatureLen] == 0 || g[signatureLen] == 2) {
		return wire.Errorf(reasons.Version,
			"peer speaks revision %d of ZMTP, and 2.0, 3.0 and 3.1 are spoken here: use ZeroMQ 3 or newer there", g[signatureLen])
	}
	return nil
}

func guess(first []byte, listening bool) string {
	if known := wire.Foreign(first, listening); known != "" {
		return known
	}
	return "ZeroMQ 2 begins with a length and is not spoken here; else check the address"
}

// peerMinor is the minor version of a session with this peer.
func peerMinor(g []byte) byte {
	if g[signatureLen] > major {
		return minor // newer versions speak older ones
	}
	return min(g[signatureLen+1], minor)
}

// checkMechanism compares the mechanism in a whole greeting with the local one. It ignores whether the peer claims to be a
// server: libzmq never does.
func checkMechanism(g []byte, local string) error {
	field := g[mechanismStart : mechanismStart+mechanismLen]
	name, padding, _ := bytes.Cut(field, []byte{0})
	if len(bytes.Trim(padding, "\x00")) > 0 {
		return wire.Errorf(reasons.Mechanism, "peer named a security mechanism that is not padded with zeros: check its greeting")
	}
	if string(name) == local {
		return nil
	}
	return wire.Errorf(reasons.Mechanism,
		"peer wants the security mechanism %q and this end %q: configure the same at both ends", name, local)
}
