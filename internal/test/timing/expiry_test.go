// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// An attacher is a socket that takes connections.
type attacher interface {
	testkit.Socket
	Attach(ctx context.Context, conn net.Conn, cfg *spry.AttachConfig) (*spry.Pipe, error)
}

// T14: a pipe ends when its peer's certificate, or its authority, expires, if that is asked for: within a second, with the reason,
// which is counted.
func TestCertificateExpires(t *testing.T) {
	const forever = 1000 * 24 * time.Hour
	for name, c := range map[string]struct {
		leaf, authority time.Duration // from now
		unverified      bool
		off             bool
		zmtp            bool
		ends            time.Duration // 0 = it does not within a week
	}{
		"certificate":        {leaf: time.Hour, authority: forever, ends: time.Hour},
		"soon":               {leaf: 5 * time.Second, authority: forever, ends: 5 * time.Second},
		"authority":          {leaf: forever, authority: 36 * time.Hour, ends: 36 * time.Hour},
		"not verified":       {leaf: time.Hour, authority: time.Minute, unverified: true, ends: time.Hour},
		"not asked for":      {leaf: time.Hour, authority: time.Hour, off: true},
		"valid":              {leaf: forever, authority: forever},
		"ZeroMQ certificate": {leaf: time.Hour, authority: forever, zmtp: true, ends: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				authority := testcert.NewAuthorityWith(t, func(x *x509.Certificate) { x.NotAfter = time.Now().Add(c.authority) })
				server := authority.MutualServer(t)
				server.Certificates[0] = authority.IssueWith(t, nil, "server", func(x *x509.Certificate) { x.DNSNames, x.NotAfter = []string{"server"}, time.Now().Add(forever) })
				if c.unverified {
					server.ClientAuth = tls.RequireAnyClientCert
				}
				client := &tls.Config{RootCAs: authority.Pool, ServerName: "server"}
				client.Certificates = []tls.Certificate{authority.IssueWith(t, nil, "client", func(x *x509.Certificate) { x.NotAfter = time.Now().Add(c.leaf) })}

				o := spry.Options{CloseOnExpiry: !c.off, Heartbeat: -1}
				near, far := simnet.Pipe()
				var pull attacher = spry.NewPull(&spry.PullOptions{Options: o})
				var push attacher = spry.NewPush(nil)
				if c.zmtp {
					pull, push = zmq.NewPull(&zmq.PullOptions{Options: o}), zmq.NewPush(nil)
				}
				defer pull.Close()
				defer push.Close()
				dialed := make(chan error, 1)
				go func() {
					_, err := push.Attach(t.Context(), tls.Client(far, client), nil)
					dialed <- err
				}()
				p, err := pull.Attach(t.Context(), tls.Server(near, server), &spry.AttachConfig{Listening: true})
				testkit.Check(t, err)
				testkit.Check(t, <-dialed)
				start := time.Now()
				select {
				case <-p.Done():
					d := time.Since(start)
					// Times in certificates are whole seconds.
					if c.ends == 0 || d < c.ends-time.Second || d > c.ends+time.Second || !strings.Contains(p.Err().Error(), "expired on") {
						t.Errorf("ended after %v: %v", d, p.Err())
					}
					synctest.Wait() // the endpoint counts it
					if n := pull.Stats().Rejected[spry.ReasonExpired]; n != 1 {
						t.Errorf("rejected: %v", pull.Stats().Rejected)
					}
				case <-time.After(7 * 24 * time.Hour):
					if c.ends != 0 {
						t.Errorf("the pipe lives after a week")
					}
				}
			})
		})
	}
}
