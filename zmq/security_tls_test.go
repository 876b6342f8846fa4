// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// mutual is a TLS configuration for both ends, whose one certificate both trust.
func mutual(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.Check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ada"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	testkit.Check(t, err)
	leaf, err := x509.ParseCertificate(der)
	testkit.Check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

// PLAIN within TLS, which hides the password and may name the peer too.
func TestPasswordsWithinTLS(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	config := mutual(t)
	named := func(_ context.Context, c zmq.Credentials) (string, error) {
		if c.TLS == nil || len(c.TLS.PeerCertificates) != 1 {
			return "", zmq.ErrDenied
		}
		return c.TLS.PeerCertificates[0].Subject.CommonName, nil
	}
	check := zmq.All(zmq.AllowPasswords(map[string]string{"user": "engine"}), named)
	pull := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{Security: zmq.PlainServer{Check: check}}})
	e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://127.0.0.1:0", TLS: config})
	testkit.Check(t, err)
	for password, good := range map[string]bool{"engine": true, "wheel": false} {
		push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Security: zmq.PlainClient{Username: "user", Password: password}}})
		_, err = push.DialWith(ctx, &spry.DialConfig{URL: e.URL(), TLS: config})
		if (err == nil) != good {
			t.Errorf("%q: %v", password, err)
		}
		if good {
			testkit.Check(t, push.Send(ctx, []byte("hello")))
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			if user := m.Pipe().Metadata()["User-Id"]; user != "ada" {
				t.Errorf("the user is %q", user)
			}
		}
		testkit.Check(t, push.Close())
	}
	rejected(t, pull, "authentication", 1)
	testkit.Check(t, pull.Close())
}
