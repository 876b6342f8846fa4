// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/zmq"
)

// A secrecy is one mechanism, with what libzmq's program and Spry need for either role.
type secrecy struct {
	name                       string
	server, client, stranger   spry.Security // Spry's
	peerServer, peerClient     []string      // arguments of the peer
	peerStranger, peerMistaken []string      // of a client that is not known, and of one that does not know the server
	user                       string        // that Spry's server takes the client for
}

// secrecies makes fresh keys for both mechanisms.
func secrecies(t *testing.T) []secrecy {
	t.Helper()
	keys := func() (zmq.PublicKey, zmq.SecretKey) {
		public, secret, err := zmq.GenerateKeys()
		testkit.Check(t, err)
		return public, secret
	}
	server, serverSecret := keys()
	client, clientSecret := keys()
	stranger, strangerSecret := keys()
	return []secrecy{
		{
			name: "PLAIN", user: "ali",
			server:     zmq.PlainServer{Check: zmq.AllowPasswords(map[string]string{"ali": "open sesame"})},
			client:     zmq.PlainClient{Username: "ali", Password: "open sesame"},
			stranger:   zmq.PlainClient{Username: "ali", Password: "open wheat"},
			peerServer: []string{"plain-server", "ali", "open sesame"}, peerClient: []string{"plain-client", "ali", "open sesame"},
			peerStranger: []string{"plain-client", "kasim", "open sesame"},
		},
		{
			name: "CURVE", user: client.String(),
			server:       zmq.CurveServer{Secret: serverSecret, Check: zmq.AllowKeys(client)},
			client:       zmq.CurveClient{Secret: clientSecret, Server: server},
			stranger:     zmq.CurveClient{Secret: strangerSecret, Server: server},
			peerServer:   []string{"curve-server", serverSecret.Z85(), client.String()},
			peerClient:   []string{"curve-client", client.String(), clientSecret.Z85(), server.String()},
			peerStranger: []string{"curve-client", stranger.String(), strangerSecret.Z85(), server.String()},
			peerMistaken: []string{"curve-client", client.String(), clientSecret.Z85(), stranger.String()},
		},
	}
}

func pairWith(s spry.Security) *spry.Pair {
	o := kit.Options
	o.Security = s
	return spry.NewPair(&spry.PairOptions{Options: o})
}

// TestZeroMQSecurity exchanges messages with libzmq in both roles of both mechanisms, whoever listens.
func TestZeroMQSecurity(t *testing.T) {
	for _, s := range secrecies(t) {
		for role, end := range map[string]struct {
			own  spry.Security
			peer []string
		}{"server": {s.client, s.peerServer}, "client": {s.server, s.peerClient}} {
			kit.EachWay(t, kit.LibZMQ, s.name+" "+role, func(t *testing.T, a kit.Address) {
				pair := pairWith(end.own)
				p := kit.MeetC(t, a, pair, "zmq_secure", end.peer...)
				ctx := kit.Watched(t)
				for _, l := range loads {
					for i := range min(l.messages, 100) {
						want := kit.Numbered(l.size, i)
						testkit.Check(t, pair.Send(ctx, want))
						kit.Same(t, "came back", kit.Must[[]byte](t)(pair.Recv(ctx)), want)
					}
				}
				m := spry.NewMessage(0)
				m.AppendFrame([]byte("second"))
				testkit.Check(t, pair.SendMsg(ctx, m))
				back := kit.Must[*spry.Message](t)(pair.RecvMsg(ctx))
				if back.Len() != len("second") {
					t.Errorf("two frames came back as %q", back.Bytes())
				}
				if user := back.Pipe().Metadata()["User-Id"]; role == "client" && user != s.user {
					t.Errorf("the client is the user %q", user)
				}
				p.Wait()
			})
		}
	}
}

// TestZeroMQIsRefused checks that libzmq learns why Spry refuses it, and Spry why libzmq's ZAP handler does.
func TestZeroMQIsRefused(t *testing.T) {
	for _, s := range secrecies(t) {
		kit.EachWay(t, kit.LibZMQ, s.name+" refused", func(t *testing.T, a kit.Address) {
			pair := pairWith(s.server)
			events := pair.Events(kit.Watched(t))
			p := kit.MeetC(t, a, pair, "zmq_secure", s.peerStranger...)
			if status := p.WaitLine("refused"); status != "refused 400" {
				t.Errorf("libzmq says %q", status)
			}
			p.Wait()
			expectReject(t, events)
		})
		for _, transport := range []string{"tcp", "ipc"} {
			t.Run(s.name+" refuses Spry/"+transport, func(t *testing.T) {
				t.Parallel()
				a := kit.NewAddress(t, transport, false)
				kit.StartC(t, "zmq_secure", append([]string{"listen", a.URL}, s.peerServer...)...)
				pair := pairWith(s.stranger)
				defer pair.Close()
				_, err := pair.Dial(kit.Watched(t), "zmtp+"+a.URL)
				if op := (*spry.OpError)(nil); !errors.As(err, &op) || op.Reason != "peer_error" || !strings.Contains(err.Error(), "400") {
					t.Errorf("dialing a handler that refuses: %v", err)
				}
			})
		}
	}
}

// TestZeroMQTriesLater has a client of libzmq that is told nothing come back until it is let in. Any ERROR would make it give
// up for good.
func TestZeroMQTriesLater(t *testing.T) {
	for _, s := range secrecies(t) {
		t.Run(s.name, func(t *testing.T) {
			var asked atomic.Int32
			later := func(context.Context, zmq.Credentials) (string, error) {
				if asked.Add(1) < 3 {
					return "", zmq.ErrTryLater
				}
				return "at last", nil
			}
			var server spry.Security = zmq.PlainServer{Check: later}
			if curve, ok := s.server.(zmq.CurveServer); ok {
				curve.Check = later
				server = curve
			}
			pair := pairWith(server)
			kit.MeetC(t, kit.NewAddress(t, "tcp", true), pair, "zmq_secure", s.peerClient...)
			kit.WaitPipes(t, pair, 1)
			if n := asked.Load(); n != 3 {
				t.Errorf("it asked %d times", n)
			}
		})
	}
}

