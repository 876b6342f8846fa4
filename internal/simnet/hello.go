// SPDX-License-Identifier: MIT

package simnet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sprymq/spry/transport"
)

// helloMagic begins the control message of a message link. It is followed by the two protocol numbers and
// the two names, each name after one byte of length.
const helloMagic = "simmsg\x01"

var errHello = errors.New("malformed hello; is the peer a simmsg link?")

func appendHello(dst []byte, h transport.Hello) ([]byte, error) {
	dst = append(dst, helloMagic...)
	dst = binary.BigEndian.AppendUint16(dst, h.Protocol)
	dst = binary.BigEndian.AppendUint16(dst, h.Peer)
	for _, name := range []string{h.Name, h.PeerName} {
		if len(name) > 255 {
			return nil, fmt.Errorf("protocol name of %d bytes, at most 255 are allowed", len(name))
		}
		dst = append(append(dst, byte(len(name))), name...)
	}
	return dst, nil
}

func parseHello(data []byte) (transport.Hello, error) {
	const numbers = len(helloMagic) + 4
	if len(data) < numbers || string(data[:len(helloMagic)]) != helloMagic {
		return transport.Hello{}, errHello
	}
	h := transport.Hello{
		Protocol: binary.BigEndian.Uint16(data[len(helloMagic):]),
		Peer:     binary.BigEndian.Uint16(data[len(helloMagic)+2:]),
	}
	rest := data[numbers:]
	for _, name := range []*string{&h.Name, &h.PeerName} {
		if len(rest) == 0 || len(rest)-1 < int(rest[0]) {
			return transport.Hello{}, errHello
		}
		end := 1 + int(rest[0])
		*name, rest = string(rest[1:end]), rest[end:]
	}
	if len(rest) > 0 {
		return transport.Hello{}, errHello
	}
	return h, nil
}
