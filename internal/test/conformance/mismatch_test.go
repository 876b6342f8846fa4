// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// Two ends that do not speak the same say so, each with the remedy: the dialer in the error of Dial, the listener in the reject
// event, which is what its log shows too.

// A mismatch is a pair of ends.
type mismatch struct {
	name     string
	listener func() testkit.Socket // nil: banner speaks instead
	scheme   string                // that it listens on
	banner   string                // what a foreign server says at once, or as soon as it has heard something
	first    bool                  // it speaks at once
	dialer   func() testkit.Socket // nil: says speaks instead
	dials    string                // the scheme that it dials
	says     string                // by a foreign client

	dialed, dialedReason     string // what Dial's error has
	rejected, rejectedReason string // what the listener's event has
}

func mismatches() []mismatch {
	push := func() testkit.Socket { return spry.NewPush(nil) }
	pull := func() testkit.Socket { return spry.NewPull(nil) }
	zmqPush, zmqPull := func() testkit.Socket { return zmq.NewPush(nil) }, func() testkit.Socket { return zmq.NewPull(nil) }
	keys := func() (public zmq.PublicKey, secret zmq.SecretKey) {
		public, secret, err := zmq.GenerateKeys()
		if err != nil {
			panic(err)
		}
		return public, secret
	}
	server, serverSecret := keys()
	wrong, secret := keys()
	curvePull := func() testkit.Socket {
		return zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{Security: zmq.CurveServer{Secret: serverSecret}}})
	}
	curvePush := func(to zmq.PublicKey) func() testkit.Socket {
		return func() testkit.Socket {
			return zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Security: zmq.CurveClient{Secret: secret, Server: to}}})
		}
	}
	return []mismatch{
		{
			name: "SP to TLS", listener: pull, scheme: "tls+tcp", dialer: push, dials: "tcp",
			dialed: "expect TLS (tls+tcp://)", dialedReason: "early_eof",
			rejected: "does not speak TLS, but the Scalability Protocols: dial tls+tcp://", rejectedReason: "security",
		},
		{
			name: "ZMTP to TLS", listener: pull, scheme: "tls+tcp", dialer: push, dials: "zmtp+tcp",
			dialed: "expect TLS (tls+tcp://)", dialedReason: "early_eof",
			rejected: "does not speak TLS, but ZeroMQ's ZMTP: dial tls+tcp://", rejectedReason: "security",
		},
		{
			name: "TLS to SP and ZMTP", listener: pull, scheme: "tcp", dialer: push, dials: "tls+tcp",
			dialed: "it may not speak TLS: dial without tls+", dialedReason: "security",
			rejected: "the peer speaks TLS: dial without tls+ there, or listen on tls+tcp://", rejectedReason: "bad_header",
		},
		{
			name: "TLS to ZMTP", listener: zmqPull, scheme: "tcp", dialer: push, dials: "tls+tcp",
			dialed: "it may not speak TLS: dial without tls+", dialedReason: "security",
			rejected: "the peer speaks TLS: dial without tls+ there, or listen on tls+tcp://", rejectedReason: "bad_header",
		},
		{
			name: "TLS to HTTP", banner: "HTTP/1.1 400 Bad Request\r\n\r\n", dialer: push, dials: "tls+tcp",
			dialed: "does not speak TLS, but HTTP (a web server): check the port", dialedReason: "security",
		},
		{
			name: "SP to HTTP", banner: "HTTP/1.1 400 Bad Request\r\n\r\n", dialer: push, dials: "tcp",
			dialed: "the peer speaks HTTP (a web server): check the port", dialedReason: "bad_header",
		},
		{
			name: "ZMTP to HTTP", banner: "HTTP/1.1 400 Bad Request\r\n\r\n", dialer: push, dials: "zmtp+tcp",
			dialed: "the peer speaks HTTP (a web server): check the port", dialedReason: "bad_header",
		},
		{
			name: "SP to SSH", banner: "SSH-2.0-OpenSSH_9.2\r\n", first: true, dialer: push, dials: "tcp",
			dialed: "the peer speaks SSH: check the port", dialedReason: "bad_header",
		},
		{
			name: "SP to Redis", banner: "-ERR unknown command\r\n", dialer: push, dials: "tcp",
			dialed: "another text protocol: check the port", dialedReason: "bad_header",
		},
		{
			name: "SP to ZMTP", listener: zmqPull, scheme: "tcp", dialer: push, dials: "tcp",
			dialed: "a ZeroMQ peer is dialed by zmtp+tcp://", dialedReason: "early_eof",
			rejected: "the peer speaks the Scalability Protocols: dial zmtp+tcp:// there", rejectedReason: "bad_header",
		},
		{
			name: "ZMTP to SP", listener: pull, scheme: "sp+tcp", dialer: push, dials: "zmtp+tcp",
			dialed: "a peer of the Scalability Protocols is dialed without zmtp+", dialedReason: "early_eof",
			rejected: "the peer speaks ZeroMQ's ZMTP: dial without zmtp+ there", rejectedReason: "bad_header",
		},
		{
			name: "NULL to CURVE", listener: curvePull, scheme: "tcp", dialer: zmqPush, dials: "tcp",
			dialed: `wants the security mechanism "CURVE" and this end "NULL": configure the same`, dialedReason: "mechanism",
			rejected: `wants the security mechanism "NULL" and this end "CURVE": configure the same`, rejectedReason: "mechanism",
		},
		{
			name: "CURVE to NULL", listener: zmqPull, scheme: "tcp", dialer: curvePush(server), dials: "tcp",
			dialed: `wants the security mechanism "NULL" and this end "CURVE": configure the same`, dialedReason: "mechanism",
			rejected: `wants the security mechanism "CURVE" and this end "NULL": configure the same`, rejectedReason: "mechanism",
		},
		{
			name: "CURVE with a wrong key", listener: curvePull, scheme: "tcp", dialer: curvePush(wrong), dials: "tcp",
			dialed: "the server's public key may be wrong here", dialedReason: "early_eof",
			rejected: "check the server's key", rejectedReason: "authentication",
		},
		{
			name: "SP to a server that closes", banner: "", dialer: push, dials: "tcp",
			dialed: "or be something else: check the port", dialedReason: "early_eof",
		},
		{
			name: "TLS to a server that closes", banner: "", dialer: push, dials: "tls+tcp",
			dialed: "it may not speak TLS: dial without tls+, or check the port", dialedReason: "security",
		},
		{
			name: "ZMTP to a server that closes", banner: "", dialer: push, dials: "zmtp+tcp",
			dialed: "or be something else: check the port", dialedReason: "early_eof",
		},
		{
			name: "HTTP to SP", listener: pull, scheme: "tcp", says: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			rejected: "the peer speaks HTTP (a web client): check the port", rejectedReason: "bad_header",
		},
		{
			name: "HTTP to ZMTP", listener: zmqPull, scheme: "tcp", says: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			rejected: "the peer speaks HTTP (a web client): check the port", rejectedReason: "bad_header",
		},
		{
			name: "HTTP to TLS", listener: pull, scheme: "tls+tcp", says: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			rejected: "does not speak TLS, but HTTP (a web client): check the port", rejectedReason: "security",
		},
	}
}

