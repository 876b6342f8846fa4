// SPDX-License-Identifier: MIT

package tlstcp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tlstcp"
)

// secure is what the engine and the public API see of a link's connection.
type secure interface {
	transport.Handshaker
	ConnectionState() tls.ConnectionState
	CloseWrite() error
}

func listen(t *testing.T, url string, c *tls.Config) transport.Listener {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tlstcp.Transport{}.Listen(t.Context(), u, transport.ListenOptions{TLS: c})
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// connect connects TCP. It must not depend on what the two ends think of each other.
func connect(t *testing.T, l transport.Listener, url string, c *tls.Config) (dialed, accepted *transport.Stream) {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	d, err := tlstcp.Transport{}.Dialer(u, transport.DialOptions{TLS: c})
	if err != nil {
		t.Fatalf("Dialer: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	link, err := d.Dial(ctx)
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	t.Cleanup(func() { _ = link.Close() })
	other, err := l.Accept()
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return link.(*transport.Stream), other.(*transport.Stream)
}

// handshake does both ends' handshakes and sends a byte each way, because in TLS 1.3 a client learns only
// from its first read that the server refused its certificate.
func handshake(t *testing.T, dialed, accepted *transport.Stream) (dialErr, acceptErr error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	greet := func(s *transport.Stream) error {
		if err := s.Conn.(secure).HandshakeContext(ctx); err != nil {
			_ = s.Close()
			return err
		}
		if _, err := s.Write([]byte{1}); err != nil {
			return err
		}
		_, err := io.ReadFull(s, make([]byte, 1))
		return err
	}
	accepting := make(chan error, 1)
	go func() { accepting <- greet(accepted) }()
	dialErr = greet(dialed)
	if dialErr != nil {
		_ = dialed.Close()
	}
	return dialErr, <-accepting
}

func TestMutualTLS(t *testing.T) {
	authority := testcert.NewAuthority(t)
	l := listen(t, "tls+tcp://127.0.0.1:0", authority.MutualServer(t))
	dialed, accepted := connect(t, l, l.URL(), authority.Client(t, "reader-7"))
	if dialErr, acceptErr := handshake(t, dialed, accepted); dialErr != nil || acceptErr != nil {
		t.Fatalf("handshake: %v, %v", dialErr, acceptErr)
	}
	for name, s := range map[string]*transport.Stream{"reader-7": accepted, "server": dialed} {
		state := s.Conn.(secure).ConnectionState()
		if len(state.PeerCertificates) == 0 || state.PeerCertificates[0].Subject.CommonName != name {
			t.Errorf("the peer of the end that should see %s is %v", name, state.PeerCertificates)
		}
		if s.Framing != transport.FramingLength || s.Creds != nil {
			t.Errorf("framing %v, credentials %v; expected are length and nil", s.Framing, s.Creds)
		}
	}
}

// TestHandshakeRefused is about peers that must not get to the first byte of a dialect.
func TestHandshakeRefused(t *testing.T) {
	authority, stranger := testcert.NewAuthority(t), testcert.NewAuthority(t)
	trusting := func(certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: authority.Pool, Certificates: certificates}
	}
	elsewhere := &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "server", "elsewhere.example")}}
	old := authority.Client(t, "client")
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	new13 := authority.Server(t)
	new13.MinVersion = tls.VersionTLS13

	for _, test := range []struct {
		name           string
		server, client *tls.Config
		dialing        any // the error that the dialing end must have; nil if it is enough that one fails
	}{
		{"server of another authority", stranger.Server(t), trusting(), new(x509.UnknownAuthorityError)},
		{"server with another name", elsewhere, trusting(), new(x509.HostnameError)},
		{"no roots of one's own", authority.Server(t), nil, new(x509.UnknownAuthorityError)},
		{"client without certificate", authority.MutualServer(t), trusting(), nil},
		{"client of another authority", authority.MutualServer(t), trusting(stranger.Issue(t, "client")), nil},
		{"no common version", new13, old, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := listen(t, "tls+tcp://127.0.0.1:0", test.server)
			dialed, accepted := connect(t, l, l.URL(), test.client)
			dialErr, acceptErr := handshake(t, dialed, accepted)
			if dialErr == nil || acceptErr == nil {
				t.Errorf("an end is content: dialing %v, listening %v", dialErr, acceptErr)
			}
			if test.dialing != nil && !errors.As(dialErr, test.dialing) {
				t.Errorf("the dialing end says %v; expected is a %T", dialErr, test.dialing)
			}
		})
	}
}

