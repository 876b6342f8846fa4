// SPDX-License-Identifier: MIT

package ws

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sprymq/spry/transport"
)

// A peer that breaks the protocol is the reason why nothing can be written any more.
func TestWritesAfterABreach(t *testing.T) {
	k := newLink(&transport.Stream{Conn: &script{in: bytes.NewReader([]byte{0xf2, 0})}}, true)
	k.begin(pullOffer)
	_, readErr := k.ReadMessages(make([][]byte, 1), nil)
	_, writeErr := k.WriteMessages([]transport.Packet{{Body: []byte("x")}})
	for _, err := range []error{readErr, writeErr} {
		if pe, ok := errors.AsType[*transport.PeerError](err); !ok || pe.Reason != "frame_type" {
			t.Errorf("the error is %v", err)
		}
	}
	if err := k.CloseWrite(); err != nil {
		t.Error(err)
	}
}
