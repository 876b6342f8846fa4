// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
)

// zmtpOptions are those of a socket that speaks ZeroMQ's protocol over tcp.
func zmtpOptions() engine.Options {
	return engine.Options{Dialects: []wire.Dialect{zmtp.Dialect}, Transports: []transport.Transport{tcp.Transport{}}}
}

// A rawPeer is a ZeroMQ peer that says whatever a test wants, and reads only if the test does.
type rawPeer struct {
	net.Conn
	t *testing.T
}

// rawPeerOf connects a socket with a new peer of this type, which dials, or is dialed.
func rawPeerOf(t *testing.T, s *engine.Socket, kind string, dials bool) *rawPeer {
	t.Helper()
	before := len(s.Pipes())
	var conn net.Conn
	if dials {
		e, err := s.Listen(t.Context(), "tcp://127.0.0.1:0", engine.EndpointConfig{})
		must(t, err)
		conn, err = net.Dial("tcp", e.Addr().String())
		must(t, err)
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		_, err = s.Dial(t.Context(), "tcp://"+l.Addr().String(), engine.EndpointConfig{}, false)
		must(t, err)
		conn, err = l.Accept()
		must(t, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &rawPeer{conn, t}
	greeting := make([]byte, 64)
	copy(greeting, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL")
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(kind))) + kind
	p.say(string(greeting), string([]byte{4, byte(len(ready))}), ready)
	p.hear(64)
	p.hear(int(p.hear(2)[1]))
	until(t, "the peer is attached", func() bool { return len(s.Pipes()) > before })
	return p
}

func (p *rawPeer) say(parts ...string) {
	p.t.Helper()
	for _, s := range parts {
		if _, err := io.WriteString(p, s); err != nil {
			p.t.Fatal(err)
		}
	}
}

// hear reads n bytes.
func (p *rawPeer) hear(n int) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p, b); err != nil {
		p.t.Fatal(err)
	}
	return b
}

// command is a whole frame with a command.
func command(name, data string) string {
	body := string([]byte{byte(len(name))}) + name + data
	return string(binary.BigEndian.AppendUint64([]byte{4 | 2}, uint64(len(body)))) + body
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to this: ", what)
		}
	}
}
