// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

func TestSecurityIsChecked(t *testing.T) {
	_, secret := newKeys(t)
	long := strings.Repeat("x", 256)
	for _, test := range []struct {
		field    string
		security spry.Security
	}{
		{"PlainClient.Username", zmq.PlainClient{}},
		{"PlainClient.Username", zmq.PlainClient{Username: long}},
		{"PlainClient.Password", zmq.PlainClient{Username: "x", Password: long}},
		{"PlainServer.Check", zmq.PlainServer{}},
		{"CurveClient.Server", zmq.CurveClient{}},
		{"CurveClient.Server", zmq.CurveClient{Secret: secret}},
		{"CurveClient.Server", zmq.CurveClient{Server: zmq.PublicKey{1}}}, // with which everybody knows what boxes open with
		{"CurveServer.Secret", zmq.CurveServer{}},
	} {
		push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Security: test.security}})
		_, err := push.Connect("tcp://127.0.0.1:1")
		if !errors.Is(err, spry.ErrConfig) || !strings.Contains(err.Error(), test.field) || strings.Contains(err.Error(), long) {
			t.Errorf("%v, want an error of %s", err, test.field)
		}
		testkit.Check(t, push.Close())
	}
}

// Both mechanisms, with what the authenticator sees and what the socket knows afterwards.
func TestSecuredConnections(t *testing.T) {
	leak.Check(t)
	server, serverSecret := newKeys(t)
	client, clientSecret := newKeys(t)
	var seen zmq.Credentials // by the handshake, before there is a pipe
	check := func(_ context.Context, c zmq.Credentials) (string, error) {
		seen = c
		return "Ali", nil
	}
	for _, scheme := range []string{"tcp", "ipc", "zmtp+tcp"} {
		for _, test := range []struct{ server, client spry.Security }{
			{zmq.PlainServer{Check: check}, zmq.PlainClient{Username: "ali", Password: "open sesame"}},
			{zmq.CurveServer{Secret: serverSecret, Check: check}, zmq.CurveClient{Secret: clientSecret, Server: server}},
		} {
			t.Run(scheme+" "+test.server.Mechanism(), func(t *testing.T) {
				pull := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{Security: test.server}})
				e, err := pull.Listen(testkit.Watchdog(t), testkit.Address(t, scheme))
				testkit.Check(t, err)
				push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Security: test.client, Metadata: map[string]string{"X-App": "test"}}})
				ctx := testkit.Watchdog(t)
				_, err = push.Dial(ctx, e.URL())
				testkit.Check(t, err)
				testkit.Check(t, push.Send(ctx, []byte("hello")))
				m, err := pull.RecvMsg(ctx)
				testkit.Check(t, err)
				if said := m.Pipe().Metadata(); said["User-Id"] != "Ali" || said["X-App"] != "test" {
					t.Errorf("the pipe's metadata is %v", said)
				}
				if seen.Mechanism != test.server.Mechanism() || seen.Address.String() != m.Pipe().RemoteAddr().String() || seen.TLS != nil {
					t.Errorf("seen %v", seen)
				}
				if local := scheme == "ipc" && runtime.GOOS == "linux"; local != (seen.Creds != nil) {
					t.Errorf("the peer's process is %v", seen.Creds)
				}
				switch seen.Mechanism {
				case "PLAIN":
					if seen.Username != "ali" || seen.Password != "open sesame" || seen.PublicKey != (zmq.PublicKey{}) {
						t.Errorf("seen %v and %q", seen, seen.Password)
					}
				case "CURVE":
					if seen.PublicKey != client || seen.Metadata["X-App"] != "test" {
						t.Errorf("seen %v, metadata %v", seen, seen.Metadata)
					}
				}
				testkit.Check(t, push.Close())
				testkit.Check(t, pull.Close())
			})
		}
	}
}

// Without a check, every key is let in, and without a key of its own, a client has one for each socket.
func TestCurveWithoutNames(t *testing.T) {
	leak.Check(t)
	server, secret := newKeys(t)
	pull, url, _ := listening(t, zmq.CurveServer{Secret: secret})
	testkit.Check(t, pushTo(t, zmq.CurveClient{Server: server}, url, pull).Close())

	var keys []zmq.PublicKey
	pull, url, _ = listening(t, zmq.CurveServer{Secret: secret, Check: func(_ context.Context, c zmq.Credentials) (string, error) {
		keys = append(keys, c.PublicKey) // each dial waits for its handshake
		return "", nil
	}})
	first := pushTo(t, zmq.CurveClient{Server: server}, url, pull)
	_, err := first.Dial(testkit.Watchdog(t), url)
	testkit.Check(t, err)
	testkit.Check(t, pushTo(t, zmq.CurveClient{Server: server}, url, pull).Close())
	testkit.Check(t, first.Close())
	if len(keys) != 3 || keys[0] != keys[1] || keys[1] == keys[2] || keys[0] == (zmq.PublicKey{}) {
		t.Errorf("the keys are %v, want one of the first socket, twice, and one of the second", keys)
	}
}

