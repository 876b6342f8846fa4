// SPDX-License-Identifier: MIT

package simnet

import (
	"bytes"
	"testing"

	"github.com/sprymq/spry/transport"
)

// What is parsed must encode to the same bytes, and nothing may panic.
func FuzzHello(f *testing.F) {
	seed, err := appendHello(nil, []transport.Offer{{Dialect: "sp", Hello: transport.Hello{Protocol: 0x30, Peer: 0x31, Name: "req", PeerName: "rep"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(helloMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		offers, err := parseHello(data)
		if err != nil {
			return
		}
		if again, err := appendHello(nil, offers); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x parses to %+v, which encodes to %x, %v", data, offers, again, err)
		}
	})
}
