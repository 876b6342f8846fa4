// SPDX-License-Identifier: MIT

package simnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/sprymq/spry/transport"
)

// helloMagic begins the control message of a message link. It is followed by offers: each is two protocol numbers and three
// names, which are the dialect's and the protocols', each after one byte of length.
const helloMagic = "simmsg\x01"

var errHello = errors.New("malformed hello; is the peer a simmsg link?")

func appendHello(dst []byte, offers []transport.Offer) ([]byte, error) {
	dst = append(dst, helloMagic...)
	for _, o := range offers {
		dst = binary.BigEndian.AppendUint16(dst, o.Protocol)
		dst = binary.BigEndian.AppendUint16(dst, o.Peer)
		for _, name := range []string{o.Dialect, o.Name, o.PeerName} {
			if len(name) > 255 {
				return nil, fmt.Errorf("name of %d bytes, at most 255 are allowed", len(name))
			}
			dst = append(append(dst, byte(len(name))), name...)
		}
	}
	return dst, nil
}

func parseHello(data []byte) (offers []transport.Offer, err error) {
	rest, ok := strings.CutPrefix(string(data), helloMagic)
	for ok && rest != "" {
		if len(rest) < 4 {
			return nil, errHello
		}
		var o transport.Offer
		o.Protocol, o.Peer = uint16(rest[0])<<8|uint16(rest[1]), uint16(rest[2])<<8|uint16(rest[3])
		rest = rest[4:]
		for _, name := range []*string{&o.Dialect, &o.Name, &o.PeerName} {
			if rest == "" || len(rest)-1 < int(rest[0]) {
				return nil, errHello
			}
			end := 1 + int(rest[0])
			*name, rest = rest[1:end], rest[end:]
		}
		offers = append(offers, o)
	}
	if len(offers) == 0 {
		return nil, errHello
	}
	return offers, nil
}
