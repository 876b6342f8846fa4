// SPDX-License-Identifier: MIT

package conformance_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
)

// secureWires are the transports over TLS.
var secureWires = []string{"tls+tcp", "zmtp+tls+tcp", "wss", "zmtp+wss"}

// A badPeer is a case of bad TLS. One end is good, the other is bad.
type badPeer struct {
	name           string
	server, client func(*tls.Config)
	dialing        string // what the dialing end says, as a regular expression
	listening      string // what the listening end says, and its reason
	reason         spry.Reason
}

// refusedThere is what the other end says: the alert with a remedy, unless the connection was reset before the alert was read.
const refusedThere = `tls: [a-z ]+: .*(see its log|this end)|connection reset by peer|broken pipe|EOF`

// badPeers are the cases of certificates and versions. template makes the peer's certificate.
func badPeers(t *testing.T, good *testcert.Authority) []badPeer {
	t.Helper()
	stranger := testcert.NewAuthority(t)
	issue := func(key crypto.Signer, change func(*x509.Certificate)) func(*tls.Config) {
		return func(c *tls.Config) {
			c.Certificates = []tls.Certificate{good.IssueWith(t, key, "peer", func(x *x509.Certificate) {
				x.IPAddresses = []net.IP{net.ParseIP(testkit.Host)}
				change(x)
			})}
		}
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	testkit.Check(t, err)
	whole := func(*x509.Certificate) {}
	expired := issue(nil, func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Second) })
	early := issue(nil, func(x *x509.Certificate) { x.NotBefore = time.Now().Add(time.Hour) })
	usage := func(u x509.ExtKeyUsage) func(*tls.Config) {
		return issue(nil, func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{u} })
	}
	selfSigned := func(c *tls.Config) { c.Certificates = []tls.Certificate{testcert.SelfSigned(t, testkit.Host)} }
	foreign := func(c *tls.Config) { c.Certificates = []tls.Certificate{stranger.Issue(t, "peer", testkit.Host)} }
	noKey := func(c *tls.Config) {
		issue(nil, whole)(c)
		c.Certificates[0].PrivateKey = stranger.Issue(t, "peer").PrivateKey
	}
	weak := func(c *tls.Config) {
		// The authority signs with SHA-1, as one from long ago.
		old := testcert.NewSHA1Certificate(t, good, "peer", testkit.Host)
		c.Certificates = []tls.Certificate{old}
	}
	revoked := func(c *tls.Config) {
		bad := good.Issue(t, "peer", testkit.Host)
		list := testcert.File(t, filepath.Join(t.TempDir(), "revoked"), good.RevocationPEM(t, bad))
		source, err := certs.Load(certs.Files{Revoked: list})
		testkit.Check(t, err)
		verify, err := source.Client(t.Context())
		testkit.Check(t, err)
		c.Certificates, c.VerifyConnection = []tls.Certificate{bad}, verify.VerifyConnection
	}
	both := func(name string, bad func(*tls.Config), client, server string) []badPeer {
		return []badPeer{
			{name: name + ", listening", server: bad, dialing: client, listening: refusedThere, reason: spry.ReasonSecurity},
			{name: name + ", dialing", client: bad, dialing: refusedThere, listening: server, reason: spry.ReasonSecurity},
		}
	}
	same := func(name string, bad func(*tls.Config), text string) []badPeer { return both(name, bad, text, text) }

	all := same("expired", expired, `certificate has expired .*: renew the peer's certificate, or correct the clock`)
	all = append(all, same("not yet valid", early, `not yet valid.*: renew the peer's certificate, or correct the clock`)...)
	all = append(all, same("wrong authority", foreign, `unknown authority.*: add the authority that signed it to (RootCAs|ClientCAs)`)...)
	all = append(all, same("self-signed", selfSigned, `unknown authority.*: add the authority that signed it to (RootCAs|ClientCAs)`)...)
	all = append(all, same("without its key", noKey, `invalid signature by the .*: the peer's key is not that of its certificate`)...)
	all = append(all, both("wrong usage", func(c *tls.Config) {
		if c.RootCAs != nil {
			usage(x509.ExtKeyUsageServerAuth)(c)
		} else {
			usage(x509.ExtKeyUsageClientAuth)(c)
		}
	}, `incompatible key usage: .*serverAuth`, `incompatible key usage: .*clientAuth`)...)
	all = append(all, same("RSA-1024", issue(short, whole), `RSA key of 1024 bits, and at least 2048 are needed`)...)
	all = append(all, same("SHA-1", weak, `(insecure algorithm SHA1|SHA1-RSA|ECDSA-SHA1).*: add the authority`)...)
	all = append(all, revokedPeers(revoked)...)
	all = append(all,
		badPeer{
			name: "wrong name", server: func(c *tls.Config) { c.Certificates = []tls.Certificate{good.Issue(t, "peer", "other.example")} },
			dialing: `cannot validate certificate for .*: dial a name that it is for, or set ServerName`, listening: refusedThere, reason: spry.ReasonSecurity,
		},
		badPeer{
			name: "no certificate", client: func(c *tls.Config) { c.Certificates = nil },
			dialing: refusedThere, listening: `didn't provide a certificate: give the dialing end a certificate`, reason: spry.ReasonSecurity,
		},
		badPeer{
			name: "other protocol inside", client: func(c *tls.Config) { c.NextProtos = []string{"other"} }, server: func(c *tls.Config) { c.NextProtos = []string{"own"} },
			dialing: `no application protocol: set the same NextProtos at both ends`, listening: `unsupported application protocols .*: set the same NextProtos at both ends`, reason: spry.ReasonSecurity,
		},
		badPeer{
			name: "no protocol inside", server: func(c *tls.Config) {
				c.VerifyConnection = func(s tls.ConnectionState) error {
					if s.NegotiatedProtocol != "own" {
						return errors.New("the peer offers no protocol that is spoken here")
					}
					return nil
				}
			},
			dialing: refusedThere, listening: `offers no protocol that is spoken here`, reason: spry.ReasonSecurity,
		},
	)
	return all
}