// TestServerName checks against which name the peer's certificate is held: the URL's, or the
// configuration's where it has one.
func TestServerName(t *testing.T) {
	authority := testcert.NewAuthority(t)
	server := &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "server", "service.example", "localhost")}}
	l := listen(t, "tls+tcp4://127.0.0.1:0", server)
	named := &tls.Config{RootCAs: authority.Pool, ServerName: "service.example"}
	unnamed := &tls.Config{RootCAs: authority.Pool}
	byName := strings.Replace(l.URL(), "127.0.0.1", "localhost", 1)
	for _, test := range []struct {
		url    string
		client *tls.Config
		want   bool
	}{
		{byName, unnamed, true},
		{l.URL(), named, true},
		{l.URL(), unnamed, false}, // the certificate is not for 127.0.0.1
	} {
		dialed, accepted := connect(t, l, test.url, test.client)
		dialErr, _ := handshake(t, dialed, accepted)
		if (dialErr == nil) != test.want {
			t.Errorf("dialing %s with ServerName %q: %v", test.url, test.client.ServerName, dialErr)
		}
	}
	if unnamed.ServerName != "" {
		t.Error("the dialer wrote into the caller's configuration")
	}
}

func TestListenWithoutCertificate(t *testing.T) {
	u := transport.URL{Scheme: "tls+tcp", Address: "127.0.0.1:0"}
	for _, c := range []*tls.Config{nil, {}} {
		l, err := tlstcp.Transport{}.Listen(t.Context(), u, transport.ListenOptions{TLS: c})
		if err == nil {
			_ = l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "certificate") || !strings.Contains(err.Error(), u.String()) {
			t.Errorf("Listen: %v", err)
		}
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	authority := testcert.NewAuthority(t)
	u := transport.URL{Scheme: "tls+tcp", Address: "127.0.0.1:0"}
	server := authority.Server(t)
	server.MaxVersion = tls.VersionTLS11
	if _, err := (tlstcp.Transport{}).Listen(t.Context(), u, transport.ListenOptions{TLS: server}); err == nil {
		t.Error("Listen takes a configuration for TLS 1.1 only")
	}
	// A peer that speaks nothing newer than 1.1, with a listener whose configuration would allow it.
	server = authority.Server(t)
	server.MinVersion = tls.VersionTLS10
	l := listen(t, u.String(), server)
	tcp, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	accepting := make(chan error, 1)
	go func() {
		link, err := l.Accept()
		if err == nil {
			err = link.(*transport.Stream).Conn.(secure).HandshakeContext(t.Context())
			_ = link.Close()
		}
		accepting <- err
	}()
	peer := tls.Client(tcp, &tls.Config{
		RootCAs:    authority.Pool,
		ServerName: "127.0.0.1",
		MinVersion: tls.VersionTLS10,
		MaxVersion: tls.VersionTLS11,
	})
	if err := peer.HandshakeContext(t.Context()); err == nil {
		t.Error("the listener speaks TLS 1.1")
	}
	_ = tcp.Close() // the client may have given up before its first byte, as in FIPS 140-only mode
	if err := <-accepting; err == nil {
		t.Error("the listening end is content with TLS 1.1")
	}
}

// TestConfigIsCopied changes the configurations after the endpoints were made of them.
func TestConfigIsCopied(t *testing.T) {
	authority := testcert.NewAuthority(t)
	server, client := authority.Server(t), authority.Client(t, "client")
	l := listen(t, "tls+tcp://127.0.0.1:0", server)
	server.Certificates = nil
	server.ClientAuth = tls.RequireAndVerifyClientCert
	d, err := tlstcp.Transport{}.Dialer(transport.URL{Scheme: "tls+tcp", Address: strings.TrimPrefix(l.URL(), "tls+tcp://")},
		transport.DialOptions{TLS: client})
	if err != nil {
		t.Fatal(err)
	}
	client.RootCAs = x509.NewCertPool()
	client.Certificates = nil
	link, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	dialErr, acceptErr := handshake(t, link.(*transport.Stream), accepted.(*transport.Stream))
	if dialErr != nil || acceptErr != nil {
		t.Errorf("handshake: %v, %v", dialErr, acceptErr)
	}
}

// TestHandshakeEndsWithContext dials a listener that says nothing at all.
func TestHandshakeEndsWithContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	d, err := tlstcp.Transport{}.Dialer(transport.URL{Scheme: "tls+tcp", Address: silent.Addr().String()}, transport.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	link, err := d.Dial(t.Context())
	if err != nil {
		t.Fatalf("Dial waits for more than TCP: %v", err)
	}
	defer link.Close()
	ctx, cancel := context.WithCancel(t.Context())
	handshaking := make(chan error, 1)
	go func() { handshaking <- link.(*transport.Stream).Conn.(secure).HandshakeContext(ctx) }()
	cancel()
	if err := <-handshaking; !errors.Is(err, context.Canceled) {
		t.Errorf("HandshakeContext: %v", err)
	}
}

// recorder is a TCP connection that keeps what is written, and that cannot be half-closed.
type recorder struct {
	net.Conn
	written bytes.Buffer
}

func (c *recorder) Write(p []byte) (int, error) {
	c.written.Write(p)
	return c.Conn.Write(p)
}

// recorded connects two ends that trust each other and does the handshakes. What the dialing end writes
// from then on is in the recorder.
func recorded(t *testing.T) (dialed, accepted *transport.Stream, wire *recorder) {
	t.Helper()
	authority := testcert.NewAuthority(t)
	l := listen(t, "tls+tcp://127.0.0.1:0", authority.Server(t))
	wire = &recorder{}
	d, err := tlstcp.Transport{}.Dialer(
		transport.URL{Scheme: "tls+tcp", Address: l.Addr().String()},
		transport.DialOptions{
			TLS: authority.Client(t, "client"),
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				wire.Conn = c
				return wire, err
			},
		})
	if err != nil {
		t.Fatal(err)
	}
	link, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	dialed, accepted = link.(*transport.Stream), other.(*transport.Stream)
	if dialErr, acceptErr := handshake(t, dialed, accepted); dialErr != nil || acceptErr != nil {
		t.Fatalf("handshake: %v, %v", dialErr, acceptErr)
	}
	wire.written.Reset()
	return dialed, accepted, wire
}

