// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/zmq"
)

// What the tests' users know.
const (
	userName     = "user"
	userPassword = "secret"
)

// curvePair is a side's keys of CURVE.
type curvePair struct {
	public zmq.PublicKey
	secret zmq.SecretKey
}

func newCurvePair(t *testing.T) curvePair {
	t.Helper()
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	return curvePair{public, secret}
}

// spryServes says that Spry is the side that asks for credentials: the one that listens, except where the peer is libzmq's REQ.
// That one closes its connection at the first reply if it has asked who its peer is, whoever that is.
func (m zmqMeeting) spryServes() bool { return m.a.SpryListens || m.zmqPair.peer == "REQ" }

// plain is the mechanism PLAIN, in which one side asks for a password.
func plain() mechanism {
	return mechanism{
		name: "PLAIN",
		prepare: func(p *zmqPeer) {
			p.do("authenticate", args{"passwords": map[string]string{userName: userPassword}})
		},
		apply: func(m *zmqMeeting) {
			if m.spryServes() {
				m.security.Security = zmq.PlainServer{Check: zmq.AllowPasswords(map[string]string{userName: userPassword})}
				m.options["PLAIN_USERNAME"], m.options["PLAIN_PASSWORD"] = userName, userPassword
			} else {
				m.security.Security = zmq.PlainClient{Username: userName, Password: userPassword}
				m.options["PLAIN_SERVER"] = 1
			}
		},
	}
}

// curve is the mechanism CURVE, in which the side that serves knows whom it lets in.
func curve(t *testing.T) mechanism {
	t.Helper()
	server, client := newCurvePair(t), newCurvePair(t)
	return mechanism{
		name: "CURVE",
		prepare: func(p *zmqPeer) {
			p.do("authenticate", args{"keys": []string{client.public.String()}})
		},
		apply: func(m *zmqMeeting) {
			if m.spryServes() {
				m.security.Security = zmq.CurveServer{Secret: server.secret, Check: zmq.AllowKeys(client.public)}
				m.options["CURVE_SERVERKEY"] = server.public.String()
				m.options["CURVE_PUBLICKEY"], m.options["CURVE_SECRETKEY"] = client.public.String(), client.secret.Z85()
			} else {
				m.security.Security = zmq.CurveClient{Secret: client.secret, Server: server.public}
				m.options["CURVE_SERVER"], m.options["CURVE_SECRETKEY"] = 1, server.secret.Z85()
			}
		},
	}
}

// TestZeroMQSecuredTypes has every type of package zmq meet every type that is its peer, with a password and encrypted.
func TestZeroMQSecuredTypes(t *testing.T) {
	meetPairs(t, kit.LibZMQ, stablePairs, plain())
	meetPairs(t, kit.LibZMQ, stablePairs, curve(t))
	meetPairs(t, npmZeroMQ, draftPairs, curve(t))
	meetPairsOver(t, []string{"ws"}, npmZeroMQ, draftPairs, plain())
	meetPairsOver(t, []string{"ws"}, npmZeroMQ, draftPairs, curve(t))
	if kit.Long {
		meetPairsOver(t, []string{"ws"}, npmZeroMQ, stablePairs, plain())
		meetPairsOver(t, []string{"ws"}, npmZeroMQ, stablePairs, curve(t))
	}
}

// TestZeroMQRefusals shows wrong credentials to each side. Nothing gets through, and the side of Spry says why.
func TestZeroMQRefusals(t *testing.T) {
	for _, right := range []mechanism{plain(), curve(t)} {
		withPeer(t, "PUSH – zmq PULL, wrong credentials, "+right.name, func(t *testing.T, p *zmqPeer, a kit.Address) {
			right.prepare(p)
			m := zmqMeeting{a: a, security: kit.Options, options: args{}}
			right.apply(&m)
			stranger := newCurvePair(t)
			switch security := m.security.Security.(type) {
			case zmq.PlainClient:
				security.Password = "guessed"
				m.security.Security = security
			case zmq.CurveClient:
				security.Secret = stranger.secret
				m.security.Security = security
			case zmq.PlainServer:
				m.options["PLAIN_PASSWORD"] = "guessed"
			case zmq.CurveServer:
				m.options["CURVE_PUBLICKEY"], m.options["CURVE_SECRETKEY"] = stranger.public.String(), stranger.secret.Z85()
			}
			reason := map[bool]spry.Reason{true: spry.ReasonAuthentication, false: spry.ReasonPeerError}[a.SpryListens]
			pull := zmq.NewPull(&zmq.PullOptions{Options: m.security})
			p.open("s", "PUSH", a, m.options)
			kit.Attach(t, pull, a)
			kit.WaitFor(t, func() bool { return pull.Stats().Rejected[reason] > 0 })
			if s := pull.Stats(); len(s.Pipes) > 0 || s.Recv.Arrived > 0 {
				t.Errorf("the counters say %+v", s)
			}
		})
	}
}

// TestZeroMQUserIDs tells who a peer of libzmq is that was let in.
func TestZeroMQUserIDs(t *testing.T) {
	a := kit.NewAddress(t, "tcp", true)
	m := zmqMeeting{a: a, security: kit.Options, options: args{}}
	plain().apply(&m)
	pull, p := zmq.NewPull(&zmq.PullOptions{Options: m.security}), startPeer(t, kit.LibZMQ)
	kit.Attach(t, pull, a)
	p.open("s", "PUSH", a, m.options)
	p.send("s", text("hello"))
	got := kit.Must[*spry.Message](t)(pull.RecvMsg(kit.Watched(t)))
	if user := got.Pipe().Metadata()["User-Id"]; user != userName {
		t.Errorf("the message is by %q", user)
	}
	got.Release()
}
