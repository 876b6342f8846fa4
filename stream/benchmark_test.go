// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// BenchmarkLayers moves bytes over TCP through layers, in writes of 64 KiB. "net" and "crypto/tls" are the same without this
// package.
func BenchmarkLayers(b *testing.B) {
	const size = 64 << 10
	ctx := context.Background()
	cert := testcert.NewAuthority(b)
	server, client := cert.Server(b), cert.Client(b, "client")
	client.ServerName = "localhost"
	conns := func(b *testing.B) (near, far net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		testkit.Check(b, err)
		defer l.Close()
		near, err = net.Dial("tcp", l.Addr().String())
		testkit.Check(b, err)
		far, err = l.Accept()
		testkit.Check(b, err)
		return near, far
	}
	run := func(b *testing.B, write func(p []byte) error, read func(p []byte) error) {
		b.SetBytes(size)
		b.ReportAllocs()
		ended := make(chan error)
		n := 0
		go func() {
			p := make([]byte, size)
			for {
				if err := read(p); err != nil || p[0] == 1 {
					ended <- err
					return
				}
			}
		}()
		p := make([]byte, size)
		for b.Loop() {
			testkit.Check(b, write(p))
			n++
		}
		p[0] = 1
		testkit.Check(b, write(p))
		testkit.Check(b, <-ended)
	}
	plain := func(near, far net.Conn) (write, read func(p []byte) error) {
		return func(p []byte) error { _, err := near.Write(p); return err }, func(p []byte) error { _, err := io.ReadFull(far, p); return err }
	}
	b.Run("net", func(b *testing.B) {
		near, far := conns(b)
		write, read := plain(near, far)
		run(b, write, read)
	})
	b.Run("crypto/tls", func(b *testing.B) {
		near, far := conns(b)
		write, read := plain(tls.Client(near, client), tls.Server(far, server))
		run(b, write, read)
	})
	for name, attach := range map[string]func(s *stream.Bytes, client bool) (*stream.Bytes, error){
		"none": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) { return s, nil },
		"trace": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) {
			return stream.Trace(s, func(stream.Op, []byte, error) {})
		},
		"throttle": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) {
			return stream.Throttle(s, stream.Rate{PerSecond: 1e12}, stream.Rate{PerSecond: 1e12})
		},
		"fault": func(s *stream.Bytes, _ bool) (*stream.Bytes, error) {
			return stream.Fault(s, stream.Faults{}, stream.Faults{})
		},
		"tls": func(s *stream.Bytes, near bool) (*stream.Bytes, error) {
			if near {
				return stream.TLSClient(ctx, s, client)
			}
			return stream.TLSServer(ctx, s, server)
		},
	} {
		b.Run(name, func(b *testing.B) {
			x, y := conns(b)
			attached := make(chan *stream.Bytes)
			go func() {
				far, err := attach(stream.New(y), false)
				if err != nil {
					b.Error(err)
				}
				attached <- far
			}()
			near, err := attach(stream.New(x), true)
			testkit.Check(b, err)
			far := <-attached
			run(b, func(p []byte) error { return near.Write(ctx, p) }, func(p []byte) error { return far.ReadFull(ctx, p) })
		})
	}
}