// expectReject waits until a peer was refused, for what it showed.
func expectReject(t *testing.T, events iter.Seq[spry.Event]) {
	t.Helper()
	for e := range events {
		if e.Kind == spry.EventReject {
			if e.Reason != "authentication" {
				t.Errorf("refused for %s: %v", e.Reason, e.Err)
			}
			return
		}
	}
	t.Error("nobody was refused")
}

// TestZeroMQKnowsAnotherServer has clients that do not know the server's key, on either side.
func TestZeroMQKnowsAnotherServer(t *testing.T) {
	s := secrecies(t)[1]
	t.Run("libzmq", func(t *testing.T) {
		pair := pairWith(s.server)
		events := pair.Events(kit.Watched(t))
		a := kit.NewAddress(t, "tcp", true)
		kit.MeetC(t, a, pair, "zmq_secure", s.peerMistaken...)
		expectReject(t, events)
	})
	t.Run("spry", func(t *testing.T) {
		other := kit.Must[zmq.PublicKey](t)(zmq.ParsePublicKey(s.peerMistaken[3]))
		a := kit.NewAddress(t, "tcp", false)
		p := kit.StartC(t, "zmq_secure", append([]string{"listen", a.URL}, s.peerServer...)...)
		pair := pairWith(zmq.CurveClient{Server: other})
		defer pair.Close()
		if _, err := pair.Dial(kit.Watched(t), "zmtp+"+a.URL); err == nil {
			t.Error("connected to a server that has another key")
		}
		p.WaitLine("protocol error")
	})
}

// TestCertificatesOfCZMQ reads certificates that CZMQ wrote, and has it read Spry's, the command's too.
func TestCertificatesOfCZMQ(t *testing.T) {
	const name = `Ada "Countess" # Lovelace`
	dir := t.TempDir()
	loads := func(path, name string, c zmq.Certificate) {
		t.Helper()
		secret := strings.Repeat("0", len(c.Public.String())) // what CZMQ has for none
		if c.Secret != (zmq.SecretKey{}) {
			secret = c.Secret.Z85()
		}
		want := fmt.Sprintf("name %s\nkeys %v %s\n", name, c.Public, secret)
		if got := peer.Start(t, kit.Builder.C(t, "czmq_cert"), "load", path).Wait(); got != want {
			t.Errorf("CZMQ loads\n%s, saved was\n%s", got, want)
		}
	}
	theirs := filepath.Join(dir, "theirs")
	made := peer.Start(t, kit.Builder.C(t, "czmq_cert"), "save", theirs, "Ada # Lovelace").Wait()
	c := kit.Must[zmq.Certificate](t)(zmq.LoadCertificate(theirs))
	if fmt.Sprintf("keys %v %s\n", c.Public, c.Secret.Z85()) != made || c.Metadata["name"] != "Ada # Lovelace" {
		t.Errorf("CZMQ saved %s, loaded is %v %v", made, c.Public, c.Metadata)
	}
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	ours := zmq.Certificate{Public: public, Secret: secret, Metadata: map[string]string{"name": name, "email": "ada@example.org"}}
	testkit.Check(t, ours.Save(filepath.Join(dir, "ours")))
	loads(filepath.Join(dir, "ours"), name, ours)
	testkit.Check(t, ours.SavePublic(filepath.Join(dir, "public")))
	loads(filepath.Join(dir, "public"), name, zmq.Certificate{Public: public})

	commanded := filepath.Join(dir, "command")
	peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), "keygen", "curve", "--out", commanded, "--name", "Ada").Wait()
	loads(commanded, "Ada", kit.Must[zmq.Certificate](t)(zmq.LoadCertificate(commanded)))
}

// TestAuthenticatorsOfCZMQ has CZMQ's authenticator let in who has a certificate that Spry wrote, and nobody else.
func TestAuthenticatorsOfCZMQ(t *testing.T) {
	dir, known := t.TempDir(), t.TempDir()
	server := filepath.Join(dir, "server")
	peer.Start(t, kit.Builder.C(t, "czmq_cert"), "save", server, "the server").Wait()
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	client := zmq.Certificate{Public: public, Secret: secret}
	testkit.Check(t, client.SavePublic(filepath.Join(known, "client.pub")))
	a := kit.NewAddress(t, "tcp", false)
	p := kit.StartC(t, "czmq_pull", a.URL, server, known, "10")
	serverKey := kit.Must[zmq.Certificate](t)(zmq.LoadCertificate(server)).Public

	dial := func(ctx context.Context, s spry.Security) (*zmq.Push, error) {
		o := kit.Options
		o.Security = s
		push := zmq.NewPush(&zmq.PushOptions{Options: o})
		t.Cleanup(func() { push.Close() })
		_, err := push.Dial(ctx, a.URL)
		return push, err
	}
	ctx := kit.Watched(t)
	if _, err := dial(ctx, zmq.CurveClient{Server: serverKey}); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a client without a certificate: %v", err)
	}
	push, err := dial(ctx, zmq.CurveClient{Secret: secret, Server: serverKey})
	testkit.Check(t, err)
	for range 10 {
		testkit.Check(t, push.Send(ctx, []byte("client "+public.String())))
	}
	if line := p.WaitLine("client"); line != "client "+public.String() {
		t.Errorf("received %q", line)
	}
	p.Wait()
}
