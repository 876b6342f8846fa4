// SPDX-License-Identifier: MIT

package sp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// HeaderLen is the length of the header that each end sends first, in bytes.
const HeaderLen = 8

// magic begins every header; a version, the protocol's number and two reserved zeros follow.
const (
	magic   = "\x00SP"
	version = 0
)

// AppendHeader appends the header of a socket that speaks protocol.
func AppendHeader(dst []byte, protocol uint16) []byte {
	dst = append(dst, magic...)
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint16(dst, protocol)
	return append(dst, 0, 0)
}

// checkMagic, checkVersion and checkReserved each check their part of a header, as far as it has arrived. They fail at the
// first wrong byte, without waiting for the rest of the header.

func checkMagic(header []byte, listening bool) error {
	seen := min(len(header), len(magic))
	if string(header[:seen]) == magic[:seen] {
		return nil
	}
	return wire.Errorf(reasons.BadHeader,
		"peer began with [% x] and not with the Scalability Protocols' [00 53 50 00]: %s", header, guess(header, listening))
}

func checkVersion(header []byte) error {
	if len(header) <= 3 || header[3] == version {
		return nil
	}
	return wire.Errorf(reasons.Version,
		"peer speaks version %d of the Scalability Protocols and only version %d is spoken here: "+
			"make the peer offer version %d", header[3], version, version)
}

func checkReserved(header []byte) error {
	for _, c := range header[min(len(header), 6):] {
		if c != 0 {
			return wire.Errorf(reasons.Reserved,
				"peer's header ends in [% x] where the reserved bytes [00 00] belong: "+
					"check that the peer speaks plain Scalability Protocols", header[6:])
		}
	}
	return nil
}

// guess describes the probable protocol of a connection that begins with these bytes, and the remedy.
func guess(first []byte, listening bool) string {
	if known := wire.Foreign(first, listening); known != "" {
		return known
	}
	return "check the address, and that both ends use the same scheme"
}
