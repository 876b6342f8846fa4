// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/certs"
)

// An authority signs certificates. Yours has a program of its own, such as openssl or step.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue writes a certificate with its key to a file, and returns it. Without a parent, it makes an authority.
func issue(parent *authority, name, file string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	check(err)
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:        parent == nil, BasicConstraintsValid: true,
	}
	if parent == nil {
		parent = &authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, &key.PublicKey, parent.key)
	check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	check(os.WriteFile(file+".new", text, 0o600))
	check(os.Rename(file+".new", file)) // no reader sees half a file
	made, err := x509.ParseCertificate(der)
	check(err)
	return &authority{made, key}
}

func Example_mutualTLS() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "cookbook")
	check(err)
	defer os.RemoveAll(dir)
	at := func(name string) string { return filepath.Join(dir, name) }
	ca := issue(nil, "authority", at("ca.pem"))
	issue(ca, "server.example", at("server.pem"))
	issue(ca, "ada", at("client.pem"))

	server, err := certs.Load(certs.Files{Cert: at("server.pem"), Authorities: at("ca.pem")})
	check(err)
	rep := spry.NewRep(nil)
	defer rep.Close()
	e, err := rep.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://127.0.0.1:0", TLS: server.Server()})
	check(err)
	go rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		caller := r.Pipe().TLS().VerifiedChains[0][0].Subject.CommonName
		_ = r.Reply(ctx, []byte("you are "+caller))
	}))

	client, err := certs.Load(certs.Files{
		Cert: at("client.pem"), Authorities: at("ca.pem"), Base: &tls.Config{ServerName: "server.example"},
	})
	check(err)
	ask := func() {
		req := spry.NewReq(nil)
		defer req.Close()
		_, err := req.DialWith(ctx, &spry.DialConfig{URL: e.URL(), GetTLS: client.Client})
		check(err)
		reply, err := req.Do(ctx, []byte("who am I?"))
		check(err)
		fmt.Printf("%s\n", reply)
	}
	ask()
	issue(ca, "ada, renewed", at("client.pem")) // while both run
	check(client.Reload())                      // or by itself, within a second
	ask()

	stranger := spry.NewReq(nil)
	defer stranger.Close()
	unknown := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "server.example"}
	unknown.RootCAs.AddCert(ca.certificate)
	_, err = stranger.DialWith(ctx, &spry.DialConfig{URL: e.URL(), TLS: unknown})
	fmt.Println("without a certificate:", err != nil)
	// Output:
	// you are ada
	// you are ada, renewed
	// without a certificate: true
}
