// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	_ "github.com/sprymq/spry/internal/invariant" // what leak.Check sees to
)

// What the reliability tests have in common: peers that are nothing but a connection, sockets over each
// transport, and the books that must balance.

// patience is a watchdog: what works has ended long before.
const patience = 120 * time.Second

// long asks for the full figures, which take minutes.
var long = os.Getenv("SPRY_LONG") != ""

// figure is a number of repetitions.
func figure(short, full int) int {
	if long {
		return full
	}
	return short
}

func watchdog(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// anySocket is what all sockets have.
type anySocket interface {
	DialWith(context.Context, *spry.Dialer) (*spry.Endpoint, error)
	ListenWith(context.Context, *spry.ListenConfig) (*spry.Endpoint, error)
	Close() error
	Stats() spry.Stats
	WaitPipes(context.Context, int) error
}

var certificates = sync.OnceValues(func() (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "reliability test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
})

var names atomic.Int64

// listenOn makes s listen on a fresh address of a scheme.
func listenOn(t testing.TB, s anySocket, scheme string) *spry.Endpoint {
	t.Helper()
	server, _ := certificates()
	url := scheme + "://127.0.0.1:0"
	switch scheme {
	case "inproc":
		url = fmt.Sprintf("inproc://reliability-%d", names.Add(1))
	case "ipc", "zmtp+ipc":
		dir, err := os.MkdirTemp("", "spry")
		check(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		url = scheme + "://" + filepath.Join(dir, "s")
	}
	c := &spry.ListenConfig{URL: url}
	if strings.HasSuffix(scheme, "tls+tcp") {
		c.TLS = server
	}
	e, err := s.ListenWith(watchdog(t), c)
	check(t, err)
	return e
}

// dialTo connects s to a listener.
func dialTo(t testing.TB, s anySocket, e *spry.Endpoint) *spry.Endpoint {
	t.Helper()
	d, err := s.DialWith(watchdog(t), dialerTo(e))
	check(t, err)
	return d
}

func dialerTo(e *spry.Endpoint) *spry.Dialer {
	d := &spry.Dialer{URL: e.URL()}
	if strings.Contains(d.URL, "tls+") {
		_, d.TLS = certificates()
	}
	return d
}

// closeAll closes sockets when the test ends.
func closeAll(t testing.TB, ss ...io.Closer) {
	t.Cleanup(func() {
		for _, s := range ss {
			_ = s.Close()
		}
	})
}

// A bare peer is a connection to a listener by which a test says whatever it likes.
type bare struct {
	net.Conn
	typed bool
}

// bareTo connects to a listener, with TLS where the scheme has it. On ipc the peer binds a name, so that it can be
// told from others.
func bareTo(t testing.TB, e *spry.Endpoint) *bare {
	t.Helper()
	b := bareBelow(t, e)
	if strings.Contains(e.URL(), "tls+") {
		_, client := certificates()
		client = client.Clone()
		client.ServerName = "127.0.0.1"
		b.Conn = tls.Client(b.Conn, client)
	}
	return b
}

// bareBelow is bareTo without TLS.
func bareBelow(t testing.TB, e *spry.Endpoint) *bare {
	t.Helper()
	b := &bare{}
	var err error
	if path, ok := strings.CutPrefix(strings.TrimPrefix(e.URL(), "zmtp+"), "ipc://"); ok {
		b.typed = !strings.HasPrefix(e.URL(), "zmtp+")
		own := fmt.Sprintf("%s.%d", path, names.Add(1))
		b.Conn, err = net.DialUnix("unix", &net.UnixAddr{Name: own, Net: "unix"}, &net.UnixAddr{Name: path, Net: "unix"})
		t.Cleanup(func() { _ = os.Remove(own) })
	} else {
		b.Conn, err = net.Dial("tcp", e.Addr().String())
	}
	check(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// header is what a peer that speaks protocol begins with.
func header(protocol spry.Protocol) []byte {
	return []byte{0, 'S', 'P', 0, byte(protocol >> 8), byte(protocol), 0, 0}
}

// frame is a message as it is on the wire.
func frame(typed bool, message []byte) []byte {
	return append(frameHead(typed, uint64(len(message))), message...)
}

func frameHead(typed bool, length uint64) []byte {
	var f []byte
	if typed {
		f = append(f, 1)
	}
	return binary.BigEndian.AppendUint64(f, length)
}

// shake sends a header and reads the listener's.
func (b *bare) shake(t testing.TB, protocol spry.Protocol) {
	t.Helper()
	b.say(t, header(protocol))
	b.hear(t)
}

func (b *bare) say(t testing.TB, p []byte) {
	t.Helper()
	if _, err := b.Write(p); err != nil {
		t.Fatalf("write of a bare peer: %v", err)
	}
}

func (b *bare) hear(t testing.TB) {
	t.Helper()
	check(t, b.SetReadDeadline(time.Now().Add(patience)))
	if _, err := io.ReadFull(b, make([]byte, 8)); err != nil {
		t.Fatalf("reading the listener's header: %v", err)
	}
}

// untilClosed reads until the listener has closed the connection.
func (b *bare) untilClosed(t testing.TB) {
	t.Helper()
	_ = b.SetReadDeadline(time.Now().Add(patience)) // fails if the test closed the connection itself
	if _, err := io.Copy(io.Discard, b.Conn); err != nil && os.IsTimeout(err) {
		t.Errorf("%s: the listener has not closed the connection", b.LocalAddr())
	}
}

func sum(counts map[string]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// unbalanced says what in a socket's figures breaks the conservation law, or nothing.
func unbalanced(st spry.Stats) string {
	for _, p := range st.Pipes {
		if why := unbalancedHalves(p.Send, p.Recv); why != "" {
			return fmt.Sprintf("pipe %d of %s: %s", p.ID, st.Name, why)
		}
	}
	if why := unbalancedHalves(st.Send, st.Recv); why != "" {
		return fmt.Sprintf("sums of %s: %s", st.Name, why)
	}
	return ""
}

func unbalancedHalves(s spry.SendStats, r spry.RecvStats) string {
	if s.Offered != s.Sent+s.Queued+s.Returned+sum(s.Dropped) {
		return fmt.Sprintf("offered %d != sent %d + queued %d + returned %d + dropped %v", s.Offered, s.Sent, s.Queued, s.Returned, s.Dropped)
	}
	if r.Arrived != r.Delivered+r.Queued+sum(r.Dropped) {
		return fmt.Sprintf("arrived %d != delivered %d + queued %d + dropped %v", r.Arrived, r.Delivered, r.Queued, r.Dropped)
	}
	return ""
}

// eventually waits for a state that nothing announces. The watchdog is not a measure.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}