// Whoever does not belong is refused at both ends, which know why and show no secret.
func TestRefusedPeers(t *testing.T) {
	leak.Check(t)
	server, serverSecret := newKeys(t)
	client, clientSecret := newKeys(t)
	stranger, strangerSecret := newKeys(t)
	passwords := zmq.PlainServer{Check: zmq.AllowPasswords(map[string]string{"ali": "open sesame"})}
	keys := zmq.CurveServer{Secret: serverSecret, Check: zmq.AllowKeys(client)}
	for _, test := range []struct {
		name           string
		server, client spry.Security
		atServer       spry.Reason
		says           string
	}{
		{"password", passwords, zmq.PlainClient{Username: "ali", Password: "open wheat"}, "authentication", "400"},
		{"name", passwords, zmq.PlainClient{Username: "kasim", Password: "open sesame"}, "authentication", "400"},
		{"key", keys, zmq.CurveClient{Secret: strangerSecret, Server: server}, "authentication", "400"},
		{"no key", keys, zmq.CurveClient{Server: server}, "authentication", "400"},
		{"another server", keys, zmq.CurveClient{Secret: clientSecret, Server: stranger}, "authentication", "closed"},
		{"PLAIN for CURVE", keys, zmq.PlainClient{Username: "ali", Password: "open wheat"}, "mechanism", "CURVE"},
		{"CURVE for PLAIN", passwords, zmq.CurveClient{Secret: clientSecret, Server: server}, "mechanism", "PLAIN"},
		{"nothing for CURVE", keys, nil, "mechanism", "CURVE"},
		{"nothing for PLAIN", passwords, nil, "mechanism", "PLAIN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pull, url, atServer := listening(t, test.server)
			o, atClient := secured(test.client)
			err := refusal(t, o, url)
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("the client sees %v, not %q", err, test.says)
			}
			rejected(t, pull, test.atServer, 1)
			if s := pull.Stats(); s.Recv.Arrived != 0 {
				t.Errorf("%d messages arrived", s.Recv.Arrived)
			}
			atServer.await(t, `"reason":"`+string(test.atServer)+`"`)
			testkit.Check(t, pull.Close())
			written := err.Error()
			for _, r := range []*record{atServer, atClient} {
				text, events := r.all()
				written += text + fmt.Sprintf("%v %+v %#v", events, events, events)
				for _, e := range events {
					written += fmt.Sprint(e.Err)
				}
			}
			stats, err := json.Marshal(pull.Stats())
			testkit.Check(t, err)
			written += string(stats)
			for _, secret := range []string{
				"sesame", "wheat", serverSecret.Z85(), clientSecret.Z85(), strangerSecret.Z85(),
				fmt.Sprintf("%x", clientSecret[:]), fmt.Sprintf("%x", serverSecret[:]),
			} {
				if strings.Contains(written, secret) {
					t.Errorf("%q is shown in %s", secret, written)
				}
			}
		})
	}
}

// The peer is told a status, or nothing if it may try again later; the own log says why. An authenticator that fails or
// panics lets nobody in.
func TestStatuses(t *testing.T) {
	leak.Check(t)
	for _, test := range []struct {
		err                error
		clientSees, logged string
	}{
		{fmt.Errorf("%w: on Sundays", zmq.ErrDenied), "400", "on Sundays"},
		{fmt.Errorf("%w: after lunch", zmq.ErrTryLater), "closed", "after lunch"},
		{errors.New("the directory is down"), "500", "the directory is down"},
		{nil, "500", "500"}, // panics
	} {
		pull, url, r := listening(t, zmq.PlainServer{Check: func(context.Context, zmq.Credentials) (string, error) {
			if test.err == nil {
				panic("sesame")
			}
			return "somebody", test.err
		}})
		err := refusal(t, zmq.Options{Security: zmq.PlainClient{Username: "ali"}}, url)
		if !strings.Contains(err.Error(), test.clientSees) {
			t.Errorf("%v: the client sees %v, want %s", test.err, err, test.clientSees)
		}
		r.await(t, test.logged)
		rejected(t, pull, "authentication", 1)
		if n := pull.Stats().Panics; (n == 1) != (test.err == nil) {
			t.Errorf("%d panics", n)
		}
	}
}

// Who comes in is decided anew for each connection: certificates that are added and removed count at once.
func TestAllowListChanges(t *testing.T) {
	leak.Check(t)
	server, serverSecret := newKeys(t)
	client, clientSecret := newKeys(t)
	dir := t.TempDir()
	pull, url, _ := listening(t, zmq.CurveServer{Secret: serverSecret, Check: zmq.AllowCertificates(dir)})
	as := zmq.CurveClient{Secret: clientSecret, Server: server}
	_ = refusal(t, zmq.Options{Security: as}, url)
	rejected(t, pull, "authentication", 1)

	certificate := zmq.Certificate{Public: client, Metadata: map[string]string{"name": "Ada"}}
	testkit.Check(t, certificate.SavePublic(filepath.Join(dir, "ada")))
	push := pushTo(t, as, url, pull)
	for p := range pull.Pipes() {
		if p.Metadata()["User-Id"] != "Ada" {
			t.Errorf("the pipe's metadata is %v", p.Metadata())
		}
	}
	testkit.Check(t, push.Close())
	testkit.Check(t, os.Remove(filepath.Join(dir, "ada")))
	_ = refusal(t, zmq.Options{Security: as}, url)
	rejected(t, pull, "authentication", 2)
}

