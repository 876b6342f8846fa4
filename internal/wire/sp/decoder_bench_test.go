// SPDX-License-Identifier: MIT

package sp_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/sp"
)

func BenchmarkDecode(b *testing.B) {
	const messages = 256
	headers := map[uint16][]byte{
		sp.Pull:  nil,
		sp.Pair1: {0, 0, 0, 1},
		sp.Rep:   {0, 0, 0, 9, 0x80, 0, 0, 1},
	}
	for _, number := range []uint16{sp.Pull, sp.Pair1, sp.Rep} {
		for _, size := range []int{64, 1024} {
			p, _ := sp.Lookup(number)
			b.Run(fmt.Sprintf("protocol=%s/size=%d", p.Name, size), func(b *testing.B) {
				var stream []byte
				for range messages {
					stream = sp.FramingLength.AppendFrame(stream, headers[number], make([]byte, size))
				}
				decoder := session(b, number, sp.FramingLength, 0, 8).Decoder
				batch := newBatch(stream, messages)
				b.ReportAllocs()
				b.SetBytes(int64(len(stream)))
				for b.Loop() {
					batch.Msgs = batch.Msgs[:0]
					if n, _, err := decoder.Decode(stream, batch); n != len(stream) || err != nil {
						b.Fatal(n, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*messages), "ns/msg")
			})
		}
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	body := make([]byte, 64)
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = sp.FramingLength.AppendFrame(dst[:0], nil, body)
	}
}

// newBatch returns an empty batch for messages in data.
func newBatch(data []byte, capacity int) *msg.Batch {
	chunk := buf.Wrap(data, nil)
	chunk.From = new(msg.Origin)
	return &msg.Batch{Msgs: make([]msg.Message, 0, capacity), Chunk: chunk}
}
