// SPDX-License-Identifier: MIT

package interop_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestMutualTLS has libnng and Spry demand each other's certificate, and checks what the pipe tells of the peer.
func TestMutualTLS(t *testing.T) {
	for _, spryListens := range []bool{true, false} {
		for _, role := range []string{"req", "rep"} {
			r := row{libnng, role + ", mutual TLS", "tls+tcp", direction(spryListens)}
			t.Run(fmt.Sprintf("spry_listens=%v/%s", spryListens, role), func(t *testing.T) {
				results.track(t, r, library)
				t.Parallel()
				a := newAddress(t, "tls+tcp", spryListens)
				a.mutual = true
				own, name := a.tls.server, "localhost"
				if spryListens {
					own, name = a.tls.client, "client"
				}
				args := []string{role, a.tls.authorityFile, own.certFile, own.keyFile}
				if role == "req" {
					rep := spry.NewRep(&spry.RepOptions{Options: options})
					p := meetC(t, a, rep, "nng_tls", args...)
					waitPipes(t, rep, 1)
					expectIdentity(t, rep, name)
					echoRequests(t, rep)
					p.WaitLine("done")
					return
				}
				req := spry.NewReq(&spry.ReqOptions{Options: options})
				meetC(t, a, req, "nng_tls", args...)
				for _, size := range sizes {
					want := body(size, 3)
					same(t, "Spry received", must[[]byte](t)(req.Do(watched(t), want)), want)
				}
				expectIdentity(t, req, name)
			})
		}
	}
}

// expectIdentity checks the name in the certificate of the only peer.
func expectIdentity(t *testing.T, s interface {
	Pipes() iter.Seq[*spry.Pipe]
}, name string,
) {
	t.Helper()
	for p := range s.Pipes() {
		state := p.TLS()
		if state == nil || len(state.PeerCertificates) == 0 {
			t.Fatal("the pipe knows no certificate of its peer")
		}
		if got := state.PeerCertificates[0].Subject.CommonName; got != name {
			t.Errorf("the peer's certificate is of %q, want %q", got, name)
		}
	}
}

// TestPeerWithoutCertificate is refused where one is demanded, and does not disturb those that have one.
func TestPeerWithoutCertificate(t *testing.T) {
	results.track(t, row{"nngcat", "push without a certificate is refused", "tls+tcp", "it dials"}, library)
	t.Parallel()
	a := newAddress(t, "tls+tcp", true)
	a.mutual = true
	nngcat := peer.Find(t, "nngcat", "nng-utils")
	pull := spry.NewPull(&spry.PullOptions{Options: options})
	attach(t, pull, a)
	args := []string{"--push0", "--dial", a.url, "--cacert", a.tls.authorityFile, "--interval", longPause}
	anonymous := peer.Start(t, nngcat, slices.Concat(args, []string{"--data", "anonymous"})...)
	if err := anonymous.Result(); err == nil {
		t.Error("nngcat without a certificate ended as if it had been served")
	}
	identity := []string{"--cert", a.tls.client.certFile, "--key", a.tls.client.keyFile}
	peer.Start(t, nngcat, slices.Concat(args, identity, []string{"--data", "known"})...)
	if got := string(must[[]byte](t)(pull.Recv(watched(t)))); got != "known" {
		t.Errorf("received %q", got)
	}
}