// revokedPeers are those whose good end knows that the other's certificate is revoked.
func revokedPeers(revoked func(*tls.Config)) []badPeer {
	const text = `was revoked on`
	apart := func(good, bad *tls.Config) {
		var c tls.Config
		revoked(&c)
		bad.Certificates, good.VerifyConnection = c.Certificates, c.VerifyConnection
	}
	var client, server *tls.Config
	keep := func(to **tls.Config, last bool, swap bool) func(*tls.Config) {
		return func(c *tls.Config) {
			*to = c
			if last && swap {
				apart(client, server)
			} else if last {
				apart(server, client)
			}
		}
	}
	return []badPeer{
		{name: "revoked, listening", server: keep(&server, false, true), client: keep(&client, true, true), dialing: text, listening: refusedThere, reason: spry.ReasonSecurity},
		{name: "revoked, dialing", server: keep(&server, false, false), client: keep(&client, true, false), dialing: refusedThere, listening: text, reason: spry.ReasonSecurity},
	}
}

// T14: a peer with a bad certificate, or with bad TLS, is refused before any byte of a dialect gets through. Both ends say why,
// with the address, the peer and the remedy.
func TestBadCertificates(t *testing.T) {
	good := testcert.NewAuthority(t)
	cases := badPeers(t, good)
	n := 0
	overWires(t, secureWires, func(t *testing.T, w wireUnderTest) {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, c := range cases {
				n++
				t.Run(strings.ReplaceAll(tls.VersionName(version), " ", "")+", "+c.name, func(t *testing.T) {
					server := &tls.Config{Certificates: []tls.Certificate{good.Issue(t, "server", testkit.Host)}, ClientCAs: good.Pool, ClientAuth: tls.RequireAndVerifyClientCert, MaxVersion: version}
					client := &tls.Config{RootCAs: good.Pool, Certificates: []tls.Certificate{good.Issue(t, "client")}}
					if c.server != nil {
						c.server(server)
					}
					if c.client != nil {
						c.client(client)
					}
					c.check(t, w, server, client)
				})
			}
		}
	})
	t.Logf("T14: %d bad handshakes were refused", n)
}

func (c badPeer) check(t *testing.T, w wireUnderTest, server, client *tls.Config) {
	ctx := testkit.Watchdog(t)
	var mu sync.Mutex
	var reported []spry.Event
	o := w.options
	o.Trace = func(e spry.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == spry.EventReject || e.Kind == spry.EventPipeUp {
			reported = append(reported, e)
		}
	}
	pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: w.options})
	e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: testkit.Address(t, w.scheme), TLS: server})
	testkit.Check(t, err)
	_, err = push.DialWith(ctx, &spry.DialConfig{URL: e.URL(), TLS: client})
	if err == nil {
		t.Fatal("the handshake succeeded")
	}
	c.says(t, "dialing", err, c.dialing, e.URL())
	testkit.Eventually(t, "the listener reports the peer", func() bool { mu.Lock(); defer mu.Unlock(); return len(reported) > 0 })
	testkit.Shut(t, push, pull)
	v := reported[0]
	if len(reported) != 1 || v.Kind != spry.EventReject || v.RemoteAddr == nil {
		t.Fatalf("the listener reports %+v", reported)
	}
	c.says(t, "listening", v.Err, c.listening, e.URL(), v.RemoteAddr.String())
	if n := pull.Stats().Rejected[v.Reason]; n != 1 || c.listening != refusedThere && v.Reason != c.reason {
		t.Errorf("counted as %v", pull.Stats().Rejected)
	}
	if r := pull.Stats().Recv; r.Arrived+r.Bytes != 0 {
		t.Errorf("%+v was received", r)
	}
}

// says checks the text of an end.
func (c badPeer) says(t *testing.T, end string, err error, want string, names ...string) {
	t.Helper()
	text := err.Error()
	if !regexp.MustCompile(want).MatchString(text) {
		t.Errorf("the %s end says %q, which does not match %q", end, text, want)
	}
	for _, name := range names {
		if !strings.Contains(text, name) {
			t.Errorf("the %s end says %q, which does not name %s", end, text, name)
		}
	}
	if strings.Contains(text, "\n") || strings.Contains(text, "PRIVATE") {
		t.Errorf("the %s end says %q", end, text)
	}
}