func TestMismatchedEndsSayWhy(t *testing.T) {
	for _, m := range mismatches() {
		t.Run(m.name, func(t *testing.T) {
			leak.Check(t)
			m.run(t)
		})
	}
}

func (m mismatch) run(t *testing.T) {
	var address string
	var at *spry.Endpoint
	if m.listener == nil {
		address = m.serve(t)
	} else {
		s := m.listener()
		testkit.CloseAll(t, s)
		at = testkit.ListenOn(t, s, m.scheme)
		address = at.Addr().String()
	}
	if m.dialer == nil {
		c, err := net.Dial("tcp", address)
		testkit.Check(t, err)
		(&testkit.Bare{Conn: c}).Say(t, []byte(m.says))
		t.Cleanup(func() { _ = c.Close() })
	} else {
		s := m.dialer()
		testkit.CloseAll(t, s)
		d := testkit.DialerAt(m.dials + "://" + address)
		_, err := s.DialWith(testkit.Watchdog(t), d)
		m.check(t, "the dialer's", err, m.dialed, m.dialedReason)
		if n := strings.Count(err.Error(), address); n != 1 {
			t.Errorf("%q has the address %d times", err, n)
		}
	}
	if at != nil {
		testkit.Eventually(t, "the listener rejects it", func() bool { return at.Err() != nil })
		m.check(t, "the listener's", at.Err(), m.rejected, m.rejectedReason)
	}
}

func (m mismatch) check(t *testing.T, whose string, err error, text, reason string) {
	t.Helper()
	var op *spry.OpError
	if !errors.As(err, &op) {
		t.Fatalf("%s error: %v", whose, err)
	}
	t.Logf("%s: %s: %v", whose, op.Reason, err)
	if !strings.Contains(err.Error(), text) || string(op.Reason) != reason {
		t.Errorf("%s error, which should say %q: %s: %v", whose, text, op.Reason, err)
	}
}

// serve is a foreign server, which answers the first bytes of a connection and closes it.
func (m mismatch) serve(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	served := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-served })
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if !m.first {
				_, _ = c.Read(make([]byte, 4096))
			}
			_, _ = c.Write([]byte(m.banner))
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}
