// SPDX-License-Identifier: MIT

package tools_test

import (
	"path/filepath"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

// openssl sees the new certificate of a listener whose files were replaced.
func TestOpenSSLSeesNewCertificates(t *testing.T) {
	openssl := peer.Find(t, "openssl", "openssl")
	for _, scheme := range []string{"tls+tcp", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			file := func(name string) string { return filepath.Join(dir, name) }
			change := func(name string) (authority string) {
				a := testcert.NewAuthority(t)
				cert, key := testcert.PEM(t, a.Issue(t, name, "localhost"))
				testcert.File(t, file("key"), key)
				testcert.File(t, file("cert"), cert)
				return testcert.File(t, file(name+"-ca"), a.CertPEM())
			}
			before := change("before")
			source, err := certs.Load(certs.Files{Cert: file("cert"), Key: file("key")})
			testkit.Check(t, err)
			rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{Transports: []transport.Transport{tlstcp.Transport{}, ws.Transport{}}}})
			defer rep.Close()
			e, err := rep.ListenWith(kit.Watched(t), &spry.ListenConfig{URL: scheme + "://127.0.0.1:0", TLS: source.Server()})
			testkit.Check(t, err)
			look := func(authority, name string) {
				t.Helper()
				p := peer.Start(t, openssl, "s_client", "-connect", e.Addr().String(), "-servername", "localhost", "-verify_hostname", "localhost",
					"-verify_return_error", "-CAfile", authority, "-nameopt", "RFC2253")
				p.WaitLine("subject=CN=" + name)
				p.WaitLine("Verification: OK")
				p.Kill()
			}
			look(before, "before")
			after := change("after")
			testkit.Check(t, source.Reload())
			look(after, "after")
		})
	}
}

// T14: openssl, which asks a listener to negotiate TLS 1.2 anew, is refused.
func TestRenegotiationIsRefused(t *testing.T) {
	ctx := kit.Watched(t)
	pull := spry.NewPull(nil)
	defer pull.Close()
	e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://127.0.0.1:0", TLS: serverTLS(t)})
	testkit.Check(t, err)
	p := peer.Start(t, peer.Find(t, "openssl", "openssl"), "s_client", "-connect", e.Addr().String(), "-tls1_2", "-CAfile", kit.Certificates(t).AuthorityFile)
	p.WaitLine("    Verify return code: 0 (ok)")
	p.WriteLine("R")
	testkit.Eventually(t, "the listener refuses the peer", func() bool { return testkit.Sum(pull.Stats().Rejected) == 1 })
	if st := pull.Stats(); st.Rejected[spry.ReasonTimeout] != 0 || st.Recv.Bytes != 0 {
		t.Errorf("counted as %v, received %+v", st.Rejected, st.Recv)
	}
}