// TestOneRecordPerWrite counts the records that a batch becomes on the wire.
func TestOneRecordPerWrite(t *testing.T) {
	dialed, _, wire := recorded(t)
	const batch = 16 << 10 // the most that a record holds
	if _, err := dialed.Write(make([]byte, batch)); err != nil {
		t.Fatal(err)
	}
	const header = 5 // its last two bytes are the length of what follows
	records := 0
	for p := wire.written.Bytes(); len(p) >= header; records++ {
		p = p[min(len(p), header+int(p[3])<<8+int(p[4])):]
	}
	if records != 1 {
		t.Errorf("a batch of %d bytes became %d records", batch, records)
	}
}

// TestCloseDoesNotWait checks that Close tries no write, which a peer that has stopped reading could delay.
func TestCloseDoesNotWait(t *testing.T) {
	dialed, _, wire := recorded(t)
	if err := dialed.Close(); err != nil {
		t.Fatal(err)
	}
	if n := wire.written.Len(); n != 0 {
		t.Errorf("Close wrote %d bytes", n)
	}
}

// TestCloseWriteSaysSoInTLS ends a stream over a connection that cannot be half-closed, so that the peer
// can know of the end from TLS only.
func TestCloseWriteSaysSoInTLS(t *testing.T) {
	dialed, accepted, _ := recorded(t)
	if err := dialed.Conn.(secure).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the peer's CloseWrite Read says %v; expected is io.EOF", err)
	}
	if _, err := accepted.Write([]byte{7}); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1)
	if _, err := io.ReadFull(dialed, p); err != nil || p[0] != 7 {
		t.Errorf("the other direction after CloseWrite: %v, %v", p, err)
	}
}
