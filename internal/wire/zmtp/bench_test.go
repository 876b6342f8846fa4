// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

const benchMessages = 256

// BenchmarkDecode has the other dialect beside it: neither should be much slower.
func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{64, 1024} {
		for _, p := range []struct {
			name          string
			local, sender zmtp.Socket
			spProtocol    uint16
			header        []byte
		}{
			{"pull", zmtp.Pull, zmtp.Push, sp.Pull, nil},
			{"rep", zmtp.Rep, zmtp.Req, sp.Rep, []byte{0x80, 0, 0, 1}},
		} {
			from, to := plainPair(b, p.sender, p.local)
			decodeMany(b, fmt.Sprintf("dialect=zmtp/protocol=%s/size=%d", p.name, size), from.Framing, to.Decoder, p.header, size)
			protocol, _ := sp.Lookup(p.spProtocol)
			_, _, session, err := sp.Dialect.Handshake(wire.Config{Hello: protocol.Hello(), TTL: 8}).Step(sp.AppendHeader(nil, protocol.Peer))
			if err != nil {
				b.Fatal(err)
			}
			decodeMany(b, fmt.Sprintf("dialect=sp/protocol=%s/size=%d", p.name, size), sp.FramingLength, session.Decoder, p.header, size)
		}
	}
}

func decodeMany(b *testing.B, name string, f wire.Framing, d wire.Decoder, header []byte, size int) {
	b.Run(name, func(b *testing.B) {
		var stream []byte
		for range benchMessages {
			stream = f.AppendFrame(stream, header, make([]byte, size))
		}
		data := bytes.Clone(stream) // consumed bytes may be rewritten
		batch := newBatch(data, benchMessages)
		b.ReportAllocs()
		b.SetBytes(int64(len(stream)))
		for b.Loop() {
			batch.Msgs = batch.Msgs[:0]
			if header != nil {
				copy(data, stream)
			}
			if n, _, err := d.Decode(data, batch); n != len(stream) || err != nil {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchMessages), "ns/msg")
	})
}

func BenchmarkAppendFrame(b *testing.B) {
	id := []byte{0x80, 0, 0, 1}
	for _, p := range []struct {
		name    string
		local   zmtp.Socket
		header  []byte
		dialect string
	}{
		{"push", zmtp.Push, nil, "zmtp"},
		{"push", zmtp.Push, nil, "sp"},
		{"req", zmtp.Req, id, "zmtp"},
		{"rep", zmtp.Rep, id, "zmtp"},
		{"req", zmtp.Req, id, "sp"},
	} {
		from, _ := plainPair(b, p.local, zmtp.Socket(p.local.Hello().Peer))
		f := from.Framing
		if p.dialect == "sp" {
			f = sp.FramingLength
		}
		b.Run(fmt.Sprintf("dialect=%s/protocol=%s", p.dialect, p.name), func(b *testing.B) {
			body, dst := make([]byte, 64), make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				dst = f.AppendFrame(dst[:0], p.header, body)
			}
		})
	}
}

func BenchmarkCurve(b *testing.B) {
	for _, size := range []int{64, 4 << 10} {
		from, to := curvePair(b, zmtp.Push, zmtp.Pull)
		body := make([]byte, size)
		dst := make([]byte, 0, benchMessages*(size+64))
		b.Run(fmt.Sprintf("seal/size=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				dst = from.Framing.AppendFrame(dst[:0], nil, body)
			}
		})
		b.Run(fmt.Sprintf("seal-and-open/size=%d", size), func(b *testing.B) {
			batch := newBatch(dst, benchMessages)
			b.ReportAllocs()
			b.SetBytes(int64(size * benchMessages))
			for b.Loop() {
				dst, batch.Msgs = dst[:0], batch.Msgs[:0]
				for range benchMessages {
					dst = from.Framing.AppendFrame(dst, nil, body)
				}
				if n, _, err := to.Decoder.Decode(dst, batch); n != len(dst) || err != nil {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchMessages), "ns/msg")
		})
	}
}
