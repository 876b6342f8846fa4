// SPDX-License-Identifier: MIT

package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// received are the messages of a protocol until its end, and the stream below.
func received(ctx context.Context, m *stream.Messages, err error) (string, *stream.Bytes, error) {
	if err != nil {
		return "", nil, err
	}
	var all []string
	for {
		p, err := m.Receive(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", nil, err
		}
		all = append(all, string(p))
	}
	below, err := m.Detach(ctx)
	return strings.Join(all, "|"), below, err
}

// Every frame and every handshake is read whole, wherever the stream below is cut, and nothing behind it.
func TestFramesSplitAtEveryOffset(t *testing.T) {
	ctx := testkit.Watchdog(t)
	for name, tc := range map[string]struct {
		wire, want string
		read       func(b *stream.Bytes) (string, *stream.Bytes, error)
	}{
		"prefix": {"\x00\x05hello\x00\x00\x00\x01x\xff\xff", "hello||x", func(b *stream.Bytes) (string, *stream.Bytes, error) {
			m, err := stream.Prefix(b, 2, 100)
			return received(ctx, m, err)
		}},
		"lines": {"hello\r\nx\ry\nz\r\n\r\n", "hello|x\ry\nz", func(b *stream.Bytes) (string, *stream.Bytes, error) {
			m, err := stream.Lines(b, 100)
			return received(ctx, m, err)
		}},
		"netstrings": {"5:hello,0:,1:x,.", "hello||x", func(b *stream.Bytes) (string, *stream.Bytes, error) {
			m, err := stream.Frame(b, netstrings{}, 100)
			return received(ctx, m, err)
		}},
		"http": {"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "200 OK b", func(b *stream.Bytes) (string, *stream.Bytes, error) {
			r, err := stream.ReadHTTPResponse(ctx, b)
			if err != nil {
				return "", nil, err
			}
			return fmt.Sprint(r.Code, " ", r.Reason, " ", r.Header.Get("A")), b, nil
		}},
		"socks5": {"\x05\x02\x01\x00\x05\x00\x00\x03\x04nameXX", "", func(b *stream.Bytes) (string, *stream.Bytes, error) {
			b, err := stream.SOCKS5(ctx, b, "example.com:7", "user", "password")
			return "", b, err
		}},
		"websocket": {
			"\x02\x03hel\x89\x02hi\x80\x02lo\x8a\x00\x82\x00\x82\x7e\x00\x80" + strings.Repeat("x", 128) + "\x88\x05\x03\xe8bye", "hello||" + strings.Repeat("x", 128),
			func(b *stream.Bytes) (string, *stream.Bytes, error) {
				m, err := stream.WebSocketFrames(b, true, nil)
				return received(ctx, m, err)
			},
		},
		"websocket text": {
			"\x01\x83\x01\x02\x03\x04g\xc1\xbf\x80\x80\x01\x02\x03\x04\x88\x80\x01\x02\x03\x04", "f\u00fc",
			func(b *stream.Bytes) (string, *stream.Bytes, error) {
				m, err := stream.WebSocketFrames(b, false, &stream.WebSocketOptions{Text: true})
				return received(ctx, m, err)
			},
		},
		"mux": {
			"\x01\x00\x00\x00\x01\x00\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02he\x03\x00\x00\x00\x01\x00\x00\x00\x03llo" +
				"\x05\x00\x00\x00\x01\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00", "hello",
			func(b *stream.Bytes) (string, *stream.Bytes, error) {
				m, err := stream.NewMux(b, false, nil)
				if err != nil {
					return "", nil, err
				}
				s, err := m.Accept(ctx)
				if err != nil {
					return "", nil, err
				}
				p, err := s.Receive(ctx)
				if err != nil {
					return "", nil, err
				}
				below, err := m.Detach(ctx)
				return string(p), below, err
			},
		},
	} {
		const behind = "behind"
		wire := []byte(tc.wire + behind)
		for cut := range len(wire) + 1 {
			a, b := stream.Pipe()
			both(t, func() error {
				if err := a.Write(ctx, wire[:cut]); err != nil {
					return err
				}
				return a.Write(ctx, wire[cut:])
			}, func() error {
				got, below, err := tc.read(b)
				if err != nil || got != tc.want {
					return fmt.Errorf("%s, cut at %d: %q, %w, want %q", name, cut, got, err, tc.want)
				}
				b = below
				rest := make([]byte, len(behind))
				if err := below.ReadFull(ctx, rest); err != nil || string(rest) != behind {
					return fmt.Errorf("%s, cut at %d: %q is behind it, %w", name, cut, rest, err)
				}
				return nil
			})
			_, _ = a.Close(), b.Close()
		}
	}
}

// FuzzFrames reads messages out of any bytes. Written again, they are the bytes that were read.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x00\x05hello\x00\x00\xff\xffrest"), byte(2))
	f.Add([]byte("hello\r\nx\r\n\r\nrest"), byte(0))
	f.Fuzz(func(t *testing.T, wire []byte, size byte) {
		if len(wire) > 32<<10 {
			return
		}
		ctx := context.Background()
		attach := func(b *stream.Bytes) (m *stream.Messages) {
			var err error
			if size%9 == 0 {
				m, err = stream.Lines(b, 1000)
			} else {
				m, err = stream.Prefix(b, int(size%9), 1000)
			}
			testkit.Check(t, err)
			return m
		}
		a, b := stream.Pipe()
		testkit.Check(t, a.Write(ctx, wire))
		testkit.Check(t, a.CloseWrite(ctx))
		m := attach(b)
		c, d := stream.Pipe()
		again := attach(c)
		for {
			p, err := m.Receive(ctx)
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				testkit.Check(t, again.CloseSend(ctx))
				break
			}
			if err != nil {
				break
			}
			if err := again.Send(ctx, p); err != nil {
				if size%9 == 0 && (len(p) == 0 || p[len(p)-1] == '\r') {
					return // Lines reads more than it writes
				}
				t.Fatalf("%q was read and cannot be written: %v", p, err)
			}
		}
		testkit.Check(t, again.Close())
		var written []byte
		for p := make([]byte, 4096); ; {
			n, err := d.Read(ctx, p)
			if written = append(written, p[:n]...); err != nil {
				break
			}
		}
		if !bytes.HasPrefix(wire, written) {
			t.Fatalf("%q became %q", wire, written)
		}
	})
}

// FuzzSOCKS5 gives any answers of a proxy to the client, which takes no byte behind them.
func FuzzSOCKS5(f *testing.F) {
	f.Add([]byte("\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x07rest"))
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x01a\x00\x07"))
	f.Fuzz(func(t *testing.T, answers []byte) {
		if len(answers) > 32<<10 {
			return
		}
		ctx := context.Background()
		a, b := stream.Pipe()
		testkit.Check(t, b.Write(ctx, answers))
		testkit.Check(t, b.CloseWrite(ctx))
		s, err := stream.SOCKS5(ctx, a, "example.com:7", "user", "password")
		if err != nil {
			return
		}
		rest := 0
		for p := make([]byte, 4096); ; {
			n, err := s.Read(ctx, p)
			if rest += n; err != nil {
				break
			}
		}
		if taken := len(answers) - rest; taken < 2+5+2 || taken > 2+2+5+255+2 {
			t.Errorf("%d bytes are the answers of a proxy", taken)
		}
	})
}
