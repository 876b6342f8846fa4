// SPDX-License-Identifier: MIT

package tlstcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/sprymq/spry"
)

// A listener has a certificate, and the dialer trusts it. Files with certificates are read by package certs.
func Example() {
	ctx := context.Background()
	pull, push := spry.NewPull(nil), spry.NewPush(nil)
	defer pull.Close()
	defer push.Close()

	server, client, err := configurations()
	if err != nil {
		fmt.Println(err)
		return
	}
	at, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://127.0.0.1:0", TLS: server})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := push.DialWith(ctx, &spry.DialConfig{URL: at.URL(), TLS: client}); err != nil {
		fmt.Println(err)
		return
	}
	if err := push.Send(ctx, []byte("a secret")); err != nil {
		fmt.Println(err)
		return
	}
	m, err := pull.RecvMsg(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(m.Bytes()), tls.VersionName(m.Pipe().TLS().Version))
	// Output: a secret TLS 1.3
}

// configurations makes a certificate for this machine, and configurations of the two ends.
func configurations() (server, client *tls.Config, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: trusted}, nil
}
