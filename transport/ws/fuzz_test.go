// SPDX-License-Identifier: MIT

package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
)

// A script is a connection that reads what it was given, and takes what is written.
type script struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *script) Close() error                     { return nil }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

var pullOffer = transport.Offer{
	Dialect: "sp", Hello: transport.Hello{Protocol: 0x51, Peer: 0x50, Name: "pull", PeerName: "push"}, MaxMessage: 1 << 20,
}

// received is all messages of a connection's bytes, and how it ended. most is the largest piece of memory.
func received(in io.Reader, client bool) (messages [][]byte, most int, err error) {
	k := newLink(&transport.Stream{Conn: &script{in: in}}, client)
	k.begin(pullOffer)
	defer k.Close()
	dst := make([][]byte, 3)
	for {
		n, err := k.ReadMessages(dst, func(have []byte, size int) []byte {
			most = max(most, size)
			return append(make([]byte, 0, size), have...)[:size]
		})
		for _, m := range dst[:n] {
			messages = append(messages, bytes.Clone(m))
		}
		if err != nil {
			return messages, most, err
		}
	}
}

// Whatever bytes a peer sends, and however they are cut, the messages are the same, and memory grows only as they arrive.
func FuzzFrames(f *testing.F) {
	frame := func(h wsframe.Header, payload string) []byte {
		h.Length = int64(len(payload))
		b := append(wsframe.AppendHeader(nil, h), payload...)
		if h.Masked {
			wsframe.Mask(h.Key, 0, b[len(b)-len(payload):])
		}
		return b
	}
	key := [4]byte{1, 2, 3, 4}
	f.Add(frame(wsframe.Header{Opcode: wsframe.Binary, Final: true, Masked: true, Key: key}, "hello"), false)
	f.Add(append(frame(wsframe.Header{Opcode: wsframe.Binary, Masked: true, Key: key}, "he"), frame(wsframe.Header{Final: true, Masked: true, Key: key}, "llo")...), false)
	f.Add(append(frame(wsframe.Header{Opcode: wsframe.Ping, Final: true}, "ping"), frame(wsframe.Header{Opcode: wsframe.Close, Final: true}, "\x03\xe8")...), true)
	f.Add([]byte{0x82, 0x7f, 0, 0, 0, 0, 0, 0xf, 0, 0, 'x'}, true)
	f.Fuzz(func(t *testing.T, b []byte, client bool) {
		whole, most, err := received(bytes.NewReader(b), client)
		if most > max(2*len(b), firstMemory) {
			t.Errorf("%d bytes took %d of memory", len(b), most)
		}
		cut, _, cutErr := received(iotest.OneByteReader(bytes.NewReader(b)), client)
		if len(whole) != len(cut) || (err == io.EOF) != (cutErr == io.EOF) {
			t.Fatalf("%d messages and %v; byte by byte %d and %v", len(whole), err, len(cut), cutErr)
		}
		for i := range whole {
			if !bytes.Equal(whole[i], cut[i]) {
				t.Fatalf("message %d is %q; byte by byte %q", i, whole[i], cut[i])
			}
		}
	})
}

// A request is answered, or the connection ends; it never gets more than an answer.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: pull.sp.nanomsg.org\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &script{in: bytes.NewReader(b)}
		k := newLink(&transport.Stream{Conn: s}, false)
		k.server = listeningAt("/")
		_, _, err := k.Handshake(t.Context(), []transport.Offer{pullOffer}, true)
		upgraded := bytes.HasPrefix(s.out.Bytes(), []byte("HTTP/1.1 101 "))
		if upgraded != (err == nil) || s.out.Len() > 4096 {
			t.Errorf("%v, and the answer is %.200q", err, s.out.String())
		}
		if pe, ok := errors.AsType[*transport.PeerError](err); ok && (pe.Reason == "" || s.out.Len() == 0) {
			t.Errorf("%v with the reason %q, and no answer", err, pe.Reason)
		}
	})
}

// listeningAt is the end of a listener at a path.
func listeningAt(path string) *serverSide {
	l := &listener{address: address{path: path}}
	l.shared = &shared{members: []*listener{l}}
	return &serverSide{listener: l}
}

// Whatever a server answers, the dialer upgrades or fails for a reason, and takes no byte of what is behind the head.
func FuzzAnswer(f *testing.F) {
	const upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: push.sp.nanomsg.org\r\n\r\n"
	f.Add([]byte(upgrade + "\x82\x01x"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n"))
	f.Add([]byte("HTTP/1.1 302 Found\nLocation: /x\n\n"))
	f.Add([]byte("SSH-2.0-OpenSSH_9.2\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, piece := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
			conn := &answering{from: func(key string) io.Reader {
				return piece(bytes.NewReader(bytes.Replace(b, []byte("ACCEPT"), []byte(wsframe.Accept(key)), 1)))
			}}
			k := newLink(&transport.Stream{Conn: conn}, true)
			k.request = Transport{}.request(&address{host: "x", path: "/"})
			chosen, _, err := k.Handshake(t.Context(), []transport.Offer{pullOffer}, false)
			if pe, ok := errors.AsType[*transport.PeerError](err); ok && pe.Reason == "" {
				t.Errorf("%v has no reason", err)
			}
			if err == nil && (chosen != pullOffer || !bytes.Contains(b, []byte("ACCEPT"))) {
				t.Errorf("%.200q upgrades to %v", b, chosen)
			}
			_ = k.Close()
		}
	})
}

// A head ends at the same place, however it comes, and nothing is lost of what is behind it.
func FuzzHead(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\nbehind"), 7)
	f.Add([]byte("GET / HTTP/1.1\n\r\n\n\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if cut < 0 || cut > len(b) {
			return
		}
		read := func(r io.Reader) (head, rest []byte, err error) {
			head, early, err := readHead(r, func([]byte) bool { return true })
			rest, _ = io.ReadAll(r)
			return head, append(bytes.Clone(early), rest...), err
		}
		whole, rest, err := read(bytes.NewReader(b))
		if err == nil && !bytes.Equal(append(bytes.Clone(whole), rest...), b) {
			t.Errorf("%q and %q are read of %q", whole, rest, b)
		}
		for _, r := range []io.Reader{iotest.OneByteReader(bytes.NewReader(b)), io.MultiReader(bytes.NewReader(b[:cut]), bytes.NewReader(b[cut:]))} {
			if cutHead, cutRest, cutErr := read(r); !bytes.Equal(cutHead, whole) || !bytes.Equal(cutRest, rest) || (cutErr == nil) != (err == nil) {
				t.Errorf("%q, %q, %v in pieces; %q, %q, %v as a whole", cutHead, cutRest, cutErr, whole, rest, err)
			}
		}
	})
}
