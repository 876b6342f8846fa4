// SPDX-License-Identifier: MIT

package sp_test

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestMutualTLS has libnng and Spry, over tls+tcp and wss, demand each other's certificate, and checks what the pipe tells of the peer.
func TestMutualTLS(t *testing.T) {
	for _, transport := range []string{"tls+tcp", "wss"} {
		for _, spryListens := range []bool{true, false} {
			for _, role := range []string{"req", "rep"} {
				r := kit.Row(kit.LibNNG, role+", mutual TLS", transport, kit.Direction(spryListens))
				t.Run(fmt.Sprintf("%s/spry_listens=%v/%s", transport, spryListens, role), func(t *testing.T) {
					kit.Results.Track(t, r, kit.Library)
					t.Parallel()
					a := kit.NewAddress(t, transport, spryListens)
					a.Mutual = true
					meetIdentified(t, a, role)
				})
			}
		}
	}
}

// meetIdentified has libnng in a role, with a certificate, exchange messages with Spry.
func meetIdentified(t *testing.T, a kit.Address, role string) {
	t.Helper()
	own, name := a.TLS.Server, "localhost"
	if a.SpryListens {
		own, name = a.TLS.Client, "client"
	}
	args := []string{role, a.TLS.AuthorityFile, own.CertFile, own.KeyFile}
	if role == "req" {
		rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
		p := kit.MeetC(t, a, rep, "nng_tls", args...)
		kit.WaitPipes(t, rep, 1)
		expectIdentity(t, rep, name)
		echoRequests(t, rep)
		p.WaitLine("done")
		return
	}
	req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
	kit.MeetC(t, a, req, "nng_tls", args...)
	for _, size := range kit.Sizes {
		want := kit.Body(size, 3)
		kit.Same(t, "Spry received", kit.Must[[]byte](t)(req.Do(kit.Watched(t), want)), want)
	}
	expectIdentity(t, req, name)
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
	for _, transport := range []string{"tls+tcp", "wss"} {
		t.Run(transport, func(t *testing.T) {
			kit.Results.Track(t, kit.Row("nngcat", "push without a certificate is refused", transport, "it dials"), kit.Library)
			t.Parallel()
			a := kit.NewAddress(t, transport, true)
			a.Mutual = true
			nngcat := peer.Find(t, "nngcat", "nng-utils")
			pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
			kit.Attach(t, pull, a)
			args := []string{"--push0", "--dial", a.URL, "--cacert", a.TLS.AuthorityFile, "--interval", kit.LongPause}
			anonymous := peer.Start(t, nngcat, slices.Concat(args, []string{"--data", "anonymous"})...)
			if err := anonymous.Result(); err == nil {
				t.Error("nngcat without a certificate ended as if it had been served")
			}
			identity := []string{"--cert", a.TLS.Client.CertFile, "--key", a.TLS.Client.KeyFile}
			peer.Start(t, nngcat, slices.Concat(args, identity, []string{"--data", "known"})...)
			if got := string(kit.Must[[]byte](t)(pull.Recv(kit.Watched(t)))); got != "known" {
				t.Errorf("received %q", got)
			}
		})
	}
}
