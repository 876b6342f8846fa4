// SPDX-License-Identifier: MIT

package engine_test

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/box"
)

// A rawPeer is a ZeroMQ peer that dials and says whatever a test wants.
type rawPeer struct {
	net.Conn
	t testing.TB
}

const signature = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"

// greeting is the 64 bytes of a client with this mechanism.
func greeting(mechanism string) string {
	return signature + "\x03\x01" + mechanism + strings.Repeat("\x00", 20-len(mechanism)+32)
}

func property(name, value string) string {
	return string([]byte{byte(len(name))}) + name + string(binary.BigEndian.AppendUint32(nil, uint32(len(value)))) + value
}

var asPush = property("Socket-Type", "PUSH")

// frameOf is a whole frame; flags say nothing about its size.
func frameOf(flags byte, body string) string {
	if len(body) > 255 {
		return string(binary.BigEndian.AppendUint64([]byte{flags | 2}, uint64(len(body)))) + body
	}
	return string([]byte{flags, byte(len(body))}) + body
}

func commandOf(name, data string) string {
	return frameOf(4, string([]byte{byte(len(name))})+name+data)
}

// say writes, be it to a listener that has closed the connection already.
func (p *rawPeer) say(s ...string) { _, _ = io.WriteString(p, strings.Join(s, "")) }

// greet exchanges greetings.
func (p *rawPeer) greet(mechanism string) {
	p.say(greeting(mechanism))
	p.hear(64)
}

// hear reads so many bytes.
func (p *rawPeer) hear(n int) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p, b); err != nil {
		p.t.Fatalf("hearing %d bytes of the listener: %v", n, err)
	}
	return b
}

// hearCommand reads a command, which must have this name.
func (p *rawPeer) hearCommand(name string) (data []byte) {
	p.t.Helper()
	head := p.hear(2)
	size := int(head[1])
	if head[0]&2 != 0 {
		size = int(binary.BigEndian.Uint64(append(head[1:], p.hear(7)...)))
	}
	body := string(p.hear(size))
	rest, ok := strings.CutPrefix(body, string([]byte{byte(len(name))})+name)
	if !ok {
		p.t.Fatalf("the listener says %q, want %s", body, name)
	}
	return []byte(rest)
}

// A keyPair is one of CURVE.
type keyPair struct{ public, secret *[32]byte }

func newKeyPair() keyPair {
	public, secret, _ := box.GenerateKey(rand.Reader)
	return keyPair{public, secret}
}

// A curvePeer is the client's end of CURVE, put together by hand so that each part of it can be wrong. It is written from
// the specification, and shares no code with what it tests.
type curvePeer struct {
	*rawPeer
	own, short keyPair   // permanent, and of the connection
	server     *[32]byte // the permanent key of the server that is meant

	theirs [32]byte // the server's key of the connection
	cookie []byte
	nonce  uint64 // of the next message
}

// seal is a box for a nonce that is a prefix and a tail.
func seal(plain []byte, prefix string, tail []byte, to, from *[32]byte) string {
	return string(box.Seal(nil, plain, nonceOf(prefix, tail), to, from))
}

func nonceOf(prefix string, tail []byte) *[24]byte {
	return (*[24]byte)(append([]byte(prefix), tail...))
}

func count(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// hello is the data of HELLO.
func (p *curvePeer) hello() string {
	return "\x01\x00" + strings.Repeat("\x00", 72) + string(p.short.public[:]) + string(count(1)) +
		seal(make([]byte, 64), "CurveZMQHELLO---", count(1), p.server, p.short.secret)
}

// welcome reads WELCOME.
func (p *curvePeer) welcome() {
	p.t.Helper()
	data := p.hearCommand("WELCOME")
	plain, ok := box.Open(nil, data[16:], nonceOf("WELCOME-", data[:16]), p.server, p.short.secret)
	if !ok || len(plain) != 32+96 {
		p.t.Fatalf("WELCOME does not open, or has %d bytes", len(plain))
	}
	p.theirs, p.cookie = [32]byte(plain), plain[32:]
}

// An initiate is what INITIATE is made of.
type initiate struct {
	cookie        []byte
	nonce         uint64
	claimed       *[32]byte // whose permanent key is shown
	vouching      *[32]byte // and with which secret key its owner vouches
	vouched, for_ *[32]byte // for which key of a connection, to which server
	sealing       *[32]byte // secret key of the connection
	metadata      string
}

// honest is an INITIATE as it should be.
func (p *curvePeer) honest() initiate {
	return initiate{p.cookie, 2, p.own.public, p.own.secret, p.short.public, p.server, p.short.secret, asPush}
}

// data is the data of INITIATE.
func (p *curvePeer) data(i initiate) string {
	tail := make([]byte, 16)
	_, _ = rand.Read(tail)
	vouch := string(tail) + seal(append(i.vouched[:], i.for_[:]...), "VOUCH---", tail, &p.theirs, i.vouching)
	return string(i.cookie) + string(count(i.nonce)) +
		seal([]byte(string(i.claimed[:])+vouch+i.metadata), "CurveZMQINITIATE", count(i.nonce), &p.theirs, i.sealing)
}

// meet does a whole honest handshake.
func (p *curvePeer) meet() {
	p.t.Helper()
	p.greet("CURVE")
	p.say(commandOf("HELLO", p.hello()))
	p.welcome()
	p.say(commandOf("INITIATE", p.data(p.honest())))
	p.hearCommand("READY")
	p.nonce = 3
}

// message is the body of a frame with a sealed message.
func (p *curvePeer) message(body string) string {
	p.nonce++
	return p.sealed("CurveZMQMESSAGEC", p.nonce-1, "\x00"+body)
}

func (p *curvePeer) sealed(prefix string, nonce uint64, plain string) string {
	return "\x07MESSAGE" + string(count(nonce)) + seal([]byte(plain), prefix, count(nonce), &p.theirs, p.short.secret)
}