// A handler of ZAP that serves the address of convention, as ZeroMQ programs have it.
func TestZAPOverSockets(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	within := zmq.Options{Network: spry.NewNetwork()}
	rep := zmq.NewRep(&zmq.RepOptions{Options: within})
	_, err := rep.Listen(ctx, "inproc://zeromq.zap.01")
	testkit.Check(t, err)
	req := zmq.NewReq(&zmq.ReqOptions{Options: within})
	_, err = req.Dial(ctx, "inproc://zeromq.zap.01")
	testkit.Check(t, err)
	served := make(chan error, 1)
	domains := make(map[string]int)
	check := zmq.All(func(_ context.Context, c zmq.Credentials) (string, error) {
		domains[c.Domain]++
		return "", nil
	}, zmq.AllowPasswords(map[string]string{"ali": "open sesame"}))
	go func() {
		served <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			var request [][]byte
			for _, frame := range r.Message().Frames() {
				request = append(request, frame)
			}
			if err := r.ReplyMsg(ctx, zmq.NewMessage(zmq.HandleZAP(ctx, check, request)...)); err != nil {
				t.Errorf("replying: %v", err)
			}
		}))
	}()
	ask := func(ctx context.Context, request [][]byte) ([][]byte, error) { return req.Do(ctx, request...) }
	pull, url, _ := listening(t, zmq.PlainServer{Check: zmq.ZAP(ask, "global")})
	push := pushTo(t, zmq.PlainClient{Username: "ali", Password: "open sesame"}, url, pull)
	for p := range pull.Pipes() {
		if p.Metadata()["User-Id"] != "ali" {
			t.Errorf("the pipe's metadata is %v", p.Metadata())
		}
	}
	err = refusal(t, zmq.Options{Security: zmq.PlainClient{Username: "ali", Password: "open wheat"}}, url)
	if !strings.Contains(err.Error(), "400") {
		t.Errorf("a wrong password: %v", err)
	}
	testkit.Check(t, push.Close())
	testkit.Check(t, req.Close())
	testkit.Check(t, rep.Close())
	testkit.Check(t, <-served)
	if !maps.Equal(domains, map[string]int{"global": 2}) {
		t.Errorf("asked about %v", domains)
	}
}

// What has no security of its own does not get past that of ZeroMQ, unless it is named.
func TestSecurityCoversTheOtherFamily(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	server, secret := newKeys(t)
	o := spry.Options{Security: zmq.CurveServer{Secret: secret}}
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	other := spry.NewPush(nil)
	if _, err := other.Dial(ctx, e.URL()); err == nil {
		t.Fatal("a peer without security was let in")
	}
	rejected(t, pull, "bad_header", 1)
	named, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0", Dialects: []string{"sp", "zmtp"}})
	testkit.Check(t, err)
	_, err = other.Dial(ctx, named.URL())
	testkit.Check(t, err)

	client := spry.NewPush(&spry.PushOptions{Options: spry.Options{Security: zmq.CurveClient{Server: server}}})
	if _, err := client.Dial(ctx, e.URL()); !errors.Is(err, spry.ErrConfig) || !strings.Contains(err.Error(), "zmtp+tcp://") {
		t.Errorf("dialing without a dialect: %v", err)
	}
	_, err = client.Dial(ctx, "zmtp+"+e.URL())
	testkit.Check(t, err)
	testkit.Check(t, client.Send(ctx, []byte("sealed")))
	testkit.Check(t, other.Send(ctx, []byte("open")))
	came := make(map[string]int)
	for range 2 {
		b, err := pull.Recv(ctx)
		testkit.Check(t, err)
		came[string(b)]++
	}
	if !maps.Equal(came, map[string]int{"sealed": 1, "open": 1}) {
		t.Errorf("received %v", came)
	}
	testkit.Check(t, client.Close())
	testkit.Check(t, other.Close())
	testkit.Check(t, pull.Close())
}

// Closing a socket ends the questions that are open, and an answer that comes later lets nobody in.
func TestCloseEndsQuestions(t *testing.T) {
	leak.Check(t)
	asked := make(chan bool, 1)
	pull, url, r := listening(t, zmq.PlainServer{Check: func(ctx context.Context, _ zmq.Credentials) (string, error) {
		asked <- true
		<-ctx.Done()
		return "", nil
	}})
	push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Security: zmq.PlainClient{Username: "ali"}}})
	_, err := push.Connect(url)
	testkit.Check(t, err)
	<-asked
	testkit.Check(t, pull.Close())
	testkit.Check(t, push.Close())
	if _, events := r.all(); slices.ContainsFunc(events, func(e spry.Event) bool { return e.Kind == spry.EventPipeUp }) {
		t.Errorf("a pipe was made: %v", events)
	}
}
