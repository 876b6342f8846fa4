// SPDX-License-Identifier: MIT

package tlsconfig_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/tlsconfig"
)

// A listener's configuration that a callback chooses has what every configuration has.
func TestChosenConfiguration(t *testing.T) {
	a := testcert.NewAuthority(t)
	chosen := a.Server(t)
	chosen.MinVersion = tls.VersionTLS10
	failure := errors.New("no configuration for this name")
	outer := &tls.Config{NextProtos: []string{"http/1.1"}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		switch hello.ServerName {
		case "none":
			return nil, nil
		case "wrong":
			return nil, failure
		}
		return chosen, nil
	}}
	c, err := tlsconfig.Listener(outer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetConfigForClient(&tls.ClientHelloInfo{})
	if err != nil || got == chosen || got.MinVersion != tls.VersionTLS12 || !got.DynamicRecordSizingDisabled || got.VerifyConnection == nil || len(got.NextProtos) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if c, err := c.GetConfigForClient(&tls.ClientHelloInfo{ServerName: "none"}); c != nil || err != nil {
		t.Errorf("without a choice: %v, %v", c, err)
	}
	if _, err := c.GetConfigForClient(&tls.ClientHelloInfo{ServerName: "wrong"}); !errors.Is(err, failure) {
		t.Errorf("the error of the callback became %v", err)
	}
	chosen.NextProtos = []string{"own"}
	if got, _ := c.GetConfigForClient(&tls.ClientHelloInfo{}); got == nil || got.NextProtos[0] != "own" {
		t.Errorf("the protocols of the choice were replaced: %+v", got)
	}
}

// A dialer asks for the configuration of each connection.
func TestDialerAsksForEachConnection(t *testing.T) {
	calls := 0
	failure := errors.New("the agent is away")
	d, err := tlsconfig.NewDialer(&tls.Config{ServerName: "ignored"}, func(context.Context) (*tls.Config, error) {
		if calls++; calls == 3 {
			return nil, failure
		}
		return &tls.Config{RootCAs: x509.NewCertPool()}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c, err := d.Config(t.Context(), "host.example")
		if err != nil || c.ServerName != "host.example" || c.RootCAs == nil || c.MinVersion != tls.VersionTLS12 {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if _, err := d.Config(t.Context(), "host.example"); !errors.Is(err, failure) || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// Short RSA keys are refused, in the chain too, unless another chain is good.
func TestShortKeys(t *testing.T) {
	a := testcert.NewAuthority(t)
	of := func(bits int) *x509.Certificate {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return a.IssueWith(t, key, "peer", func(*x509.Certificate) {}).Leaf
	}
	short, long := of(1024), of(2048)
	refusal := errors.New("refused by the application")
	asked := false
	d, err := tlsconfig.NewDialer(&tls.Config{VerifyConnection: func(tls.ConnectionState) error { asked = true; return refusal }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Config(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		chains [][]*x509.Certificate
		good   bool
	}{
		{nil, true},
		{[][]*x509.Certificate{{long}}, true},
		{[][]*x509.Certificate{{short}}, false},
		{[][]*x509.Certificate{{long, short}}, false},
		{[][]*x509.Certificate{{long, short}, {long}}, true},
		{[][]*x509.Certificate{{long}, {long, short}}, true},
	} {
		asked = false
		err := c.VerifyConnection(tls.ConnectionState{VerifiedChains: test.chains})
		_, weak := errors.AsType[*tlsconfig.WeakKeyError](err)
		if weak == test.good || asked != test.good || test.good && !errors.Is(err, refusal) {
			t.Errorf("%v: %v, application asked %t", test.chains, err, asked)
		}
		if weak && !strings.Contains(err.Error(), "1024 bits") {
			t.Errorf("the error is %v", err)
		}
	}
}
