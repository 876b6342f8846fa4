// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
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
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/zmq"
)

// patience is a watchdog: what works has ended long before.
const patience = 2 * time.Minute

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

// wants checks that an error is one of a kind, and that it says all of these words.
func wants(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got the error %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

// A socket is what all sockets have.
type socket interface {
	DialWith(context.Context, *spry.Dialer) (*spry.Endpoint, error)
	ListenWith(context.Context, *spry.ListenConfig) (*spry.Endpoint, error)
	Close() error
	Stats() spry.Stats
	WaitPipes(context.Context, int) error
	Pipes() iter.Seq[*spry.Pipe]
	Flush(context.Context) error
}

// A sender is what most sockets that send have.
type sender interface {
	socket
	SendMsg(context.Context, *spry.Message) error
	TrySendMsg(*spry.Message) error
	SendBatch(context.Context, []*spry.Message) (int, error)
}

// A receiver is what most sockets that receive have.
type receiver interface {
	socket
	RecvMsg(context.Context) (*spry.Message, error)
	TryRecvMsg() (*spry.Message, error)
	RecvBatch(context.Context, []*spry.Message) (int, error)
	Messages(context.Context) iter.Seq2[*spry.Message, error]
}

var names atomic.Int64

// overEveryWire runs f over every transport, each time checking that nothing stays behind.
func overEveryWire(t *testing.T, f func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"inproc", "ipc", "tcp", "tls+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			f(t, scheme)
		})
	}
}

// overTwoWires is overEveryWire for what depends on there being a wire at all, not on which.
func overTwoWires(t *testing.T, f func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"inproc", "tcp"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			f(t, scheme)
		})
	}
}

var certificates = sync.OnceValues(func() (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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

// listenOn makes s listen on a fresh address.
func listenOn(t testing.TB, s socket, scheme string) *spry.Endpoint {
	t.Helper()
	c := &spry.ListenConfig{URL: scheme + "://127.0.0.1:0"}
	switch scheme {
	case "inproc":
		c.URL = fmt.Sprintf("inproc://zmq-%d", names.Add(1))
	case "ipc":
		dir, err := os.MkdirTemp("", "zmq")
		check(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		c.URL = "ipc://" + filepath.Join(dir, "s")
	case "tls+tcp":
		c.TLS, _ = certificates()
	}
	e, err := s.ListenWith(watchdog(t), c)
	check(t, err)
	return e
}

// dialTo connects s to a listener.
func dialTo(t testing.TB, s socket, e *spry.Endpoint) *spry.Endpoint {
	t.Helper()
	d := &spry.Dialer{URL: e.URL()}
	if strings.Contains(d.URL, "tls+") {
		_, d.TLS = certificates()
	}
	made, err := s.DialWith(watchdog(t), d)
	check(t, err)
	return made
}

// join makes b listen and a dial it, and waits until both know.
func join(t testing.TB, scheme string, a, b socket) {
	t.Helper()
	dialTo(t, a, listenOn(t, b, scheme))
	check(t, b.WaitPipes(watchdog(t), 1))
}

// shut closes sockets, senders first, and checks their books at rest.
func shut(t testing.TB, ss ...socket) {
	t.Helper()
	for _, s := range ss {
		check(t, s.Close())
	}
	for _, s := range ss {
		balanced(t, s.Stats())
	}
}

func balanced(t testing.TB, st spry.Stats) {
	t.Helper()
	if s := st.Send; s.Queued != 0 || s.Offered != s.Sent+s.Returned+sum(s.Dropped) {
		t.Errorf("%s sent: %+v", st.Name, s)
	}
	if r := st.Recv; r.Queued != 0 || r.Arrived != r.Delivered+sum(r.Dropped) {
		t.Errorf("%s received: %+v", st.Name, r)
	}
}

func sum(counts map[string]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
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

// message makes a message of text frames.
func message(frames ...string) *spry.Message { return zmq.NewMessage(raw(frames...)...) }

func raw(frames ...string) (all [][]byte) {
	for _, f := range frames {
		all = append(all, []byte(f))
	}
	return all
}

// text shows frames so that none can be mistaken for others.
func text[F ~[]byte | ~string](frames []F) string {
	all := make([]string, 0, len(frames))
	for _, f := range frames {
		if len(f) > 20 {
			all = append(all, fmt.Sprintf("%d bytes from %.8q", len(f), f))
		} else {
			all = append(all, fmt.Sprintf("%q", f))
		}
	}
	return "[" + strings.Join(all, " ") + "]"
}

func framesOf(m *spry.Message) (all [][]byte) {
	for _, f := range m.Frames() {
		all = append(all, f)
	}
	return all
}

// is checks the frames of a message.
func is(t testing.TB, got [][]byte, want ...string) {
	t.Helper()
	if text(got) != text(want) {
		t.Fatalf("got %s, want %s", text(got), text(want))
	}
}

// expect receives a message and checks its frames.
func expect(t testing.TB, s receiver, want ...string) *spry.Message {
	t.Helper()
	m, err := s.RecvMsg(watchdog(t))
	check(t, err)
	is(t, framesOf(m), want...)
	return m
}

// quiet checks that there is nothing to receive. What cannot have arrived yet is the caller's care.
func quiet(t testing.TB, s receiver) {
	t.Helper()
	if m, err := s.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
		t.Errorf("received %v, %v, want nothing", m, err)
	}
}
