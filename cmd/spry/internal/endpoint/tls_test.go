// SPDX-License-Identifier: MIT

package endpoint_test

import (
	"crypto/tls"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/internal/testcert"
)

func TestTLSFiles(t *testing.T) {
	cert, key, both := testcert.Files(t)

	if c, err := (endpoint.TLS{}).Client(); c != nil || err != nil {
		t.Errorf("without options: %v, %v", c, err)
	}
	if c, err := (endpoint.TLS{CACert: cert}).Server(nil); c != nil || err != nil {
		t.Errorf("a listener without a certificate: %v, %v", c, err)
	}
	for _, o := range []endpoint.TLS{{Cert: cert, Key: key, CACert: cert}, {Cert: both, CACert: cert}} {
		client, err := o.Client()
		if err != nil || len(client.Certificates) != 1 || client.RootCAs == nil || client.InsecureSkipVerify {
			t.Errorf("client: %+v, %v", client, err)
		}
		server, err := o.Server(nil)
		if err == nil {
			server, err = server.GetConfigForClient(nil)
		}
		if err != nil || len(server.Certificates) != 1 || server.ClientAuth != tls.RequireAndVerifyClientCert {
			t.Errorf("server: %+v, %v", server, err)
		}
	}
	for _, o := range []endpoint.TLS{{Cert: cert, Key: cert}, {Cert: "/nonexistent"}, {CACert: "/nonexistent"}, {CACert: key}} {
		if c, err := o.Client(); err == nil {
			t.Errorf("%+v was taken: %+v", o, c)
		}
	}
	if c, err := (endpoint.TLS{Insecure: true, ServerName: "n"}).Client(); err != nil || !c.InsecureSkipVerify || c.ServerName != "n" {
		t.Errorf("insecure: %+v, %v", c, err)
	}
}
