// SPDX-License-Identifier: MIT

package ws

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sprymq/spry/internal/wsframe"
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

// countedReads counts the calls of Read.
type countedReads struct {
	in    *bytes.Reader
	reads int
}

func (c *countedReads) Read(p []byte) (int, error) {
	c.reads++
	return c.in.Read(p)
}

// In a flow of large messages the header of the next one is read with the payload of the last: a read for each message. A small message
// between them is read with the one before.
func TestReadsOfAFlow(t *testing.T) {
	var stream []byte
	sizes := []int{}
	for i := range 20 {
		sizes = append(sizes, 64<<10)
		if i%5 == 4 {
			sizes = append(sizes, 100)
		}
	}
	for i, size := range sizes {
		stream = wsframe.AppendHeader(stream, wsframe.Header{Opcode: wsframe.Binary, Final: true, Length: int64(size)})
		stream = append(stream, bytes.Repeat([]byte{byte(i)}, size)...)
	}
	in := &countedReads{in: bytes.NewReader(stream)}
	k := newLink(&transport.Stream{Conn: &script{in: in}}, true)
	k.begin(pullOffer)
	for i := 0; i < len(sizes); {
		ms := make([][]byte, 4)
		n, err := k.ReadMessages(ms, func(have []byte, size int) []byte { return append(make([]byte, 0, size), have...)[:size] })
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms[:n] {
			if !bytes.Equal(m, bytes.Repeat([]byte{byte(i)}, sizes[i])) {
				t.Fatalf("message %d is another, of %d bytes", i, len(m))
			}
			i++
		}
	}
	if most := 20 + 3; in.reads > most { // three for the first, whose size is not known, and one for the header of the second
		t.Errorf("%d reads, want at most %d", in.reads, most)
	}
}
